// SPDX-License-Identifier: MIT
#pragma once

/// Includes everything that a kernel needs, except diag/: that is `virtq/diag/diag.hpp`. The library itself never
/// includes this file.

#include <virtq/device/balloon.hpp>
#include <virtq/device/block.hpp>
#include <virtq/device/console.hpp>
#include <virtq/device/entropy.hpp>
#include <virtq/device/framebuffer.hpp>
#include <virtq/device/gpu.hpp>
#include <virtq/device/input.hpp>
#include <virtq/device/net.hpp>
#include <virtq/device/p9.hpp>
#include <virtq/device/posted_queue.hpp>
#include <virtq/device/queue_reset.hpp>
#include <virtq/device/suspend.hpp>
#include <virtq/platform/ecam_access.hpp>
#include <virtq/platform/port_config_access.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/scoped_queue.hpp>
#include <virtq/queue/virtqueue.hpp>
#include <virtq/spec/balloon.hpp>
#include <virtq/spec/entropy.hpp>
#include <virtq/spec/feature_name.hpp>
#include <virtq/spec/input.hpp>
#include <virtq/spec/net.hpp>
#include <virtq/spec/p9.hpp>
#include <virtq/spec/version.hpp>
#include <virtq/transport/any.hpp>
#include <virtq/transport/device_tree.hpp>
#include <virtq/transport/mmio.hpp>
#include <virtq/transport/mmio_command_line.hpp>
#include <virtq/transport/pci_bridge.hpp>
#include <virtq/transport/pci_config_window.hpp>
#include <virtq/transport/pci_legacy.hpp>
#include <virtq/transport/pci_modern.hpp>
#include <virtq/transport/pci_scan.hpp>
