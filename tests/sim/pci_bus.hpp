// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <map>
#include <mutex>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include <sim/pci_endpoint.hpp>
#include <sim/rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire_pci.hpp>
#include <virtq/base/phys_addr.hpp>

/// The PCI bus of a simulated machine, as a kernel sees it. It offers configuration accesses by bus, device and
/// function. Device memory and ports are at the addresses that the functions decode, reached through mappings like
/// those of an MMU.
namespace virtq::sim {

/// Where a function is. A driver's own type with these three members works too.
struct PciSlot {
    uint8_t bus = 0;
    uint8_t device = 0;
    uint8_t function = 0;
};

/// **Life** The object that exists is *the* bus, which `BarSpace` finds. Two at once are an error.
/// **Threading** Call `add` and `assign` before threads start. Everything else may be called from any thread.
class PciBus {
public:
    explicit PciBus(ViolationLog& log) : log_(log) {
        if (current_ != nullptr) {
            throw std::logic_error("there is a PciBus already, and a BarSpace can only find one");
        }
        current_ = this;
    }
    ~PciBus() { current_ = nullptr; }
    PciBus(PciBus const&) = delete;
    PciBus& operator=(PciBus const&) = delete;

    /// The existing bus.
    [[nodiscard]] static PciBus& current() {
        if (current_ == nullptr) {
            throw std::logic_error("there is no PciBus");
        }
        return *current_;
    }

    /// Not owned; must live as long as the bus.
    template <class Address = PciSlot>
    void add(Address const& where, PciEndpoint& endpoint) {
        endpoints_[key_of(where)] = &endpoint;
        if (where.function != 0) {
            if (PciEndpoint* const first = find(PciSlot{where.bus, where.device, 0})) {
                first->set_multifunction();
            }
        }
    }
    /// A device that ignores the function number: its function 0 answers for all eight, as in old hardware.
    void ignore_function_number(uint8_t bus, uint8_t device) { aliased_[{bus, device}] = true; }

    /// Does what firmware does: sizes and places all BARs, and enables decoding. Bus master stays off.
    void assign();

    // PciConfigAccess.

    template <class Address>
    [[nodiscard]] uint8_t read8(Address const& where, uint16_t offset) {
        return static_cast<uint8_t>(read_config(where, offset, 1));
    }
    template <class Address>
    [[nodiscard]] uint16_t read16(Address const& where, uint16_t offset) {
        return static_cast<uint16_t>(read_config(where, offset, 2));
    }
    template <class Address>
    [[nodiscard]] uint32_t read32(Address const& where, uint16_t offset) {
        return read_config(where, offset, 4);
    }
    template <class Address>
    void write8(Address const& where, uint16_t offset, uint8_t value) {
        write_config(where, offset, value, 1);
    }
    template <class Address>
    void write16(Address const& where, uint16_t offset, uint16_t value) {
        write_config(where, offset, value, 2);
    }
    template <class Address>
    void write32(Address const& where, uint16_t offset, uint32_t value) {
        write_config(where, offset, value, 4);
    }
    /// Configuration accesses to functions that are not there.
    [[nodiscard]] size_t misses() const { return misses_; }

    // DeviceMapper.

    /// The base for a `BarSpace`. Exactly `bytes` bytes from there are valid.
    [[nodiscard]] uintptr_t map_device_memory(PhysAddr phys, uint64_t bytes) {
        return map({PciAddressSpace::memory, phys.value, bytes});
    }
    [[nodiscard]] uintptr_t map_device_ports(uint32_t port, uint32_t bytes) {
        return map({PciAddressSpace::io, port, bytes});
    }
    /// The `n`-th mapping from now (0 is the next one) fails and returns 0.
    void fail_mapping(size_t n = 0) { failing_ = n + 1; }
    /// Device memory that reaches above this address cannot be mapped. That is the situation of a 32-bit kernel whose
    /// firmware placed a BAR above 4 GiB (https://github.com/ipxe/ipxe/pull/1739).
    void map_only_below(uint64_t address) { mappable_end_ = address; }
    struct Mapping {
        PciAddressSpace space;
        uint64_t address;
        uint64_t bytes;
    };
    /// All mappings, oldest first.
    [[nodiscard]] std::vector<Mapping> mappings() const {
        std::lock_guard const lock(mutex_);
        return made_;
    }

    // Accesses of a CPU to a virtual address.

