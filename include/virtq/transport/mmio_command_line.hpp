// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/transport/mmio_slot.hpp>

#include <stddef.h>
#include <stdint.h>

/// Finds virtio-mmio devices on the kernel's command line, in the form that Linux uses. QEMU's `microvm,acpi=off`
/// appends one such parameter for each device (with ACPI it puts the devices into a table instead):
///
///     virtio_mmio.device=<size>@<base>:<interrupt>[:<id>]        virtio_mmio.device=512@0xfeb00e00:12
///
/// The standard has no such form: §4.2.1 (MMIO Device Discovery) leaves the way to find devices open, and suggests a
/// device tree. So this follows Linux. Any number of these parameters may appear among others. Numbers are decimal,
/// 0x… or 0… (octal); K, M or G may follow a size. In the name, - and _ are the same. Quotes keep blanks together, and
/// `--` ends the parameters.
///
/// The first malformed parameter becomes the error. The caller still gets all other devices.
///
/// ```
/// virtq::KernelCommandLine const line{boot_line};
/// virtq::Discovery const slots = virtq::for_each_mmio_slot(line, [&](virtq::MmioSlot const& slot) {
///     virtq::Status const status = transport.probe(virtq::MmioSpace{kernel_map_uncached(slot.base.value, slot.bytes)});
///     if (status.ok()) kernel_print("a device");
/// });
/// if (!slots) {
///     kernel_print(virtq::describe(slots.error), boot_line + slots.error_position);
/// }
/// ```
namespace virtq {

/// The kernel's command line, as the boot loader passed it.
struct KernelCommandLine {
    char const* text = nullptr;  ///< ends with a NUL; null if there is no command line
    uint32_t max_bytes = 65536;  ///< where the text ends if it has no NUL
};

namespace detail {

/// Iterates over the devices of a command line. Use `for_each_mmio_slot`, unless you want to stop early.
class MmioCommandLineCursor {
public:
    explicit constexpr MmioCommandLineCursor(KernelCommandLine const& line) : text_(line.text) {
        while (text_ != nullptr && end_ < line.max_bytes && text_[end_] != '\0') {
            ++end_;
        }
    }

    /// Moves to the next device; false if there is none. `error()` reports whether the device is well-formed.
    [[__nodiscard__]] constexpr bool next() {
        if (!__builtin_is_constant_evaluated()) {
            bring_descriptions<ErrorGroup::discovery>();
        }
        while (take_word()) {
            if (take_name()) {
                error_ = take_slot() ? Error::none : Error::command_line_malformed;
                return true;
            }
        }
        return false;
    }

    [[__nodiscard__]] constexpr Error error() const { return error_; }
    /// Where parsing this device ended, in characters from the start of the line.
    [[__nodiscard__]] constexpr uint32_t position() const { return at_; }
    [[__nodiscard__]] constexpr MmioSlot const& slot() const { return slot_; }

private:
    [[__nodiscard__]] static constexpr bool is_blank(char character) {
        return character == ' ' || (character >= '\t' && character <= '\r');
    }

    /// Sets `at_` and `word_end_` to the next word, without the quotes if all of it is in quotes. False at the end of
    /// the parameters.
    [[__nodiscard__]] constexpr bool take_word() {
        at_ = next_word_;
        while (at_ < end_ && is_blank(text_[at_])) {
            ++at_;
        }
        uint32_t const begin = at_;
        bool is_quoted = false;
        for (word_end_ = at_; word_end_ < end_ && (is_quoted || !is_blank(text_[word_end_])); ++word_end_) {
            is_quoted ^= text_[word_end_] == '"';
        }
        next_word_ = word_end_;
        if (take('"') && at_ < word_end_ && text_[word_end_ - 1] == '"') {
            --word_end_;
        }
        bool const is_end_of_parameters = word_end_ - begin == 2 && text_[begin] == '-' && text_[begin + 1] == '-';
        return begin != end_ && !is_end_of_parameters;
    }

    [[__nodiscard__]] constexpr bool take(char character) {
        bool const is_there = at_ < word_end_ && text_[at_] == character;
        at_ += is_there ? 1 : 0;
        return is_there;
    }

