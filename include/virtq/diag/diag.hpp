// SPDX-License-Identifier: MIT
#pragma once

/// All that looks at a queue and its device from outside: `take_snapshot`, `dump`, `diagnose`, `explain`. Nothing of
/// the library includes this, not even virtq.hpp, so that a kernel that does not ask for it pays nothing.

#include <virtq/diag/diagnose.hpp>
#include <virtq/diag/dump.hpp>
#include <virtq/diag/explain.hpp>
