# SPDX-License-Identifier: MIT
#
# The host tests on a big-endian machine: s390x, which QEMU's user mode runs. Linked statically, so that no s390x
# system is needed beside.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(CMAKE_CXX_COMPILER s390x-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-s390x)
