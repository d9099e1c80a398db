// SPDX-License-Identifier: MIT
#pragma once

/// Makes exceptions end the kernel, and interrupts come through the local APIC. The interval timer must already count:
/// its line is the tick of `machine::wait`.
void prepare_interrupts();
