// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/pci_function.hpp>
#include <virtq/transport/pci_option.hpp>

#include <stdint.h>

/// Base address registers (BARs): their kind, size and address.
namespace virtq::detail {

struct PciBar {
    enum class Kind : uint8_t { absent, memory, ports };
    Kind kind = Kind::absent;
    uint8_t register_count = 1;  ///< 2 for a 64-bit BAR
    uint64_t address = 0;        ///< 0: unassigned; otherwise a multiple of `bytes`
    uint64_t bytes = 0;          ///< a power of two

    [[__nodiscard__]] constexpr bool is_assigned() const { return address != 0; }
    /// Whether the BAR contains `length` bytes from `offset` on.
    [[__nodiscard__]] constexpr bool has(uint64_t offset, uint64_t length) const {
        return length <= bytes && offset <= bytes - length;
    }
};

/// Bus addresses from `first` to `last`, of memory or of ports.
struct PciRange {
    uint64_t first = 0;
    uint64_t last = 0;

    [[__nodiscard__]] constexpr bool contains(PciRange const& other) const {
        return first <= other.first && other.last <= last;
    }
};

/// For a function that no bridge separates from the windows.
struct PassesEverything {
    [[__nodiscard__]] constexpr bool operator()(PciBar::Kind, PciRange const&) const { return true; }
};

/// Measures and assigns one BAR. Decoding must be off: measuring writes all ones, and the BAR must not answer at that
/// address (PCI 6.2.5.1, Implementation Note: Sizing).
template <PciConfigAccess Access>
class BarRegister {
public:
    /// `count` is the number of BARs in the function's header.
    BarRegister(PciFunction<Access> const& of, uint8_t index, uint8_t count = spec::pci::bar_count)
        : function_(of),
          low_{static_cast<uint16_t>(spec::pci::bar_first + spec::pci::bar_bytes * index)},
          high_{static_cast<uint16_t>(low_.offset + spec::pci::bar_bytes)},
          may_be_64_bit_(index + 1 < count) {}

    [[__nodiscard__]] PciBar measure() const {
        uint32_t const low = function_.read(low_);
        if ((low & spec::pci::bar_is_ports) != 0) {
            return measure_ports(low);
        }
        if ((low & spec::pci::bar_type_mask) == spec::pci::bar_type_64_bit) {
            return may_be_64_bit_ ? measure_64_bit(low) : PciBar{};
        }
        return measure_32_bit(low);
    }

    void place(PciBar const& bar, uint64_t address) const {
        function_.write(low_, static_cast<uint32_t>(address));
        if (bar.register_count == 2) {
            function_.write(high_, static_cast<uint32_t>(address >> 32));
        }
    }

private:
    [[__nodiscard__]] uint32_t ask(ReadWrite<uint32_t> which, uint32_t before) const {
        function_.write(which, UINT32_MAX);
        uint32_t const answer = function_.read(which);
        function_.write(which, before);
        return answer;
    }

    [[__nodiscard__]] PciBar measure_ports(uint32_t low) const {
        // The upper half of an I/O BAR may be hard-wired to 0.
        uint32_t const mask = ask(low_, low) & ~spec::pci::bar_ports_flags;
        return bar_of(PciBar::Kind::ports, 1, low & ~spec::pci::bar_ports_flags, lowest_bit(mask));
    }

    [[__nodiscard__]] PciBar measure_32_bit(uint32_t low) const {
        uint32_t const mask = ask(low_, low) & ~spec::pci::bar_memory_flags;
        return bar_of(PciBar::Kind::memory, 1, low & ~spec::pci::bar_memory_flags, lowest_bit(mask));
    }

    [[__nodiscard__]] PciBar measure_64_bit(uint32_t low) const {
        uint32_t const high = function_.read(high_);
        uint32_t const low_mask = ask(low_, low) & ~spec::pci::bar_memory_flags;
        uint32_t const high_mask = ask(high_, high);
        uint64_t const bytes = low_mask != 0 ? lowest_bit(low_mask) : uint64_t{lowest_bit(high_mask)} << 32;
        uint64_t const address = (uint64_t{high} << 32) | (low & ~spec::pci::bar_memory_flags);
        return bar_of(PciBar::Kind::memory, 2, address, bytes);
    }

