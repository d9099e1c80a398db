// SPDX-License-Identifier: MIT
#pragma once

#include <support/contract.hpp>
#include <virtq/device/init.hpp>
#include <virtq/diag/diag.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/block_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <ostream>
#include <string>
#include <vector>

/// A simulated disk and one queue to it, brought up step by step. A test can omit or spoil any one step, as a kernel
/// under construction may, and check what `diagnose` reports.
namespace virtq {

inline void PrintTo(Cause cause, std::ostream* out) {
    *out << static_cast<unsigned>(cause) << ": " << describe(cause);
}

}  // namespace virtq

namespace virtq::test {

/// Whether the diagnosis has this cause among its findings.
[[nodiscard]] inline bool names(Diagnosis const& diagnosis, Cause cause) {
    for (Finding const& finding : diagnosis.findings()) {
        if (finding.cause == cause) {
            return true;
        }
    }
    return false;
}

struct QueueSetup {
    sim::MmioVersion version = sim::MmioVersion::modern;
    bool event_idx = false;
    std::uint64_t phys_base = sim::GuestMemory::default_phys_base;
    bool packed = false;
    bool indirect = false;
    bool in_order = false;
};

inline void PrintTo(QueueSetup const& setup, std::ostream* out) {
    *out << (setup.version == sim::MmioVersion::modern ? "modern" : "legacy") << (setup.event_idx ? "_event_idx" : "")
         << (setup.packed ? "_packed" : "") << (setup.indirect ? "_indirect" : "")
         << (setup.in_order ? "_in_order" : "");
}

template <class Format>
class QueueMachineOf {
public:
    static constexpr std::uint16_t size = 8;

    explicit QueueMachineOf(QueueSetup const& setup = {})
        : memory(sim::GuestMemory::default_bytes, setup.phys_base),
          disk(memory.violations(), {.sectors = 64,
                                     .event_idx = setup.event_idx,
                                     .indirect = setup.indirect,
                                     .packed = setup.packed,
                                     .in_order = setup.in_order}),
          device(memory, disk, setup.version) {}

    ~QueueMachineOf() {
        device.vanish(false);
        if (transport.device_id() != spec::DeviceId::none) {
            transport.set_status(DeviceStatus{});
        }
        queue.detach();
        static_cast<void>(queue.release(memory));
        if (!hostile) {
            EXPECT_TRUE(memory.violations().empty()) << memory.violations();
        }
    }

    void probe() { ASSERT_TRUE(transport.probe(device.registers()).ok()); }
    /// Steps 1 to 6 of §3.1.1.
    void negotiate() {
        probe();
        SpinRelax relax;
        negotiation.wanted = Format::wanted | Format::required;
        negotiation.required = Format::required;
        ASSERT_TRUE(init.negotiate(negotiation, PollLimit{100}, relax).ok());
    }
    /// Allocates the queue's memory, with the negotiated features.
    void make_queue() { ASSERT_TRUE(queue.init(memory, size, negotiation.negotiated).ok()); }
    void enable_queue() {
        queue.attach();
        ASSERT_TRUE(transport.enable_queue(0, queue.addresses()).ok());
    }
    void go_live() { ASSERT_TRUE(init.go_live().ok()); }

    void bring_up() {
        negotiate();
        make_queue();
        enable_queue();
        go_live();
    }

    Segment buffer(std::uint32_t bytes) { return {memory.allocate_buffer(bytes).phys, bytes}; }

    /// Adds a request that reads a sector into `data`, or into a new buffer.
    void add_read() { add_read(buffer(512)); }
    void add_read(Segment const& data) {
        sim::Buffer const header = memory.allocate_buffer(16);
        std::memset(header.virt, 0, 16);
        Segment const readable[] = {{header.phys, 16}};
        Segment const writable[] = {data, buffer(1)};
        ASSERT_TRUE(queue.add(readable, writable, Token{++token}).ok());
    }
    void notify() { transport.notify(0); }
    void submit_read() {
        add_read();
        if (queue.publish()) {
            notify();
        }
    }
    void work() {
        for (int i = 0; i < 4; ++i) {
            device.step();
        }
    }

    [[nodiscard]] Diagnosis look(DiagnoseOption const& option = {}) {
        return diagnose(transport, 0, queue, negotiation.negotiated, option);
    }
    [[nodiscard]] Cause cause(DiagnoseOption const& option = {}) { return look(option).cause(); }

    sim::GuestMemory memory;
    sim::BlockDevice disk;
    sim::MmioDevice device;
    MmioTransport<sim::MmioRegisters> transport;
    DeviceInit<MmioTransport<sim::MmioRegisters>> init{transport};
    Negotiation negotiation;
    VirtQueue<size, Format> queue;
    std::uintptr_t token = 0;
    bool hostile = false;  ///< the test breaks rules on purpose
};

using QueueMachine = QueueMachineOf<Split>;

/// What `explain` or `dump` printed.
template <class Print>
std::string printed(Print print) {
    std::string text;
    print([&text](char character) { text += character; });
    return text;
}
inline std::string explained(Diagnosis const& diagnosis) {
    return printed([&](auto sink) { explain(diagnosis, sink); });
}

/// The explanation with each sentence on one line, so that the length of numbers does not matter.
inline std::string flattened(Diagnosis const& diagnosis) {
    std::string text = explained(diagnosis);
    for (std::size_t at = 0; (at = text.find("\n   ", at)) != std::string::npos;) {
        text.replace(at, 4, " ");
    }
    return text;
}

/// The width of the longest line in columns; a multi-byte character takes one.
inline std::size_t columns(std::string const& text) {
    std::size_t most = 0;
    std::size_t now = 0;
    for (char const character : text) {
        now = character == '\n' ? 0 : now + ((static_cast<unsigned char>(character) & 0xc0u) != 0x80u ? 1 : 0);
        most = now > most ? now : most;
    }
    return most;
}

}  // namespace virtq::test
