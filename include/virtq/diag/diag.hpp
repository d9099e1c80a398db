// SPDX-License-Identifier: MIT
#pragma once

/// Everything for diagnosis: `take_snapshot`, `dump`, `diagnose`, `explain`, and `CheckedPages`. No other header
/// includes this one, not even virtq.hpp. A kernel that does not use it pays nothing.

#include <virtq/diag/checked_pages.hpp>
#include <virtq/diag/diagnose.hpp>
#include <virtq/diag/dump.hpp>
#include <virtq/diag/explain.hpp>
