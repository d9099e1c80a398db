// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

/// SHA-256 (FIPS 180-4), fed in any number of pieces, in order. All zero before `start`: no constructor runs in a
/// kernel before its main function.
class Sha256 {
public:
    /// 64 lower-case digits, as `sha256sum` prints them.
    struct Text {
        char digits[65];
    };

    void start();
    void update(void const* data, size_t bytes);
    /// Pads, and ends the sum: only another `start` may follow.
    [[nodiscard]] Text finish();

private:
    static constexpr size_t block_bytes = 64;

    void compress(uint8_t const* block);

    uint32_t state_[8];
    uint64_t total_bytes_;
    uint8_t block_[block_bytes];  ///< the start of a block whose rest has not come yet
    size_t block_used_;
};
