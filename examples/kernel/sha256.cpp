// SPDX-License-Identifier: MIT
#include "sha256.hpp"

namespace {

constexpr unsigned prime_count = 64;

/// The constants of the standard are fractions of roots of primes (§4.2.2, §5.3.3): computed here rather than
/// copied, so that no digit can be mistyped.
struct RootFractions {
    uint32_t square[prime_count];
    uint32_t cube[prime_count];
};

/// 128 bits, the lowest word first: a 32-bit compiler has no such type.
struct Wide {
    uint32_t words[4];
};

consteval Wide times(Wide const& left, uint64_t right) {
    uint32_t const factors[] = {static_cast<uint32_t>(right), static_cast<uint32_t>(right >> 32)};
    Wide product{};
    for (unsigned shift = 0; shift < 2; ++shift) {
        uint64_t carry = 0;
        for (unsigned i = 0; i + shift < 4; ++i) {
            uint64_t const sum = uint64_t{left.words[i]} * factors[shift] + product.words[i + shift] + carry;
            product.words[i + shift] = static_cast<uint32_t>(sum);
            carry = sum >> 32;
        }
    }
    return product;
}

consteval bool is_above(Wide const& left, Wide const& right) {
    for (unsigned i = 4; i-- != 0;) {
        if (left.words[i] != right.words[i]) {
            return left.words[i] > right.words[i];
        }
    }
    return false;
}

/// The first 32 fractional bits of the root of `value`: of the largest `root` with root^degree <= value * 2^(32 *
/// degree).
consteval uint32_t root_fraction(uint32_t value, unsigned degree) {
    Wide limit{};
    limit.words[degree] = value;
    uint64_t root = 0;
    // Degree 2: primes below 2^9 have roots below 2^5, and 32 fractional bits follow. The cube stays below 2^111.
    for (uint64_t bit = uint64_t{1} << 36; bit != 0; bit >>= 1) {
        Wide power{{1}};
        for (unsigned i = 0; i < degree; ++i) {
            power = times(power, root | bit);
        }
        if (!is_above(power, limit)) {
            root |= bit;
        }
    }
    return static_cast<uint32_t>(root);
}

consteval RootFractions root_fractions() {
    RootFractions roots{};
    uint32_t prime = 2;
    for (unsigned found = 0; found < prime_count; ++prime) {
        bool divided = false;
        for (uint32_t divisor = 2; divisor * divisor <= prime; ++divisor) {
            divided = divided || prime % divisor == 0;
        }
        if (!divided) {
            roots.square[found] = root_fraction(prime, 2);
            roots.cube[found] = root_fraction(prime, 3);
            ++found;
        }
    }
    return roots;
}

constexpr RootFractions roots = root_fractions();

constexpr uint32_t rotate(uint32_t word, unsigned bits) {
    return (word >> bits) | (word << (32 - bits));
}

constexpr uint32_t big_endian_word(uint8_t const* bytes) {
    return (uint32_t{bytes[0]} << 24) | (uint32_t{bytes[1]} << 16) | (uint32_t{bytes[2]} << 8) | bytes[3];
}

}  // namespace

void Sha256::start() {
    for (unsigned i = 0; i < 8; ++i) {
        state_[i] = roots.square[i];
    }
    total_bytes_ = 0;
    block_used_ = 0;
}

void Sha256::update(void const* data, size_t bytes) {
    auto const* next = static_cast<uint8_t const*>(data);
    total_bytes_ += bytes;
    while (bytes != 0) {
        if (block_used_ == 0 && bytes >= block_bytes) {
            compress(next);
            next += block_bytes;
            bytes -= block_bytes;
            continue;
        }
        block_[block_used_++] = *next++;
        --bytes;
        if (block_used_ == block_bytes) {
            compress(block_);
            block_used_ = 0;
        }
    }
}

Sha256::Text Sha256::finish() {
    uint64_t const total_bits = total_bytes_ * 8;
    uint8_t const end = 0x80;
    uint8_t const zero = 0;
    update(&end, 1);
    while (block_used_ != block_bytes - 8) {
        update(&zero, 1);
    }
    for (unsigned shift = 64; shift != 0; shift -= 8) {
        uint8_t const byte = static_cast<uint8_t>(total_bits >> (shift - 8));
        update(&byte, 1);
    }

    Text text{};
    for (unsigned i = 0; i < 64; ++i) {
        text.digits[i] = "0123456789abcdef"[(state_[i / 8] >> (28 - 4 * (i % 8))) & 15];
    }
    return text;
}

/// The names are those of the standard, §6.2.2.
void Sha256::compress(uint8_t const* block) {
    uint32_t w[64];
    for (unsigned t = 0; t < 16; ++t) {
        w[t] = big_endian_word(block + 4 * t);
    }
    for (unsigned t = 16; t < 64; ++t) {
        uint32_t const sigma0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ (w[t - 15] >> 3);
        uint32_t const sigma1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ (w[t - 2] >> 10);
        w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
    }

    uint32_t a = state_[0], b = state_[1], c = state_[2], d = state_[3];
    uint32_t e = state_[4], f = state_[5], g = state_[6], h = state_[7];
    for (unsigned t = 0; t < 64; ++t) {
        uint32_t const choice = (e & f) ^ (~e & g);
        uint32_t const majority = (a & b) ^ (a & c) ^ (b & c);
        uint32_t const t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + roots.cube[t] + w[t];
        uint32_t const t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority;
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    uint32_t const result[8] = {a, b, c, d, e, f, g, h};
    for (unsigned i = 0; i < 8; ++i) {
        state_[i] += result[i];
    }
}