    /// Rejects an address that is not a multiple of the size: a device may answer anything. Otherwise the BAR could
    /// end beyond the last address, and a structure in it could wrap to a low address.
    [[__nodiscard__]] static constexpr PciBar bar_of(PciBar::Kind kind, uint8_t register_count, uint64_t address,
                                                     uint64_t bytes) {
        bool const possible = bytes != 0 && (address & (bytes - 1)) == 0;
        return possible ? PciBar{kind, register_count, address, bytes}
                        : PciBar{PciBar::Kind::absent, register_count, 0, 0};
    }
    [[__nodiscard__]] static constexpr uint32_t lowest_bit(uint32_t mask) { return mask & (~mask + 1); }

    PciFunction<Access> const& function_;
    ReadWrite<uint32_t> low_;
    ReadWrite<uint32_t> high_;
    bool may_be_64_bit_;
};

/// The BARs of a function. They are measured once, because measuring turns decoding off for a moment.
class PciBars {
public:
    /// Not while the device is in use. Restores the command register. `count` is the number of BARs in the function's
    /// header: six, or two for a bridge.
    template <PciConfigAccess Access>
    void measure(PciFunction<Access> const& function, uint8_t count = spec::pci::bar_count) {
        uint16_t const command = stop_decoding(function);
        uint8_t register_count = 1;
        for (uint8_t index = 0; index < count; index = static_cast<uint8_t>(index + register_count)) {
            bars_[index] = detail::BarRegister{function, index, count}.measure();
            register_count = bars_[index].register_count;
            if (register_count == 2) {
                bars_[index + 1] = PciBar{};  // the upper half of the BAR before it
            }
        }
        function.write(spec::pci::command, command);
    }

    /// Assigns an address from these windows to each BAR without one. `passes(kind, range)` tells whether accesses to
    /// the range reach the function. Errors: `pci_window_full`, `pci_bridge_closed`; some BARs may then have an address.
    template <PciConfigAccess Access, class Passes = detail::PassesEverything>
    [[__nodiscard__]] Status assign(PciFunction<Access> const& function, PciWindow* memory, PciWindow* ports,
                                    Passes const& passes = {}) {
        uint16_t const command = stop_decoding(function);
        Status assigned;
        for (uint8_t index = 0; assigned && index < spec::pci::bar_count; ++index) {
            PciBar& bar = bars_[index];
            PciWindow* const window = bar.kind == PciBar::Kind::ports ? ports : memory;
            if (bar.kind != PciBar::Kind::absent && !bar.is_assigned() && window != nullptr) {
                assigned = assign_one(function, index, *window, passes);
            }
        }
        function.write(spec::pci::command, command);
        return assigned;
    }

    /// BAR number `index`, which may come from the device; `absent` if there is no such BAR.
    [[__nodiscard__]] constexpr PciBar operator[](uint8_t index) const {
        return index < spec::pci::bar_count ? bars_[index] : PciBar{};
    }

private:
    template <PciConfigAccess Access>
    [[__nodiscard__]] static uint16_t stop_decoding(PciFunction<Access> const& function) {
        constexpr uint16_t spaces = spec::pci::command_io_space | spec::pci::command_memory_space;
        uint16_t const command = function.read(spec::pci::command);
        function.write(spec::pci::command, static_cast<uint16_t>(command & ~spaces));
        return command;
    }

    template <PciConfigAccess Access, class Passes>
    [[__nodiscard__]] Status assign_one(PciFunction<Access> const& function, uint8_t index, PciWindow& window,
                                        Passes const& passes) {
        PciBar& bar = bars_[index];
        PciWindow const before = window;
        uint64_t const place = window.take(bar.bytes);
        bool const reachable = bar.register_count == 2 || place + bar.bytes - 1 <= UINT32_MAX;
        if (place == 0 || !reachable) {
            window = before;
            return Error::pci_window_full;
        }
        if (!passes(bar.kind, PciRange{place, place + bar.bytes - 1})) {
            window = before;
            return Error::pci_bridge_closed;
        }
        detail::BarRegister{function, index}.place(bar, place);
        bar.address = place;
        return {};
    }

    PciBar bars_[spec::pci::bar_count];
};

}  // namespace virtq::detail
