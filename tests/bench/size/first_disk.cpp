// SPDX-License-Identifier: MIT
//
// The object file of a kernel that reads its first sector as the README does. Compiled and measured, never run.
//
//   SIZE_TRANSPORT  1: MmioTransport; 2: AnyTransport, found on PCI
//   SIZE_FORMAT     Split or PlainSplit
//   SIZE_REFUSES    if it is defined, the driver does not split requests
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
struct DiskTraits : virtq::BlockTraits {
    using Format = virtq::SIZE_FORMAT;
#ifdef SIZE_REFUSES
    static constexpr virtq::LongRequest long_request = virtq::LongRequest::refuse;
#endif
};

extern Pages pages;
extern Devices devices;
[[noreturn]] void panic(char const* sentence);

#if SIZE_TRANSPORT == 1
using Transport = virtq::MmioTransport<>;
#else
using Transport = virtq::AnyTransport<>;
#endif
static Transport transport;
static virtq::BlockDevice<Transport, 64, DiskTraits> disk;

#if SIZE_TRANSPORT == 1
virtq::Status find_disk(uintptr_t registers) {
    return transport.probe(virtq::MmioSpace{registers});
}
#else
virtq::Status find_disk(uintptr_t ecam) {
    virtq::EcamAccess access{ecam, 0, 0};
    virtq::Status status = virtq::Error::pci_virtio_absent;
    static_cast<void>(
        virtq::for_each_virtio_function(access, {0, 0}, [&](auto const& function, virtq::spec::DeviceId type) {
            if (type == virtq::spec::DeviceId::block && !status) {
                status = transport.probe_pci(function, devices);
            }
        }));
    return status;
}
#endif

void read_first_sector(uintptr_t where, uint64_t buffer) {
    virtq::Status status = find_disk(where);
    if (status) {
        status = disk.init(transport, pages);
    }
    if (status) {
        status = disk.read(0, virtq::Segment{virtq::PhysAddr{buffer}, 512}, virtq::PollLimit{100'000'000});
    }
    if (!status) {
        panic(virtq::describe(status.error()));
    }
}
