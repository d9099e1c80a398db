// SPDX-License-Identifier: MIT
#pragma once

/// The umbrella for users; the library itself never includes it.

#include <virtq/device/block.hpp>
#include <virtq/device/queue_reset.hpp>
#include <virtq/device/suspend.hpp>
#include <virtq/queue/negotiated.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/scoped_queue.hpp>
#include <virtq/queue/virtqueue.hpp>
#include <virtq/spec/feature_name.hpp>
#include <virtq/spec/version.hpp>
#include <virtq/transport/device_tree.hpp>
#include <virtq/transport/mmio.hpp>
#include <virtq/transport/mmio_command_line.hpp>
