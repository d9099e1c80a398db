// SPDX-License-Identifier: MIT
//
// One function for each call of a kernel to a transport, a disk or diag/. Compiled to measure the stack of each, never
// run. The kernel's own functions (allocator, mapper, serial line) are only declared, so that they are not counted.
#include <virtq/diag/diag.hpp>
#include <virtq/virtq.hpp>

struct Pages {
    virtq::Pages allocate_pages(size_t count);
    void free_pages(virtq::Pages pages);
    virtq::PhysAddr phys_addr(void const* virt);
};
struct Devices {
    uintptr_t map_device_memory(virtq::PhysAddr address, uint64_t bytes);
    uintptr_t map_device_ports(uint32_t port, uint32_t count);
};

using Transport = virtq::AnyTransport<>;
using Disk = virtq::BlockDevice<Transport, 256>;
using Function = virtq::PciFunction<virtq::EcamAccess>;
using PollLimit = virtq::PollLimit;

void print(char character);
void keep(virtq::BlockCompletion const& completion);
void found(Function const& function, virtq::spec::DeviceId type);
void slot(virtq::MmioSlot const& slot);

extern Pages pages;
extern Devices devices;
extern Disk disk;
extern Transport transport;

extern "C" {

// --- finding a device ---

virtq::Error stack_probe_mmio(uintptr_t base) {
    return transport.probe_mmio(virtq::MmioSpace{base}).error();
}
virtq::Error stack_probe_pci(Function const& function, virtq::PciProbeOption const& option) {
    return transport.probe_pci(function, devices, option).error();
}
virtq::Error stack_use_msix(Function const& function, virtq::MsiMessage const* messages, size_t count) {
    return transport.use_msix(function, devices, {messages, count}).error();
}
unsigned stack_for_each_virtio_function(virtq::EcamAccess& access) {
    return virtq::for_each_virtio_function(access, {0, 255}, found).virtio;
}
virtq::Error stack_number_buses(virtq::EcamAccess& access, virtq::PciProbeOption const& option) {
    return virtq::number_buses(access, {0, 255}, option).error();
}
virtq::Error stack_for_each_mmio_slot(virtq::DeviceTree const& tree) {
    return virtq::for_each_mmio_slot(
               tree, [](virtq::DeviceTreeProperty cells) { return cells[1]; }, slot)
        .error;
}

// --- an interrupt ---

bool stack_on_interrupt() {
    return transport.on_interrupt().used_buffer;
}
bool stack_on_vector(uint16_t number) {
    return transport.on_vector(number).used_buffer;
}

// --- a disk ---

virtq::Error stack_disk_init() {
    return disk.init(transport, pages).error();
}
virtq::Error stack_disk_reset() {
    return disk.reset(keep).error();
}
virtq::Error stack_disk_release() {
    return disk.release(pages).error();
}
virtq::Error stack_disk_submit(virtq::BlockRequest const& request) {
    return disk.submit(request).error();
}
bool stack_disk_kick() {
    return disk.kick_device();
}
void stack_disk_take_completed(virtq::BlockCompletion& into) {
    into = disk.take_completed();
}
virtq::CompletionState stack_disk_for_each_completed() {
    return disk.for_each_completed(keep);
}
virtq::MaySleep stack_disk_enable_used_notifications() {
    return disk.enable_used_notifications();
}
virtq::Error stack_disk_check_alive() {
    return disk.check_alive().error();
}
virtq::Error stack_disk_on_config_change() {
    return disk.on_config_change().error();
}
virtq::Error stack_disk_read(virtq::Segment const& data) {
    return disk.read(0, data, PollLimit{1000}).error();
}
virtq::Error stack_disk_perform(virtq::BlockRequest const& request) {
    return disk.perform(request, PollLimit{1000}).error();
}
virtq::Error stack_disk_set_cache_mode(virtq::BlockCacheMode mode) {
    return disk.set_cache_mode(mode).error();
}

// --- what is wrong ---

void stack_diagnose(virtq::DiagnoseOption const& option, virtq::Cause& into) {
    into = virtq::diagnose(disk, option).cause();
}
void stack_diagnose_with_record(virtq::DiagnosisRecord& record, virtq::DiagnoseOption const& option) {
    static_cast<void>(virtq::diagnose(record, disk, option));
}
void stack_explain(virtq::Diagnosis const& diagnosis) {
    virtq::explain(diagnosis, print);
}
void stack_dump() {
    virtq::dump(disk, print);
}
void stack_take_snapshot(virtq::QueueSnapshot& into) {
    into = virtq::take_snapshot(disk.ring(0));
}

}  // extern "C"
