// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/error_words.hpp>

#include <stdint.h>

namespace virtq {

/// All errors that the library reports, in one list: a kernel needs only one `switch`, and each error has one text.
///
/// The list names things of other folders (a queue, a transport) on purpose. One enumeration per folder would need a
/// conversion at each border that an error crosses on its way up to the kernel. Errors that carry a pointer to their
/// text would link all texts into every kernel.
///
/// The numbers are for kernels that print nothing else (`VIRTQ_SENTENCES=numbers`). A number never gets another meaning;
/// a new error takes the next one that is free.
enum class Error : uint8_t {
    none = 0,

    // queue: its size
    queue_size_zero = 1,
    queue_size_not_power_of_two = 2,
    queue_size_above_maximum = 3,
    queue_size_above_capacity = 4,
    queue_size_fixed_no_power_of_two = 5,
    // queue: its memory
    no_pages = 6,
    queue_size_above_pages = 7,
    queue_reset_failed = 8,
    suspend_timed_out = 9,
    not_live = 10,
    suspend_not_negotiated = 11,
    not_suspended = 12,
    device_was_reset = 13,
    descriptor_tier_in_order = 14,
    pages_misaligned = 15,
    pages_not_contiguous = 16,
    pages_handed_out_twice = 17,
    pages_not_memory = 18,
    pfn_above_32_bits = 19,
    pfn_zero = 20,
    queue_still_live = 21,
    // queue: its features
    ring_packed_not_negotiated = 22,
    feature_not_supported_by_queue = 23,
    // queue: a chain
    queue_full = 24,
    chain_empty = 25,
    segment_empty = 26,
    segment_address_virtual = 27,
    chain_longer_than_queue = 28,
    chain_above_4_gib = 29,
    readable_after_writable = 30,
    // queue: its state
    queue_not_initialised = 31,
    queue_broken = 32,

    // transport: where the registers are
    device_tree_absent = 33,
    device_tree_cut_short = 34,
    device_tree_malformed = 35,
    device_tree_no_address = 36,
    command_line_malformed = 37,
    // transport: which device the registers belong to
    no_device = 38,
    not_virtio = 39,
    version_unknown = 40,
    device_gone = 41,
    // transport: a PCI function
    pci_virtio_absent = 42,
    pci_function_absent = 43,
    pci_vendor_zero = 44,
    pci_access_widths_differ = 45,
    pci_access_echoes = 46,
    pci_access_misplaces_writes = 47,
    pci_capability_list_broken = 48,
    pci_modern_absent = 49,
    pci_legacy_absent = 50,
    pci_structure_missing = 51,
    pci_structure_invalid = 52,
    pci_bar_unassigned = 53,
    pci_window_full = 54,
    pci_bridge_closed = 55,
    pci_not_mapped = 56,
    pci_mappings_overlap = 57,
    pci_command_refused = 58,
    pci_unreachable = 59,
    pci_config_window_off = 60,
    pci_buses_used_up = 61,
    msix_absent = 62,
    msix_refused = 63,
    msi_message_invalid = 64,
    // transport: the device configuration
    config_absent = 65,
    config_refused = 66,
    config_too_short = 67,
    // transport: a queue of the device
    queue_above_transport = 68,
    queue_size_not_taken = 69,
    vector_refused = 70,
    queue_absent = 71,
    queue_too_small = 72,
    queue_in_use = 73,
    queue_not_accepted = 74,

    // device: initialisation
    reset_timed_out = 75,
    reset_refused = 76,
    queue_survived_reset = 77,
    not_restarted = 78,
    init_needs_reset = 79,
    reset_needed = 80,
    transport_not_probed = 81,
    wrong_device_type = 82,
    nothing_offered = 83,
    feature_required_not_offered = 84,
    feature_prerequisite_missing = 85,
    status_not_kept = 86,
    features_refused = 87,
    config_unstable = 88,
    zoned_host_managed = 89,

    // device: a request
    not_initialised = 90,
    read_only = 91,
    beyond_capacity = 92,
    length_not_block_multiple = 93,
    request_above_queue = 94,
    device_limits_too_small = 95,
    no_such_queue = 96,
    dma_map_failed = 97,
    not_supported = 98,
    io_error = 99,
    status_invalid = 100,
    short_read = 101,
    timed_out = 102,
    request_cancelled = 103,

    // device: its answer
    answer_invalid = 104,

    // ports of a device
    port_absent = 105,
    port_closed = 106,

    // device: a packet, and a command of a network card
    packet_length_invalid = 107,
    offload_invalid = 108,
    command_refused = 109,
    no_such_pair = 110,
    pair_not_in_use = 111,
    mtu_above_buffers = 112,

