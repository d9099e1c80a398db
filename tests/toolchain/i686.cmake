# SPDX-License-Identifier: MIT
#
# The host tests with 32-bit pointers: i686, which an x86_64 machine runs itself, and any other QEMU's user mode. Linked
# statically, so that no i686 system is needed beside.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_CXX_COMPILER i686-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
if(NOT CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL x86_64)
    set(CMAKE_CROSSCOMPILING_EMULATOR qemu-i386)
endif()
