// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// Feature bits, §2.2 (Feature Bits) and §6 (Reserved Feature Bits).
namespace virtq {

namespace spec {

/// §6: feature bits of the queue and of negotiation, which mean the same for every device type.
enum class Feature : uint8_t {
    notify_on_empty = 24,    ///< VIRTIO_F_NOTIFY_ON_EMPTY (legacy, §6.3)
    any_layout = 27,         ///< VIRTIO_F_ANY_LAYOUT (legacy, §6.3)
    indirect_desc = 28,      ///< VIRTIO_F_INDIRECT_DESC
    event_idx = 29,          ///< VIRTIO_F_EVENT_IDX
    version_1 = 32,          ///< VIRTIO_F_VERSION_1
    access_platform = 33,    ///< VIRTIO_F_ACCESS_PLATFORM
    ring_packed = 34,        ///< VIRTIO_F_RING_PACKED
    in_order = 35,           ///< VIRTIO_F_IN_ORDER
    order_platform = 36,     ///< VIRTIO_F_ORDER_PLATFORM
    sr_iov = 37,             ///< VIRTIO_F_SR_IOV
    notification_data = 38,  ///< VIRTIO_F_NOTIFICATION_DATA
    notif_config_data = 39,  ///< VIRTIO_F_NOTIF_CONFIG_DATA
    ring_reset = 40,         ///< VIRTIO_F_RING_RESET
    admin_vq = 41,           ///< VIRTIO_F_ADMIN_VQ
    suspend = 43,            ///< VIRTIO_F_SUSPEND
};

}  // namespace spec

/// §2.2.1: feature `bit` must not be accepted without feature `needs`. Each device type has a table of these.
struct FeatureNeed {
    uint8_t bit;    ///< number of the dependent feature
    uint8_t needs;  ///< number of the feature that it depends on
};

/// A set of feature bits, 128 wide: the standard defines bits up to 127. It is stored as 32-bit words: every transport
/// transfers it so, and a 32-bit target shifts them without a library call.
class Features {
public:
    static constexpr unsigned word_count = 4;               ///< how many 32-bit words a set has
    static constexpr unsigned bit_count = 32 * word_count;  ///< how many bits a set has

    constexpr Features() = default;

    /// The set of these scoped enumerators: of `spec::Feature`, or of a device type.
    template <class... Bits>
    [[__nodiscard__]] static constexpr Features of(Bits... bits) {
        Features set;
        (set.set(bits), ...);
        return set;
    }

    /// Whether the feature `bit` is in the set.
    template <class Bit>
    [[__nodiscard__]] constexpr bool has(Bit bit) const {
        return has_bit(static_cast<unsigned>(bit));
    }
    /// Adds the feature `bit`.
    template <class Bit>
    constexpr void set(Bit bit) {
        words_[static_cast<unsigned>(bit) / 32] |= mask(static_cast<unsigned>(bit));
    }
    /// Removes the feature `bit`.
    template <class Bit>
    constexpr void clear(Bit bit) {
        words_[static_cast<unsigned>(bit) / 32] &= ~mask(static_cast<unsigned>(bit));
    }

    /// Whether bit number `bit` is set, for loops over a set. `bit` is below `bit_count`.
    [[__nodiscard__]] constexpr bool has_bit(unsigned bit) const { return (words_[bit / 32] & mask(bit)) != 0; }

    /// Word `index` holds bits `32 * index` to `32 * index + 31`.
    [[__nodiscard__]] constexpr uint32_t word(unsigned index) const { return words_[index]; }
    /// Replaces the 32 bits of word `index`, for a transport that reads them word by word.
    constexpr void set_word(unsigned index, uint32_t value) { words_[index] = value; }

    /// Whether no bit is set.
    [[__nodiscard__]] constexpr bool empty() const { return (words_[0] | words_[1] | words_[2] | words_[3]) == 0; }
    /// Whether every feature of `other` is in this set.
    [[__nodiscard__]] constexpr bool contains(Features const& other) const {
        uint32_t lacks = 0;  // word by word: a set of what is missing would be written to memory and read again
        for (unsigned i = 0; i < word_count; ++i) {
            lacks |= other.words_[i] & ~words_[i];
        }
        return lacks == 0;
    }

    /// The features that are here and not in `other`.
    [[__nodiscard__]] constexpr Features without(Features const& other) const {
        Features difference;
        for (unsigned i = 0; i < word_count; ++i) {
            difference.words_[i] = words_[i] & ~other.words_[i];
        }
        return difference;
    }

    /// The features that are in both sets.
    friend constexpr Features operator&(Features const& a, Features const& b) {
        Features both;
        for (unsigned i = 0; i < word_count; ++i) {
            both.words_[i] = a.words_[i] & b.words_[i];
        }
        return both;
    }
    /// The features that are in at least one of the two sets.
    friend constexpr Features operator|(Features const& a, Features const& b) {
        Features either;
        for (unsigned i = 0; i < word_count; ++i) {
            either.words_[i] = a.words_[i] | b.words_[i];
        }
        return either;
    }
    /// Whether both sets have the same features.
    friend constexpr bool operator==(Features const&, Features const&) = default;

private:
    [[__nodiscard__]] static constexpr uint32_t mask(unsigned bit) { return uint32_t{1} << (bit % 32); }

    uint32_t words_[word_count] = {};
};

}  // namespace virtq
