# SPDX-License-Identifier: MIT
#
# Freestanding i386, for a kernel: any of these compilers, and no library of theirs.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # nothing can be linked without a linker script

find_program(VIRTQ_KERNEL_COMPILER NAMES i686-elf-g++ i686-linux-gnu-g++ REQUIRED)
set(CMAKE_CXX_COMPILER ${VIRTQ_KERNEL_COMPILER})
set(CMAKE_ASM_COMPILER ${VIRTQ_KERNEL_COMPILER})

set(VIRTQ_KERNEL_ARCH i386)
set(VIRTQ_KERNEL_FAMILY x86)
set(VIRTQ_KERNEL_FLAGS -m32;-march=i686;-mgeneral-regs-only;-fcf-protection=none)
