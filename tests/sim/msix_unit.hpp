// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include <sim/rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire_pci.hpp>

/// MSI-X ([PCI], MSI-X Capability and Table Structures): the message of each vector, the masks, and pending
/// interrupts.
namespace virtq::sim {

/// A memory write of the device that interrupts a CPU.
struct MsixMessage {
    uint16_t vector = 0;
    uint64_t address = 0;
    uint32_t data = 0;

    friend bool operator==(MsixMessage const&, MsixMessage const&) = default;
};

class MsixUnit {
public:
    /// `send` is called with each message.
    MsixUnit(ViolationLog& log, uint16_t vectors, std::function<void(MsixMessage const&)> send)
        : log_(log), entries_(vectors), send_(std::move(send)) {}

    [[nodiscard]] uint16_t size() const { return static_cast<uint16_t>(entries_.size()); }
    [[nodiscard]] uint32_t table_bytes() const { return size() * wire::pci::msix_entry_bytes; }
    [[nodiscard]] uint32_t pending_bytes() const { return (size() + 63u) / 64 * 8; }
    [[nodiscard]] bool enabled() const { return enabled_; }
    [[nodiscard]] bool is_pending(uint16_t vector) const { return entries_.at(vector).pending; }

    /// Follows the Message Control register of the configuration space.
    void set_control(uint16_t value) {
        enabled_ = !entries_.empty() && (value & wire::pci::msix_enable) != 0;
        function_masked_ = (value & wire::pci::msix_function_mask) != 0;
        send_pending();
    }

    /// The device requests an interrupt, which stays pending while the vector is masked.
    void request(uint16_t vector) {
        if (vector >= entries_.size()) {
            return;
        }
        entries_[vector].pending = true;
        send_pending();
    }
    /// Drops all pending interrupts.
    void forget_pending() {
        for (auto& entry : entries_) {
            entry.pending = false;
        }
    }

    [[nodiscard]] uint32_t read_table(uint32_t offset, unsigned bytes) const {
        return check_width(offset, bytes) ? entries_[offset / 16].word[offset % 16 / 4] : 0;
    }
    void write_table(uint32_t offset, uint32_t value, unsigned bytes) {
        if (!check_width(offset, bytes)) {
            return;
        }
        Entry& entry = entries_[offset / 16];
        unsigned const which = offset % 16 / 4;
        if (which != control && enabled_ && !function_masked_ && !entry.masked()) {
            log_.report(rule::msix_entry_live, offset / 16);
        }
        if (which == 0 && value % 4 != 0) {
            log_.report(rule::msix_address, value);
        }
        entry.word[which] = which == control ? value & 1 : value;
        send_pending();
    }
    [[nodiscard]] uint32_t read_pending(uint32_t offset, unsigned bytes) const {
        if (!check_width(offset, bytes)) {
            return 0;
        }
        uint32_t value = 0;
        for (uint32_t i = 0; i < 32; ++i) {
            size_t const vector = size_t{offset} * 8 + i;
            value |= vector < entries_.size() && entries_[vector].pending ? uint32_t{1} << i : 0;
        }
        return value;
    }
    void write_pending(uint32_t offset) { log_.report(rule::msix_pending, offset); }

private:
    static constexpr unsigned control = 3;

    struct Entry {
        uint32_t word[4] = {0, 0, 0, 1};  ///< address, its upper half, data, control; masked at first
        bool pending = false;
        [[nodiscard]] bool masked() const { return (word[control] & 1) != 0; }
    };

    [[nodiscard]] bool check_width(uint32_t offset, unsigned bytes) const {
        bool const right = bytes == 4 && offset % 4 == 0;
        if (!right) {
            log_.report(rule::msix_width, offset);
        }
        return right;
    }

    void send_pending() {
        if (!enabled_ || function_masked_) {
            return;
        }
        for (uint16_t i = 0; i < size(); ++i) {
            Entry& entry = entries_[i];
            if (entry.pending && !entry.masked()) {
                entry.pending = false;
                send_({i, uint64_t{entry.word[1]} << 32 | entry.word[0], entry.word[2]});
            }
        }
    }

    ViolationLog& log_;
    std::vector<Entry> entries_;
    std::function<void(MsixMessage const&)> send_;
    bool enabled_ = false;
    bool function_masked_ = false;
};

}  // namespace virtq::sim
