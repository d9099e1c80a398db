# SPDX-License-Identifier: MIT
#
# Freestanding riscv64, for a kernel: any of these compilers, and no library of theirs.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # nothing can be linked without a linker script

find_program(VIRTQ_KERNEL_COMPILER NAMES riscv64-unknown-elf-g++ riscv64-linux-gnu-g++ REQUIRED)
set(CMAKE_CXX_COMPILER ${VIRTQ_KERNEL_COMPILER})
set(CMAKE_ASM_COMPILER ${VIRTQ_KERNEL_COMPILER})

set(VIRTQ_KERNEL_ARCH riscv64)
set(VIRTQ_KERNEL_FLAGS -march=rv64imac_zicsr;-mabi=lp64;-mcmodel=medany;-mno-relax)
