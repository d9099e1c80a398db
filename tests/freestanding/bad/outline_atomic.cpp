// SPDX-License-Identifier: MIT
//
// A read-modify-write calls a helper of libgcc where gcc outlines it.
// EXPECT aarch64: asks the kernel for __aarch64_ldadd4_acq_rel

unsigned global_number;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    __atomic_fetch_add(&global_number, 1, __ATOMIC_ACQ_REL);
}
