# SPDX-License-Identifier: MIT
#
# Freestanding x86_64, for a kernel: any of these compilers, and no library of theirs.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # nothing can be linked without a linker script

find_program(VIRTQ_KERNEL_COMPILER NAMES x86_64-elf-g++ x86_64-linux-gnu-g++ REQUIRED)
set(CMAKE_CXX_COMPILER ${VIRTQ_KERNEL_COMPILER})
set(CMAKE_ASM_COMPILER ${VIRTQ_KERNEL_COMPILER})

set(VIRTQ_KERNEL_ARCH x86_64)
set(VIRTQ_KERNEL_FAMILY x86)
set(VIRTQ_KERNEL_FLAGS -m64;-mno-red-zone;-mgeneral-regs-only;-mcmodel=kernel;-fcf-protection=none)
