// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>
#include <sim/pci_bus.hpp>
#include <sim/pci_device.hpp>
#include <sim/raw_driver.hpp>
#include <sim/raw_pci_driver.hpp>
#include <sim/wire.hpp>

/// A device behind any transport and ring format, and a driver that posts buffers by hand: for tests of back ends.
namespace virtq::sim {

enum class RawKind : uint8_t { mmio_split, mmio_packed, mmio_legacy, pci_split, pci_packed, pci_legacy };
inline constexpr RawKind raw_kinds[] = {RawKind::mmio_split, RawKind::mmio_packed, RawKind::mmio_legacy,
                                        RawKind::pci_split,  RawKind::pci_packed,  RawKind::pci_legacy};

[[nodiscard]] inline char const* name_of(RawKind kind) {
    constexpr char const* names[] = {"MmioSplit", "MmioPacked", "MmioLegacy", "PciSplit", "PciPacked", "PciLegacy"};
    return names[static_cast<size_t>(kind)];
}
[[nodiscard]] constexpr bool is_packed(RawKind kind) {
    return kind == RawKind::mmio_packed || kind == RawKind::pci_packed;
}
[[nodiscard]] constexpr bool is_legacy(RawKind kind) {
    return kind == RawKind::mmio_legacy || kind == RawKind::pci_legacy;
}

/// A used entry, with the number that `post` returned.
struct RawUsed {
    size_t post = 0;
    uint32_t length = 0;

    friend bool operator==(RawUsed const&, RawUsed const&) = default;
};

/// A queue of either format. It takes the next descriptors without looking whether they are free.
class RawPort {
public:
    RawPort(GuestMemory& memory, RawKind kind, uint16_t size) {
        if (is_packed(kind)) {
            packed_.emplace(memory, size);
        } else {
            split_.emplace(memory, size);
        }
    }

    /// Makes a chain available. The `flags` of an element are 0 or `flag_write`.
    size_t post(std::vector<RawDescriptor> const& elements) {
        auto const head = packed_ ? static_cast<uint16_t>(posts_ % packed_->size) : post_split(elements);
        if (packed_) {
            packed_->submit(head, elements);
        }
        heads_[head] = posts_;
        return posts_++;
    }
    [[nodiscard]] std::optional<RawUsed> take() {
        if (packed_) {
            if (!packed_->has_used()) {
                return std::nullopt;
            }
            uint32_t const length = packed_->length(packed_->next_used.offset);
            return RawUsed{heads_[packed_->take_used()], length};
        }
        if (split_->used_idx() == taken_) {
            return std::nullopt;
        }
        auto const slot = static_cast<uint16_t>(taken_++ % split_->size);
        return RawUsed{heads_[split_->used_id(slot) % split_->size], split_->used_length(slot)};
    }

    [[nodiscard]] RawQueue* split() { return split_ ? &*split_ : nullptr; }
    [[nodiscard]] RawPackedQueue* packed() { return packed_ ? &*packed_ : nullptr; }

private:
    [[nodiscard]] uint16_t post_split(std::vector<RawDescriptor> const& elements) {
        uint16_t const head = next_;
        for (size_t i = 0; i < elements.size(); ++i) {
            RawDescriptor element = elements[i];
            uint16_t const index = next_;
            next_ = static_cast<uint16_t>((next_ + 1) % split_->size);
            if (i + 1 != elements.size()) {
                element.flags = static_cast<uint16_t>(element.flags | wire::split::flag_next);
                element.next = next_;
            }
            split_->write(index, element);
        }
        split_->submit(head);
        return head;
    }

    std::optional<RawQueue> split_;
    std::optional<RawPackedQueue> packed_;
    size_t heads_[256] = {};
    size_t posts_ = 0;
    uint16_t next_ = 0;
    uint16_t taken_ = 0;
};

class RawMachine {
public:
    RawMachine(GuestMemory& memory, DeviceBackend& backend, RawKind kind)
        : memory_(memory), backend_(backend), kind_(kind) {
        bool const on_mmio = kind <= RawKind::mmio_legacy;
        if (on_mmio) {
            mmio_.emplace(memory, backend, is_legacy(kind) ? MmioVersion::legacy : MmioVersion::modern);
        } else {
            layout_ = is_legacy(kind) ? PciLayout::legacy() : PciLayout::modern();
            bus_.emplace(memory.violations());
            pci_.emplace(memory, backend, layout_);
            bus_->add({}, *pci_);
            bus_->assign();
        }
        offer(wire::feature::ring_packed, is_packed(kind));
    }