    [[__nodiscard__]] constexpr bool take_name() {
        constexpr char name[] = "virtio_mmio.device=";
        for (char const* wanted = name; *wanted != '\0'; ++wanted) {
            if (!take(*wanted) && !(*wanted == '_' && take('-'))) {
                return false;
            }
        }
        return true;
    }

    /// Parses what follows the name. A slot has a size and ends within 64 bits, and no other character follows it.
    [[__nodiscard__]] constexpr bool take_slot() {
        uint64_t bytes = 0;
        uint64_t base = 0;
        uint64_t interrupt = 0;
        uint64_t id = 0;  // a name for the device, not used here
        bool const is_read = take_number(bytes) && take_suffix(bytes) && take('@') && take_number(base) && take(':') &&
                             take_number(interrupt) && (!take(':') || take_number(id)) && at_ == word_end_;
        if (!is_read || bytes == 0 || base + (bytes - 1) < base || interrupt > UINT32_MAX) {
            return false;
        }
        slot_ = {PhysAddr{base}, bytes, static_cast<uint32_t>(interrupt)};
        return true;
    }

    /// Parses a number as C writes it. False if there is none, or if it exceeds 64 bits.
    [[__nodiscard__]] constexpr bool take_number(uint64_t& value) {
        unsigned base = 10;
        bool has_digit = take('0');
        if (has_digit) {
            base = 8;
            if (take('x') || take('X')) {
                base = 16;
                has_digit = false;
            }
        }
        for (value = 0; at_ < word_end_; ++at_) {
            unsigned const digit = digit_of(text_[at_]);
            if (digit >= base) {
                break;
            }
            // Shifts replace the multiplication by 10: with 64 bits it is a library call on some 32-bit machines.
            uint64_t const shifted = base == 16 ? value << 4 : base == 8 ? value << 3 : (value << 3) + (value << 1);
            if (value > (base == 16  ? UINT64_MAX >> 4
                         : base == 8 ? UINT64_MAX >> 3
                                     : UINT64_MAX / 10) ||
                shifted + digit < shifted) {
                return false;
            }
            value = shifted + digit;
            has_digit = true;
        }
        return has_digit;
    }

    /// 16 if the character is not a digit.
    [[__nodiscard__]] static constexpr unsigned digit_of(char character) {
        if (character >= '0' && character <= '9') {
            return static_cast<unsigned>(character - '0');
        }
        if (character >= 'a' && character <= 'f') {
            return static_cast<unsigned>(character - 'a') + 10;
        }
        return character >= 'A' && character <= 'F' ? static_cast<unsigned>(character - 'A') + 10 : 16;
    }

    /// Multiplies by the suffix: 2^10 for K, 2^20 for M, 2^30 for G. False if the result exceeds 64 bits.
    [[__nodiscard__]] constexpr bool take_suffix(uint64_t& value) {
        unsigned const tens = take('K') || take('k') ? 1 : take('M') || take('m') ? 2 : take('G') || take('g') ? 3 : 0;
        for (unsigned i = 0; i < tens; ++i) {
            if ((value >> 54) != 0) {
                return false;
            }
            value <<= 10;
        }
        return true;
    }

    char const* text_ = nullptr;
    uint32_t end_ = 0;
    uint32_t at_ = 0;
    uint32_t word_end_ = 0;
    uint32_t next_word_ = 0;
    Error error_ = Error::none;
    MmioSlot slot_;
};

}  // namespace detail

/// Calls `each(MmioSlot const&)` for every device of the command line. Error: `command_line_malformed`, with the
/// position of the first malformed parameter.
template <class Each>
Discovery for_each_mmio_slot(KernelCommandLine const& line, Each&& each) {
    Discovery discovery;
    if constexpr (detail::check_takes_mmio_slot<Each>()) {
        detail::MmioCommandLineCursor cursor(line);
        while (cursor.next()) {
            if (cursor.error() == Error::none) {
                each(cursor.slot());
                ++discovery.found;
            } else {
                discovery.note(cursor.error(), cursor.position());
            }
        }
    }
    return discovery;
}

}  // namespace virtq
