// SPDX-License-Identifier: MIT

// The functions of the simulated device, compiled once, for virtq::sim with GCC. `#pragma interface` in its headers
// promises a file that emits the bodies of the inline member functions: this one. The headers work without it.
#pragma implementation "balloon_device.hpp"
#pragma implementation "balloon_rule.hpp"
#pragma implementation "block_device.hpp"
#pragma implementation "chain.hpp"
#pragma implementation "config_space.hpp"
#pragma implementation "console_device.hpp"
#pragma implementation "console_port.hpp"
#pragma implementation "device_backend.hpp"
#pragma implementation "device_queue.hpp"
#pragma implementation "device_status.hpp"
#pragma implementation "entropy_device.hpp"
#pragma implementation "feature_exchange.hpp"
#pragma implementation "gpu_device.hpp"
#pragma implementation "gpu_resource.hpp"
#pragma implementation "gpu_rule.hpp"
#pragma implementation "guest_memory.hpp"
#pragma implementation "input_device.hpp"
#pragma implementation "input_rule.hpp"
#pragma implementation "mmio_device.hpp"
#pragma implementation "msix_unit.hpp"
#pragma implementation "net_device.hpp"
#pragma implementation "net_rule.hpp"
#pragma implementation "p9_device.hpp"
#pragma implementation "packed_queue.hpp"
#pragma implementation "parked_chains.hpp"
#pragma implementation "pci_bar.hpp"
#pragma implementation "pci_bus.hpp"
#pragma implementation "pci_capability_list.hpp"
#pragma implementation "pci_common_config.hpp"
#pragma implementation "pci_config_registers.hpp"
#pragma implementation "pci_core.hpp"
#pragma implementation "pci_device.hpp"
#pragma implementation "pci_endpoint.hpp"
#pragma implementation "pci_interrupts.hpp"
#pragma implementation "pci_layout.hpp"
#pragma implementation "pci_legacy_header.hpp"
#pragma implementation "pci_queue_bank.hpp"
#pragma implementation "pci_stranger.hpp"
#pragma implementation "queue_bank.hpp"
#pragma implementation "queue_config.hpp"
#pragma implementation "queue_manner.hpp"
#pragma implementation "queue_worker.hpp"
#pragma implementation "ring.hpp"
#pragma implementation "rule.hpp"
#pragma implementation "schedule.hpp"
#pragma implementation "split_queue.hpp"
#pragma implementation "violation.hpp"
#pragma implementation "wire.hpp"
#pragma implementation "wire_pci.hpp"

#include <sim/balloon_device.hpp>
#include <sim/balloon_rule.hpp>
#include <sim/block_device.hpp>
#include <sim/chain.hpp>
#include <sim/config_space.hpp>
#include <sim/console_device.hpp>
#include <sim/console_port.hpp>
#include <sim/device_backend.hpp>
#include <sim/device_queue.hpp>
#include <sim/device_status.hpp>
#include <sim/entropy_device.hpp>
#include <sim/feature_exchange.hpp>
#include <sim/gpu_device.hpp>
#include <sim/gpu_resource.hpp>
#include <sim/guest_memory.hpp>
#include <sim/input_device.hpp>
#include <sim/input_rule.hpp>
#include <sim/mmio_device.hpp>
#include <sim/msix_unit.hpp>
#include <sim/net_device.hpp>
#include <sim/p9_device.hpp>
#include <sim/packed_queue.hpp>
#include <sim/parked_chains.hpp>
#include <sim/pci_bar.hpp>
#include <sim/pci_bus.hpp>
#include <sim/pci_capability_list.hpp>
#include <sim/pci_common_config.hpp>
#include <sim/pci_config_registers.hpp>
#include <sim/pci_core.hpp>
#include <sim/pci_device.hpp>
#include <sim/pci_endpoint.hpp>
#include <sim/pci_interrupts.hpp>
#include <sim/pci_layout.hpp>
#include <sim/pci_legacy_header.hpp>
#include <sim/pci_queue_bank.hpp>
#include <sim/pci_stranger.hpp>
#include <sim/queue_bank.hpp>
#include <sim/queue_config.hpp>
#include <sim/queue_manner.hpp>
#include <sim/queue_worker.hpp>
#include <sim/ring.hpp>
#include <sim/rule.hpp>
#include <sim/schedule.hpp>
#include <sim/split_queue.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>
#include <sim/wire_pci.hpp>

namespace virtq::sim {
namespace {

template <class T>
[[nodiscard]] bool is_reflexive(T const& value) {
    return value == value;
}

}  // namespace

// GCC emits a defaulted function only where it is used, and only other files may use these.
[[maybe_unused]] bool use_defaulted_functions() {
    [[maybe_unused]] MmioRegisters const registers;
    [[maybe_unused]] BarSpace const space;
    return is_reflexive(ConsoleMessage{}) && is_reflexive(Descriptor{}) && is_reflexive(InputEvent{}) &&
           is_reflexive(MsixMessage{}) && is_reflexive(PackedDescriptor{}) && is_reflexive(PackedPosition{}) &&
           is_reflexive(EventSuppression{});
}

}  // namespace virtq::sim
