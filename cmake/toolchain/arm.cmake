# SPDX-License-Identifier: MIT
#
# Freestanding 32-bit ARM, for a kernel: any of these compilers, and no library of theirs.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # nothing can be linked without a linker script

find_program(VIRTQ_KERNEL_COMPILER NAMES arm-none-eabi-g++ arm-linux-gnueabihf-g++ REQUIRED)
set(CMAKE_CXX_COMPILER ${VIRTQ_KERNEL_COMPILER})
set(CMAKE_ASM_COMPILER ${VIRTQ_KERNEL_COMPILER})

set(VIRTQ_KERNEL_ARCH arm)
set(VIRTQ_KERNEL_FAMILY arm_virt)
set(VIRTQ_KERNEL_FLAGS -mcpu=cortex-a15;-marm;-mfloat-abi=soft;-mgeneral-regs-only)
