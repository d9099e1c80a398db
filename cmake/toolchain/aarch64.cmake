# SPDX-License-Identifier: MIT
#
# Freestanding aarch64, for a kernel: any of these compilers, and no library of theirs.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # nothing can be linked without a linker script

find_program(VIRTQ_KERNEL_COMPILER NAMES aarch64-none-elf-g++ aarch64-linux-gnu-g++ REQUIRED)
set(CMAKE_CXX_COMPILER ${VIRTQ_KERNEL_COMPILER})
set(CMAKE_ASM_COMPILER ${VIRTQ_KERNEL_COMPILER})

set(VIRTQ_KERNEL_ARCH aarch64)
set(VIRTQ_KERNEL_FAMILY arm_virt)
set(VIRTQ_KERNEL_FLAGS -mgeneral-regs-only;-mno-outline-atomics)
