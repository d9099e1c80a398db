# SPDX-License-Identifier: MIT
#
# For a kernel that has its own idea of targets: include() this file and add VIRTQ_INCLUDE_DIRS to the include path.
# It defines that one variable and nothing else.
get_filename_component(VIRTQ_INCLUDE_DIRS "${CMAKE_CURRENT_LIST_DIR}/../include" ABSOLUTE)
