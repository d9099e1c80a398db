// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/description.hpp>
#include <virtq/spec/balloon.hpp>
#include <virtq/spec/block.hpp>
#include <virtq/spec/console.hpp>
#include <virtq/spec/device_id.hpp>
#include <virtq/spec/feature.hpp>
#include <virtq/spec/gpu.hpp>
#include <virtq/spec/net.hpp>
#include <virtq/spec/p9.hpp>

#include <stddef.h>
#include <stdint.h>

/// The standard's names of feature bits, for a kernel that prints them.
namespace virtq {

namespace detail {

/// How the names of an enumeration of feature bits begin. The rest is the enumerator in capital letters.
template <class Bit>
inline constexpr char const* feature_prefix = nullptr;
template <>
inline constexpr char const* feature_prefix<spec::Feature> = "VIRTIO_F_";
template <>
inline constexpr char const* feature_prefix<spec::balloon::Feature> = "VIRTIO_BALLOON_F_";
template <>
inline constexpr char const* feature_prefix<spec::block::Feature> = "VIRTIO_BLK_F_";
template <>
inline constexpr char const* feature_prefix<spec::console::Feature> = "VIRTIO_CONSOLE_F_";
template <>
inline constexpr char const* feature_prefix<spec::gpu::Feature> = "VIRTIO_GPU_F_";
template <>
inline constexpr char const* feature_prefix<spec::net::Feature> = "VIRTIO_NET_F_";
template <>
inline constexpr char const* feature_prefix<spec::p9::Feature> = "VIRTIO_9P_";

/// One above the last bit of `end` bits that has a name.
template <class Bit, unsigned end = Features::bit_count>
constexpr unsigned count_feature_bits() {
    if constexpr (enumerator_name<static_cast<Bit>(end - 1)>().length != 0) {
        return end;
    } else {
        return count_feature_bits<Bit, end - 1>();
    }
}

/// Adds the names of all bits from `number` on. A bit without a name adds an empty text.
template <class Bit, unsigned end, unsigned number = 0>
constexpr void add_feature_names(TextJoiner& joiner) {
    if constexpr (number < end) {
        constexpr EnumeratorName name = enumerator_name<static_cast<Bit>(number)>();
        char text[64] = {};
        size_t length = 0;
        for (char const* at = feature_prefix<Bit>; name.length != 0 && *at != '\0'; ++at) {
            text[length++] = *at;
        }
        for (size_t i = 0; i < name.length; ++i) {
            char const letter = name.first[i];
            text[length++] = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
        }
        joiner.add(text, length);
        add_feature_names<Bit, end, number + 1>(joiner);
    }
}
template <class Bit>
constexpr size_t join_feature_names(TextJoiner joiner) {
    add_feature_names<Bit, count_feature_bits<Bit>()>(joiner);
    return joiner.bytes;
}

/// All names of a device type in one text, as `Descriptions` are. A kernel has the text of a type only if it asks for
/// this type, or for a type that is not a constant.
template <class Bit>
struct FeatureNames {
    char text[join_feature_names<Bit>({nullptr, false})]{};

    constexpr FeatureNames() { static_cast<void>(join_feature_names<Bit>({text, true})); }
};
template <class Bit>
inline constexpr FeatureNames<Bit> feature_names{};

/// The name of a bit of this enumeration, or null.
template <class Bit>
[[__nodiscard__]] constexpr char const* feature_name_in(unsigned bit) {
    constexpr unsigned end = count_feature_bits<Bit>();  // at compile time: it recurs
    if (bit >= end) {
        return nullptr;
    }
    char const* const name = find_text(feature_names<Bit>.text, bit);
    return *name == '\0' ? nullptr : name;
}

}  // namespace detail

/// The name of feature bit `bit` of a device of this type; null if the library does not know it. `bit` is below
/// `Features::bit_count`.
[[__nodiscard__]] constexpr char const* feature_name(spec::DeviceId device, unsigned bit) {
    if (char const* const name = detail::feature_name_in<spec::Feature>(bit); name != nullptr) {
        return name;
    }
    switch (device) {
        case spec::DeviceId::net: return detail::feature_name_in<spec::net::Feature>(bit);
        case spec::DeviceId::block: return detail::feature_name_in<spec::block::Feature>(bit);
        case spec::DeviceId::console: return detail::feature_name_in<spec::console::Feature>(bit);
        case spec::DeviceId::traditional_balloon: return detail::feature_name_in<spec::balloon::Feature>(bit);
        case spec::DeviceId::transport_9p: return detail::feature_name_in<spec::p9::Feature>(bit);
        case spec::DeviceId::gpu: return detail::feature_name_in<spec::gpu::Feature>(bit);
        default: return nullptr;
    }
}

}  // namespace virtq
