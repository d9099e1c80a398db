// SPDX-License-Identifier: MIT
#pragma once

/// Exceptions end the kernel, and interrupts come through the local APIC. The interval timer must count already: its
/// line is the tick of `machine::wait`.
void prepare_interrupts();
