// SPDX-License-Identifier: MIT
#include <virtq/diag/interrupt_snapshot.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

/// A transport of the kernel's own that counts nothing.
struct SilentTransport {};

struct LineRecord {
    [[nodiscard]] std::uint16_t interrupt_calls() const { return 3; }
    [[nodiscard]] std::uint16_t vector_calls() const { return 5; }
};

/// As `MmioTransport`: it has one interrupt, and counts its calls.
struct CountingTransport {
    [[nodiscard]] LineRecord record() const { return {}; }
};

/// As the PCI transports.
struct ChoosingTransport : CountingTransport {
    bool vectors = false;
    std::uint16_t asked = 0;

    [[nodiscard]] bool uses_vectors() const { return vectors; }
    [[nodiscard]] PciLine interrupt_line() const { return {1, 11}; }
    std::uint16_t queue_vector(std::uint16_t queue) {
        asked = queue;
        return 9;
    }
};

TEST(InterruptSnapshot, StaysEmptyWithoutARecord) {
    SilentTransport transport;
    InterruptSnapshot const seen = take_interrupt_snapshot(transport, 0);
    EXPECT_EQ(seen.way, InterruptSnapshot::Way::unknown);
    EXPECT_EQ(seen.line_calls + seen.vector_calls, 0);
}

TEST(InterruptSnapshot, CountsTheCallsOfMmio) {
    CountingTransport transport;
    InterruptSnapshot const seen = take_interrupt_snapshot(transport, 0);
    EXPECT_EQ(seen.way, InterruptSnapshot::Way::mmio);
    EXPECT_EQ(seen.line_calls, 3);
    EXPECT_EQ(seen.vector_calls, 0);
}

TEST(InterruptSnapshot, TellsTheWayOnPci) {
    ChoosingTransport transport;
    EXPECT_EQ(take_interrupt_snapshot(transport, 0).way, InterruptSnapshot::Way::line);
    transport.vectors = true;
    InterruptSnapshot const seen = take_interrupt_snapshot(transport, 7);
    EXPECT_EQ(seen.way, InterruptSnapshot::Way::vectors);
    EXPECT_EQ(seen.line_calls, 3);
    EXPECT_EQ(seen.vector_calls, 5);
    EXPECT_EQ(seen.line.pin, 1);
    EXPECT_EQ(seen.line.line, 11);
    EXPECT_EQ(seen.queue_vector, 9);
    EXPECT_EQ(transport.asked, 7);
}

}  // namespace
}  // namespace virtq::test