    [[nodiscard]] uint32_t load(uintptr_t virt, unsigned bytes);
    void store(uintptr_t virt, uint32_t value, unsigned bytes);

private:
    using Key = std::tuple<uint8_t, uint8_t, uint8_t>;

    template <class Address>
    [[nodiscard]] static Key key_of(Address const& where) {
        return {where.bus, where.device, where.function};
    }
    template <class Address>
    [[nodiscard]] PciEndpoint* find(Address const& where) const {
        auto found = endpoints_.find(key_of(where));
        if (found == endpoints_.end() && aliased_.count({where.bus, where.device}) != 0) {
            found = endpoints_.find({where.bus, where.device, uint8_t{0}});
        }
        return found == endpoints_.end() ? find_behind(where.bus, where.device, where.function) : found->second;
    }
    [[nodiscard]] PciEndpoint* find_behind(uint8_t bus, uint8_t device, uint8_t function) const {
        for (auto const& [key, endpoint] : endpoints_) {
            if (PciEndpoint* const found = endpoint->find_behind(bus, device, function)) {
                return found;
            }
        }
        return nullptr;
    }
    template <class Address>
    [[nodiscard]] uint32_t read_config(Address const& where, uint16_t offset, unsigned bytes) {
        PciEndpoint* const endpoint = find(where);
        misses_ += endpoint == nullptr ? 1 : 0;
        return endpoint == nullptr ? ~uint32_t{0} : endpoint->read_config(offset, bytes);
    }
    template <class Address>
    void write_config(Address const& where, uint16_t offset, uint32_t value, unsigned bytes) {
        PciEndpoint* const endpoint = find(where);
        misses_ += endpoint == nullptr ? 1 : 0;
        if (endpoint != nullptr) {
            endpoint->write_config(offset, value, bytes);
        }
    }

    [[nodiscard]] uintptr_t map(Mapping const& wanted);
    struct Hit {
        PciEndpoint* endpoint = nullptr;
        PciTarget target;
    };
    [[nodiscard]] Hit resolve(uintptr_t virt, unsigned bytes);
    void assign_function(PciEndpoint& endpoint);
    [[nodiscard]] uint64_t place(uint64_t& cursor, uint64_t bytes) {
        uint64_t const address = (cursor + bytes - 1) / bytes * bytes;
        cursor = address + bytes;
        return address;
    }

    static inline PciBus* current_ = nullptr;

    static constexpr uint64_t page = 4096;

    ViolationLog& log_;
    std::map<Key, PciEndpoint*> endpoints_;
    std::map<std::pair<uint8_t, uint8_t>, bool> aliased_;
    mutable std::mutex mutex_;
    std::map<uintptr_t, Mapping> mapped_;
    std::vector<Mapping> made_;
    size_t failing_ = 0;
    uint64_t mappable_end_ = ~uint64_t{0};
    size_t misses_ = 0;
    uintptr_t next_virt_ = 0x2000'0000;  ///< no physical address is in this range
    uint64_t next_memory32_ = 0xfe00'0000;
    uint64_t next_memory64_ = 0x80'0000'0000;
    uint64_t next_io_ = 0xc000;
};

/// A block of device registers at a virtual address from `map_device_memory` or `map_device_ports`.
class BarSpace {
public:
    BarSpace() = default;  ///< refers to nothing
    explicit BarSpace(uintptr_t base) : base_(base) {}

    [[nodiscard]] BarSpace at(uint32_t offset) const { return BarSpace(base_ + offset); }
    [[nodiscard]] uintptr_t base() const { return base_; }

    [[nodiscard]] uint8_t read8(uint16_t offset) const { return static_cast<uint8_t>(load(offset, 1)); }
    [[nodiscard]] uint16_t read16(uint16_t offset) const { return static_cast<uint16_t>(load(offset, 2)); }
    [[nodiscard]] uint32_t read32(uint16_t offset) const { return load(offset, 4); }
    void write8(uint16_t offset, uint8_t value) const { store(offset, value, 1); }
    void write16(uint16_t offset, uint16_t value) const { store(offset, value, 2); }
    void write32(uint16_t offset, uint32_t value) const { store(offset, value, 4); }

private:
    [[nodiscard]] uint32_t load(uint16_t offset, unsigned bytes) const {
        return PciBus::current().load(base_ + offset, bytes);
    }
    void store(uint16_t offset, uint32_t value, unsigned bytes) const {
        PciBus::current().store(base_ + offset, value, bytes);
    }