    // device: a message of 9P
    message_invalid = 113,
    // device: displays and pictures
    no_such_display = 114,
    no_such_picture = 115,
    picture_invalid = 116,
    pictures_used_up = 117,
    rectangle_outside = 118,
    device_out_of_memory = 119,
};

namespace detail {

/// Called where an error of a group may begin: puts the descriptions of this group into the kernel. No code: the compiler
/// only sees that the texts are used. Clang emits them as soon as a function that is no template calls this, wherever that
/// is used.
template <ErrorGroup group>
void bring_descriptions() {
#ifdef __ELF__
    if constexpr (has_groups_apart) {
        __asm__("" : : "i"(&group_texts<Error, group>));
    }
#endif
}

#ifdef __ELF__
template <ErrorGroup group>
using GroupText = Descriptions<sentence_in<Error, group>, 'E', chosen_wording>;

/// The texts of the groups, if any file of the kernel has them. Otherwise a linker sets these weak references to 0. The
/// names are those of `group_texts<Error, group>`.
extern "C" {
[[gnu::__weak__]] extern GroupText<ErrorGroup::pci_placement> const virtq_pci_placement_errors __asm__(
    "_ZN5virtq6detail11group_textsINS_5ErrorELNS0_10ErrorGroupE1EEE");
[[gnu::__weak__]] extern GroupText<ErrorGroup::msix> const virtq_msix_errors __asm__(
    "_ZN5virtq6detail11group_textsINS_5ErrorELNS0_10ErrorGroupE2EEE");
[[gnu::__weak__]] extern GroupText<ErrorGroup::pci> const virtq_pci_errors __asm__(
    "_ZN5virtq6detail11group_textsINS_5ErrorELNS0_10ErrorGroupE3EEE");
[[gnu::__weak__]] extern GroupText<ErrorGroup::discovery> const virtq_discovery_errors __asm__(
    "_ZN5virtq6detail11group_textsINS_5ErrorELNS0_10ErrorGroupE4EEE");
[[gnu::__weak__]] extern GroupText<ErrorGroup::further_calls> const virtq_further_calls_errors __asm__(
    "_ZN5virtq6detail11group_textsINS_5ErrorELNS0_10ErrorGroupE5EEE");
[[gnu::__weak__]] extern GroupText<ErrorGroup::further_drivers> const virtq_further_drivers_errors __asm__(
    "_ZN5virtq6detail11group_textsINS_5ErrorELNS0_10ErrorGroupE6EEE");
}

/// The numbers that the text of a group describes. Some may be in an earlier group.
struct GroupRange {
    uint8_t first;
    uint8_t count;
};
template <ErrorGroup group>
inline constexpr GroupRange range_of{first_value<sentence_in<Error, group>>,
                                     value_count<sentence_in<Error, group>> - first_value<sentence_in<Error, group>>};
inline constexpr GroupRange group_ranges[] = {
    range_of<ErrorGroup::pci_placement>, range_of<ErrorGroup::msix>,          range_of<ErrorGroup::pci>,
    range_of<ErrorGroup::discovery>,     range_of<ErrorGroup::further_calls>, range_of<ErrorGroup::further_drivers>};
/// In memory, see `read_pointer`.
inline char const* const where_group_texts_are[] = {
    virtq_pci_placement_errors.text, virtq_msix_errors.text,          virtq_pci_errors.text,
    virtq_discovery_errors.text,     virtq_further_calls_errors.text, virtq_further_drivers_errors.text};

/// The description of an error, wherever it is.
[[__nodiscard__]] inline char const* find_error_description(Error error) {
    for (unsigned group = 0; group < 6; ++group) {
        unsigned const number = static_cast<unsigned>(error) - group_ranges[group].first;
        if (number < group_ranges[group].count) {
            char const* const texts = read_pointer(&where_group_texts_are[group]);
            constexpr char const* absent =
                chosen_wording == Wording::sentences
                    ? "The description of this error is not in this kernel. Look its number up in virtq/base/error.hpp."
                    : "not_described";
            return texts != nullptr ? find_text(texts, number) : absent;
        }
    }
    return description_of<sentence_in<Error, ErrorGroup::common>, 'E'>(error);
}
#endif

}  // namespace detail

/// What happened, and what to do next. A constant string without a line end.
///
/// `VIRTQ_SENTENCES` chooses what this and every other `describe` of the library returns: `sentences`, unless it is
/// defined; `names` (`queue_full`), with -Os 8 to 12 KB less; or `numbers` (`E24`), 1 KB less again. Define it on the
/// command line, the same in every file: on ELF targets, files that describe in different ways do not link. `E24` is the
/// `Error` with the number 24, `F` a `FaultReason`, `D` a `DriverReason`, `C` a `Cause`, `P` a `PageFinding`, `S` the end
/// of a `PciScan`.
/// Errors are in groups. With `-ffreestanding -fno-pic` on ELF targets a kernel has the descriptions of a group only if
/// its code returns an error of it: none about PCI without code for PCI. An error of your own code may be in a group that
/// is not there; `describe` then says so.
/// `describe(static_cast<Error>(24))` in a program on your desk prints the sentence. Use the release that the kernel
/// has: the numbers of a `Cause` and a `PageFinding` change with releases.
[[__nodiscard__]] constexpr char const* describe(Error error) {
#ifdef __ELF__
    if constexpr (detail::has_groups_apart) {
        if (!__builtin_is_constant_evaluated()) {
            return detail::find_error_description(error);
        }
    }
#endif
    return detail::description_of<detail::error_sentence<Error>, 'E'>(error);
}

}  // namespace virtq
