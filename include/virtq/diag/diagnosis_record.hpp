// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/chain_finding.hpp>
#include <virtq/diag/diagnosis.hpp>

#include <stddef.h>

namespace virtq {

/// Where `diagnose` works, for a kernel whose stacks are small: about 2 KiB, which the kernel keeps as a static object
/// and gives to each call. All zero at first, so a static one lies in `.bss`. One call at a time.
struct DiagnosisRecord {
    Diagnosis diagnosis;           ///< of the last call
    detail::ChainFindings chains;  ///< only `diagnose` uses it

    constexpr DiagnosisRecord() = default;
    DiagnosisRecord(DiagnosisRecord const&) = delete;
    DiagnosisRecord& operator=(DiagnosisRecord const&) = delete;

    /// Forgets the last call. In place: an assignment would make another one on the stack.
    void clear() {
        DiagnosisRecord& place = *this;
        new (&place) DiagnosisRecord;
    }

private:
    /// Of our own, because <new> is a library header.
    static void* operator new(size_t, void* place) { return place; }
};

}  // namespace virtq