    uintptr_t base_ = 0;
};

inline uintptr_t PciBus::map(Mapping const& wanted) {
    std::lock_guard const lock(mutex_);
    made_.push_back(wanted);
    bool const reachable = wanted.space == PciAddressSpace::io || wanted.address + wanted.bytes <= mappable_end_;
    if (!reachable || wanted.bytes == 0 || (failing_ != 0 && --failing_ == 0)) {
        return 0;
    }
    uintptr_t const virt = next_virt_ + static_cast<uintptr_t>(wanted.address % page);
    mapped_[virt] = wanted;
    uint64_t const pages = (wanted.address % page + wanted.bytes + page - 1) / page + 1;  // and one unmapped page
    next_virt_ += static_cast<uintptr_t>(pages * page);
    return virt;
}

inline PciBus::Hit PciBus::resolve(uintptr_t virt, unsigned bytes) {
    Mapping mapping{};
    {
        std::lock_guard const lock(mutex_);
        auto after = mapped_.upper_bound(virt);
        if (after == mapped_.begin() || (--after, virt - after->first + uint64_t{bytes} > after->second.bytes)) {
            log_.report(rule::pci_unmapped, virt);
            return {};
        }
        mapping = after->second;
        mapping.address += virt - after->first;
    }
    Hit hit;
    auto const ask = [&](PciEndpoint& endpoint) {
        if (auto const target = endpoint.decode(mapping.space, mapping.address, bytes)) {
            if (hit.endpoint != nullptr) {
                log_.report(rule::pci_bar_overlap, mapping.address);
            } else {
                hit = {&endpoint, *target};
            }
        }
    };
    for (auto const& [key, endpoint] : endpoints_) {
        ask(*endpoint);
        endpoint->for_each_behind(mapping.space, mapping.address, bytes, ask);
    }
    return hit;
}

inline uint32_t PciBus::load(uintptr_t virt, unsigned bytes) {
    Hit const hit = resolve(virt, bytes);
    return hit.endpoint == nullptr ? ~uint32_t{0} : hit.endpoint->read_bar(hit.target, bytes);
}

inline void PciBus::store(uintptr_t virt, uint32_t value, unsigned bytes) {
    Hit const hit = resolve(virt, bytes);
    if (hit.endpoint != nullptr) {
        hit.endpoint->write_bar(hit.target, value, bytes);
    }
}

inline void PciBus::assign() {
    for (auto const& [key, endpoint] : endpoints_) {
        bool const has_bars = (endpoint->read_config(wire::pci::header_type, 1) & 0x7f) == 0;
        if (has_bars) {
            assign_function(*endpoint);
        }
    }
}

inline void PciBus::assign_function(PciEndpoint& endpoint) {
    using namespace wire::pci;
    uint32_t const old = endpoint.read_config(command, 2);
    endpoint.write_config(command, old & ~uint32_t{command_io | command_memory}, 2);
    uint32_t decoding = 0;
    for (unsigned i = 0; i < bar_count; ++i) {
        auto const at = static_cast<uint16_t>(bar + 4 * i);
        endpoint.write_config(at, ~uint32_t{0}, 4);
        uint32_t const low = endpoint.read_config(at, 4);
        if (low == 0 || low == ~uint32_t{0}) {
            continue;
        }
        bool const io = (low & bar_io) != 0;
        bool const wide = !io && (low & bar_64) != 0;
        uint64_t mask = (low & ~(io ? bar_io_flags : bar_memory_flags)) | (io ? uint32_t{0xffff0000} : 0u);
        uint64_t high = 0xffffffff;
        if (wide) {
            endpoint.write_config(static_cast<uint16_t>(at + 4), ~uint32_t{0}, 4);
            high = endpoint.read_config(static_cast<uint16_t>(at + 4), 4);
        }
        mask |= high << 32;
        uint64_t const bytes = ~mask + 1;
        if (bytes == 0) {
            continue;  // no bit kept a one
        }
        uint64_t const address = place(io ? next_io_ : wide ? next_memory64_ : next_memory32_, bytes);
        endpoint.write_config(at, static_cast<uint32_t>(address), 4);
        if (wide) {
            endpoint.write_config(static_cast<uint16_t>(at + 4), static_cast<uint32_t>(address >> 32), 4);
            ++i;
        }
        decoding |= io ? command_io : command_memory;
    }
    endpoint.write_config(command, old | decoding, 2);
}

}  // namespace virtq::sim
