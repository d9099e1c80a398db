// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// A device register as a typed value: its width and who may do what are in the type, so that a wrong width, a
/// read of a write-only register or a write to a read-only one does not compile. The numbers are in `spec/`,
/// the access itself in `platform/`.
namespace virtq::detail {

enum class Access : uint8_t { read, write, read_write };

template <class Word, Access access>
struct Register {
    uint16_t offset;  ///< in bytes, from the start of the register block
};

template <class Word>
using ReadOnly = Register<Word, Access::read>;
template <class Word>
using WriteOnly = Register<Word, Access::write>;
template <class Word>
using ReadWrite = Register<Word, Access::read_write>;

/// A 64-bit value that the device takes in two write-only 32-bit halves.
struct WriteOnlyPair {
    WriteOnly<uint32_t> low;
    WriteOnly<uint32_t> high;
};

/// The same, of registers that read back.
struct ReadWritePair {
    ReadWrite<uint32_t> low;
    ReadWrite<uint32_t> high;
};

}  // namespace virtq::detail
