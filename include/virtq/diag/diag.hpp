// SPDX-License-Identifier: MIT
#pragma once

/// All that looks from outside: `take_snapshot`, `dump`, `diagnose`, `explain`, and `CheckedPages`. Nothing of
/// the library includes this, not even virtq.hpp, so that a kernel that does not ask for it pays nothing.

#include <virtq/diag/checked_pages.hpp>
#include <virtq/diag/diagnose.hpp>
#include <virtq/diag/dump.hpp>
#include <virtq/diag/explain.hpp>
