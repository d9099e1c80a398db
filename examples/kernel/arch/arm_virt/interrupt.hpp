// SPDX-License-Identifier: MIT
#pragma once

/// Makes `listen` and `wait` of machine.hpp work.
void prepare_interrupts();