    void offer(unsigned bit, bool on = true) {
        on_device([=](auto& device) { device.offer(bit, on); });
    }
    /// Resets the device, accepts all that it offers, and starts all queues in new memory.
    void bring_up() {
        if (mmio_) {
            is_legacy(kind_) ? bring_up_legacy_mmio() : bring_up_mmio();
        } else {
            is_legacy(kind_) ? bring_up_legacy_pci() : bring_up_pci();
        }
    }
    void reset() {
        if (mmio_) {
            mmio_driver_->reset();
        } else if (is_legacy(kind_)) {
            pci_driver_->legacy.write8(wire::pci::legacy::device_status, 0);
        } else {
            pci_driver_->reset();
        }
    }

    [[nodiscard]] RawPort& port(uint16_t queue = 0) { return ports_.at(queue); }
    /// Makes a chain of one element available, and notifies the device.
    size_t post(uint16_t queue, Buffer const& buffer, uint32_t bytes, uint16_t flags = wire::split::flag_write) {
        return post(queue, {{buffer.phys, bytes, flags}});
    }
    size_t post(uint16_t queue, std::vector<RawDescriptor> const& elements) {
        size_t const number = port(queue).post(elements);
        notify(queue);
        return number;
    }
    void notify(uint16_t queue) {
        if (mmio_) {
            mmio_driver_->notify(queue);
        } else if (is_legacy(kind_)) {
            pci_driver_->legacy.write16(wire::pci::legacy::queue_notify, queue);
        } else {
            pci_driver_->notify(queue);
        }
    }
    size_t step() {
        return on_device([](auto& device) { return device.step(); });
    }
    [[nodiscard]] std::optional<RawUsed> take(uint16_t queue = 0) { return port(queue).take(); }

    [[nodiscard]] std::optional<MmioDevice>& mmio() { return mmio_; }
    [[nodiscard]] std::optional<PciDevice>& pci() { return pci_; }
    [[nodiscard]] RawDriver& mmio_driver() { return *mmio_driver_; }
    [[nodiscard]] RawPciDriver& pci_driver() { return *pci_driver_; }

    /// Runs `body` with the device, whichever it is.
    template <class Body>
    auto on_device(Body body) -> decltype(body(std::declval<MmioDevice&>())) {
        return mmio_ ? body(*mmio_) : body(*pci_);
    }

private:
    void new_ports() {
        ports_.clear();
        for (uint16_t i = 0; i < backend_.queue_count(); ++i) {
            ports_.emplace_back(memory_, kind_, backend_.queue_size_max(i));
        }
    }
    template <class Driver>
    void start_queues(Driver& driver) {
        new_ports();
        driver.negotiate();
        for (uint16_t i = 0; i < ports_.size(); ++i) {
            RawPort& port = ports_[i];
            port.packed() != nullptr ? driver.start_queue(*port.packed(), i) : driver.start_queue(*port.split(), i);
        }
        driver.add_status(wire::status::driver_ok);
    }
    void bring_up_mmio() { start_queues(mmio_driver_.emplace(*mmio_)); }
    void bring_up_pci() { start_queues(pci_driver_.emplace(*bus_, *pci_, layout_)); }
    void bring_up_legacy_mmio() {
        new_ports();
        RawDriver& driver = mmio_driver_.emplace(*mmio_);
        driver.greet();
        driver.write_features(driver.read_features(1), 1);
        driver.write(wire::mmio::guest_page_size, 4096);
        for (uint16_t i = 0; i < ports_.size(); ++i) {
            driver.write(wire::mmio::queue_sel, i);
            driver.write(wire::mmio::queue_size, ports_[i].split()->size);
            driver.write(wire::mmio::queue_align, 4096);
            driver.write(wire::mmio::queue_pfn, static_cast<uint32_t>(ports_[i].split()->pages.phys.value / 4096));
        }
        driver.add_status(wire::status::driver_ok);
    }
    void bring_up_legacy_pci() {
        new_ports();
        RawPciDriver& driver = pci_driver_.emplace(*bus_, *pci_, layout_);
        driver.legacy_greet();
        driver.legacy.write32(wire::pci::legacy::driver_features,
                              driver.legacy.read32(wire::pci::legacy::device_features));
        for (uint16_t i = 0; i < ports_.size(); ++i) {
            driver.legacy.write16(wire::pci::legacy::queue_select, i);
            driver.legacy.write32(wire::pci::legacy::queue_address,
                                  static_cast<uint32_t>(ports_[i].split()->pages.phys.value / 4096));
        }
        driver.legacy_add_status(wire::status::driver_ok);
    }

    GuestMemory& memory_;
    DeviceBackend& backend_;
    RawKind kind_;
    PciLayout layout_;
    std::optional<MmioDevice> mmio_;
    std::optional<PciBus> bus_;
    std::optional<PciDevice> pci_;
    std::optional<RawDriver> mmio_driver_;
    std::optional<RawPciDriver> pci_driver_;
    std::deque<RawPort> ports_;
};

}  // namespace virtq::sim
