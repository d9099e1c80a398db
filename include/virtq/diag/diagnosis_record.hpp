// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/chain_finding.hpp>
#include <virtq/diag/diagnosis.hpp>

#include <stddef.h>

namespace virtq {

/// The working memory of `diagnose`, for a kernel with small stacks. It has about 2 KiB: make it a static object, which
/// is in `.bss`, and pass it to each call. Only one call may use it at a time.
struct DiagnosisRecord {
    Diagnosis diagnosis;           ///< of the last call
    detail::ChainFindings chains;  ///< only `diagnose` uses it

    constexpr DiagnosisRecord() = default;
    DiagnosisRecord(DiagnosisRecord const&) = delete;
    DiagnosisRecord& operator=(DiagnosisRecord const&) = delete;

    /// Clears the last result. Constructs in place: an assignment would put a second record on the stack.
    void clear() {
        DiagnosisRecord& place = *this;
        new (&place) DiagnosisRecord;
    }

private:
    /// Our own placement new, because `new` is a library header.
    static void* operator new(size_t, void* place) { return place; }
};

}  // namespace virtq
