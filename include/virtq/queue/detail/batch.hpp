// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq::detail {

/// With VIRTIO_F_IN_ORDER: the chains that one used entry completes, oldest first (§2.7.9, §2.8.8). The entry gives
/// the length of the last chain; the device has written the others completely.
class Batch {
public:
    constexpr Batch() = default;
    constexpr Batch(uint16_t chains, uint32_t written_in_last) : left_(chains), written_(written_in_last) {}

    [[__nodiscard__]] constexpr bool is_over() const { return left_ == 0; }
    [[__nodiscard__]] constexpr uint16_t left() const { return left_; }

    /// Takes the oldest `chains`, at most `left()`. Returns how many bytes the device wrote to the last of them, which
    /// has `writable` bytes.
    [[__nodiscard__]] constexpr uint32_t take(uint16_t chains, uint32_t writable) {
        left_ = static_cast<uint16_t>(left_ - chains);
        return is_over() ? written_ : writable;
    }

private:
    uint16_t left_ = 0;
    uint32_t written_ = 0;
};

}  // namespace virtq::detail
