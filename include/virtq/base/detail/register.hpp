// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// A device register as a typed value: its type holds the width and the permitted access. A wrong width, a read of a
/// write-only register or a write to a read-only one does not compile. The register numbers are in `spec/`, the access
/// functions in `platform/`.
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

/// A 64-bit value that the driver writes in two 32-bit halves and cannot read back.
struct WriteOnlyPair {
    WriteOnly<uint32_t> low;
    WriteOnly<uint32_t> high;
};

/// A 64-bit value in two 32-bit registers that the driver can also read.
struct ReadWritePair {
    ReadWrite<uint32_t> low;
    ReadWrite<uint32_t> high;
};

}  // namespace virtq::detail
