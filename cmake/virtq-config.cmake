# SPDX-License-Identifier: MIT
#
# For find_package(virtq), once virtq is installed. It depends on nothing. The components are for tests on the host: `sim`,
# the simulated devices; `vhost_user`, devices in other processes; `qtest`, devices of QEMU without a guest.
include("${CMAKE_CURRENT_LIST_DIR}/virtq-targets.cmake")

foreach(component ${virtq_FIND_COMPONENTS})
    if(TARGET virtq::${component})
        set(virtq_${component}_FOUND TRUE)
    elseif(virtq_FIND_REQUIRED_${component})
        set(virtq_FOUND FALSE)
        set(virtq_NOT_FOUND_MESSAGE "virtq has no component ${component}: there are sim, vhost_user and qtest.")
    endif()
endforeach()
