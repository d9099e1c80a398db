// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <sim/block_device.hpp>
#include <sim/mmio_device.hpp>
#include <sim/raw_driver.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;
namespace block = virtq::sim::wire::block;
using wire::split::flag_next;
using wire::split::flag_write;

/// A disk on MMIO, and a driver that sends one request at a time.
class Machine {
public:
    explicit Machine(BlockOptions const& options = {}, MmioVersion version = MmioVersion::modern)
        : disk(memory.violations(), options), device(memory, disk, version), driver(device) {
        if (version == MmioVersion::modern) {
            driver.bring_up(queue);
        } else {
            driver.bring_up_legacy(queue);
        }
    }

    void write_header(uint32_t type, uint64_t sector) {
        encode(buffer.virt, 4, type, ByteOrder::little);
        encode(buffer.virt + 4, 4, 0, ByteOrder::little);
        encode(buffer.virt + 8, 8, sector, ByteOrder::little);
        buffer.virt[16] = 0xff;
    }

    /// Sends header, data and status, a descriptor each. Returns the status byte.
    uint8_t request(uint32_t type, uint64_t sector, uint32_t data_bytes, uint16_t data_flags = flag_write) {
        write_header(type, sector);
        auto const next = static_cast<uint16_t>(data_bytes == 0 ? 2 : 1);
        queue.write(0, {buffer.phys, 16, flag_next, next});
        queue.write(1, {buffer.phys + 512, data_bytes, static_cast<uint16_t>(data_flags | flag_next), 2});
        queue.write(2, {buffer.phys + 16, 1, flag_write, 0});
        return send();
    }

    uint8_t send() {
        queue.submit(0);
        driver.notify();
        device.step();
        return buffer.virt[16];
    }

    [[nodiscard]] uint32_t used_length() const {
        return queue.used_length(static_cast<uint16_t>((queue.used_idx() - 1u) % queue.size));
    }
    [[nodiscard]] uint8_t* data() const { return buffer.virt + 512; }
    [[nodiscard]] uint8_t read(uint64_t sector, uint32_t bytes = 512) {
        std::memset(data(), 0x99, 4096);
        return request(block::type_in, sector, bytes);
    }
    [[nodiscard]] uint8_t write(uint64_t sector, uint8_t value, uint32_t bytes = 512) {
        std::memset(data(), value, bytes);
        return request(block::type_out, sector, bytes, 0);
    }

    /// Sends a discard or write zeroes of these ranges, which are `{sector, sectors, flags}`.
    uint8_t send_ranges(uint32_t type, std::vector<std::array<uint64_t, 3>> const& ranges) {
        auto* to = data();
        for (auto const& [sector, sectors, flags] : ranges) {
            encode(to, 8, sector, ByteOrder::little);
            encode(to + 8, 4, sectors, ByteOrder::little);
            encode(to + 12, 4, flags, ByteOrder::little);
            to += block::range_bytes;
        }
        return request(type, 0, static_cast<uint32_t>(ranges.size() * block::range_bytes), 0);
    }
    /// Whether all bytes of a sector have this value.
    [[nodiscard]] bool holds(BlockDevice::Image const& image, uint64_t sector, uint8_t value) const {
        auto const start = image.begin() + static_cast<ptrdiff_t>(sector * block::sector_bytes);
        return std::all_of(start, start + block::sector_bytes, [value](uint8_t byte) { return byte == value; });
    }

    void expect_only(char const* id) const {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
    }

    GuestMemory memory;
    ViolationLog& log = memory.violations();
    sim::BlockDevice disk;
    sim::MmioDevice device;
    RawDriver driver;
    RawQueue queue{memory, 8};
    Buffer buffer = memory.allocate_buffer(16 * 1024);
};

TEST(BlockDevice, ReadsSectors) {
    Machine machine;
    EXPECT_EQ(machine.read(5, 1024), block::status_ok);
    EXPECT_EQ(std::memcmp(machine.data(), machine.disk.current().data() + 5 * 512, 1024), 0);
    EXPECT_EQ(machine.data()[1024], 0x99);
    EXPECT_EQ(machine.used_length(), 1025u);
    ASSERT_EQ(machine.disk.requests().size(), 1u);
    EXPECT_EQ(machine.disk.requests()[0].sector, 5u);
    EXPECT_EQ(machine.disk.requests()[0].data_bytes, 1024u);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
}

TEST(BlockDevice, WritesSectors) {
    Machine machine;
    EXPECT_EQ(machine.write(2047, 0x5a), block::status_ok);
    EXPECT_EQ(machine.used_length(), 1u);
    EXPECT_EQ(machine.disk.current()[2047 * 512], 0x5a);
    EXPECT_EQ(machine.disk.current()[2048 * 512 - 1], 0x5a);
    EXPECT_NE(machine.disk.current()[2047 * 512 - 1], 0x5a);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
}

TEST(BlockDevice, KeepsWritesVolatileUntilAFlush) {
    Machine machine;
    EXPECT_EQ(machine.write(1, 0x5a), block::status_ok);
    EXPECT_NE(machine.disk.durable()[512], 0x5a);
    machine.disk.lose_power();
    EXPECT_NE(machine.disk.current()[512], 0x5a);
    EXPECT_EQ(machine.write(1, 0x5a), block::status_ok);
    EXPECT_EQ(machine.request(block::type_flush, 0, 0), block::status_ok);
    EXPECT_EQ(machine.used_length(), 1u);
    machine.disk.lose_power();
    EXPECT_EQ(machine.disk.current()[512], 0x5a);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
}

TEST(BlockDevice, WritesThroughWithoutFlush) {
    Machine machine({.flush = false});
    EXPECT_EQ(machine.write(1, 0x5a), block::status_ok);
    EXPECT_EQ(machine.disk.durable()[512], 0x5a);
    EXPECT_EQ(machine.request(block::type_flush, 0, 0), block::status_unsupp);
}

TEST(BlockDevice, WritesThroughWhileWritebackIsOff) {
    Machine machine({.config_wce = true});
    uint16_t const writeback = wire::mmio::config + block::config_writeback;
    EXPECT_EQ(machine.driver.registers.read8(writeback), 1);
    EXPECT_EQ(machine.write(1, 0x5a), block::status_ok);
    EXPECT_NE(machine.disk.durable()[512], 0x5a);
    machine.driver.registers.write8(writeback, 0);
    EXPECT_EQ(machine.write(2, 0x5b), block::status_ok);
    EXPECT_EQ(machine.disk.durable()[2 * 512], 0x5b);
    EXPECT_NE(machine.disk.durable()[512], 0x5a);  // §5.2.6.1: volatile data stay volatile
    EXPECT_TRUE(machine.log.empty()) << machine.log;
}

TEST(BlockDevice, ReportsWritebackReadBeforeFeaturesOk) {
    Machine machine({.config_wce = true});
    machine.driver.greet();
    static_cast<void>(machine.driver.registers.read8(wire::mmio::config + block::config_writeback));
    machine.expect_only("D-5.2.5.1-4");
}

TEST(BlockDevice, ReturnsItsId) {
    Machine machine({.id = "exactly-20-bytes-abc"});
    EXPECT_EQ(machine.request(block::type_get_id, 0, 20), block::status_ok);
    EXPECT_EQ(std::string(reinterpret_cast<char*>(machine.data()), 20), "exactly-20-bytes-abc");
    EXPECT_EQ(machine.used_length(), 21u);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
    EXPECT_EQ(machine.request(block::type_get_id, 0, 21), block::status_ioerr);
    machine.expect_only("D-5.2.6.1-8");
}

TEST(BlockDevice, AnswersUnknownTypesWithUnsupp) {
    Machine machine;
    EXPECT_EQ(machine.request(11, 0, 16, 0), block::status_unsupp);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
}

TEST(BlockDevice, DiscardsSectors) {
    Machine machine({.discard = true});
    auto const before = machine.disk.current();
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{2046, 2, 0}}}), block::status_ok);
    EXPECT_EQ(machine.used_length(), 1u);
    EXPECT_TRUE(machine.holds(machine.disk.current(), 2046, BlockDevice::discarded));
    EXPECT_TRUE(machine.holds(machine.disk.current(), 2047, BlockDevice::discarded));
    EXPECT_TRUE(std::equal(before.begin(), before.begin() + 2046 * 512, machine.disk.current().begin()));
    EXPECT_EQ(machine.disk.durable(), before);  // volatile, like a write
    EXPECT_EQ(machine.read(2046), block::status_ok);
    EXPECT_EQ(machine.data()[0], BlockDevice::discarded);
    ASSERT_EQ(machine.disk.requests()[0].ranges.size(), 1u);
    EXPECT_EQ(machine.disk.requests()[0].ranges[0].sector, 2046u);
    EXPECT_EQ(machine.disk.requests()[0].ranges[0].sectors, 2u);
    EXPECT_FALSE(machine.disk.requests()[0].ranges[0].unmap);
    EXPECT_TRUE(machine.disk.requests()[1].ranges.empty());
    EXPECT_TRUE(machine.log.empty()) << machine.log;
}

TEST(BlockDevice, WritesZeroesWithAndWithoutUnmap) {
    Machine machine({.flush = false, .write_zeroes = true});
    EXPECT_EQ(machine.send_ranges(block::type_write_zeroes, {{{0, 1, 0}}}), block::status_ok);
    EXPECT_EQ(machine.send_ranges(block::type_write_zeroes, {{{1, 1, 1}}}), block::status_ok);
    for (uint64_t const sector : {0u, 1u}) {
        EXPECT_TRUE(machine.holds(machine.disk.current(), sector, 0));
        EXPECT_TRUE(machine.holds(machine.disk.durable(), sector, 0));  // without FLUSH writes are durable at once
    }
    EXPECT_NE(machine.disk.current()[2 * 512], 0);
    EXPECT_FALSE(machine.disk.requests()[0].ranges.at(0).unmap);
    EXPECT_TRUE(machine.disk.requests()[1].ranges.at(0).unmap);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
}

TEST(BlockDevice, WritesSeveralRanges) {
    Machine machine({.discard = true, .max_discard_seg = 2, .write_zeroes = true, .max_write_zeroes_seg = 3});
    EXPECT_EQ(machine.send_ranges(block::type_write_zeroes, {{{8, 2, 0}}, {{0, 1, 0}}, {{4, 0, 0}}}),
              block::status_ok);
    EXPECT_TRUE(machine.holds(machine.disk.current(), 9, 0));
    EXPECT_TRUE(machine.holds(machine.disk.current(), 0, 0));
    EXPECT_FALSE(machine.holds(machine.disk.current(), 4, 0));  // an empty range
    EXPECT_EQ(machine.disk.requests()[0].ranges.size(), 3u);
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{5, 1, 0}}, {{6, 1, 0}}}), block::status_ok);
    EXPECT_TRUE(machine.holds(machine.disk.current(), 6, BlockDevice::discarded));
    EXPECT_TRUE(machine.log.empty()) << machine.log;
}

TEST(BlockDevice, HasDiscardLimits) {
    Machine machine({.discard = true, .max_discard_sectors = 70000, .max_discard_seg = 3, .discard_alignment = 8});
    MmioRegisters registers = machine.driver.registers;
    EXPECT_EQ(registers.read32(0x124), 70000u);
    EXPECT_EQ(registers.read32(0x128), 3u);
    EXPECT_EQ(registers.read32(0x12c), 8u);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
    static_cast<void>(registers.read32(0x130));  // max_write_zeroes_sectors, without WRITE_ZEROES
    machine.expect_only("D-2.5.1-4");
}

TEST(BlockDevice, HasWriteZeroesLimits) {
    Machine machine({.write_zeroes = true, .max_write_zeroes_sectors = 99, .write_zeroes_may_unmap = true});
    MmioRegisters registers = machine.driver.registers;
    EXPECT_EQ(registers.read32(0x130), 99u);
    EXPECT_EQ(registers.read32(0x134), 1u);
    EXPECT_EQ(registers.read8(0x138), 1u);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
    static_cast<void>(registers.read32(0x124));  // max_discard_sectors, without DISCARD
    machine.expect_only("D-2.5.1-4");
}

TEST(BlockDevice, AcceptsAnyFraming) {
    Machine machine;
    machine.write_header(block::type_in, 3);
    machine.queue.write(0, {machine.buffer.phys, 5, flag_next, 1});
    machine.queue.write(1, {machine.buffer.phys + 5, 11, flag_next, 2});
    machine.queue.write(2, {machine.buffer.phys + 512, 100, flag_write | flag_next, 3});
    machine.queue.write(3, {machine.buffer.phys + 2000, 413, flag_write, 0});  // data and status together
    machine.send();
    EXPECT_EQ(std::memcmp(machine.buffer.virt + 512, machine.disk.current().data() + 3 * 512, 100), 0);
    EXPECT_EQ(std::memcmp(machine.buffer.virt + 2000, machine.disk.current().data() + 3 * 512 + 100, 412), 0);
    EXPECT_EQ(machine.buffer.virt[2412], block::status_ok);
    EXPECT_EQ(machine.used_length(), 513u);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
}

TEST(BlockDevice, HasAConfiguration) {
    Machine machine({.sectors = 0x1234, .blk_size = 4096, .seg_max = 7, .size_max = 65536, .topology = true});
    MmioRegisters registers = machine.driver.registers;
    EXPECT_EQ(registers.read32(0x100), 0x1234u);
    EXPECT_EQ(registers.read32(0x104), 0u);
    EXPECT_EQ(registers.read32(0x108), 65536u);
    EXPECT_EQ(registers.read32(0x10c), 7u);
    EXPECT_EQ(registers.read32(0x114), 4096u);
    EXPECT_EQ(registers.read8(0x118), 3u);
    EXPECT_EQ(registers.read16(0x11a), 8u);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
    static_cast<void>(registers.read16(0x122));  // num_queues, without MQ
    machine.expect_only("D-2.5.1-4");
}

TEST(BlockDevice, GrowsWhileLive) {
    Machine machine({.sectors = 4});
    machine.device.change_config([&] { machine.disk.set_sectors(8); });
    EXPECT_EQ(machine.driver.registers.read32(0x100), 8u);
    EXPECT_EQ(machine.driver.read(wire::mmio::interrupt_status), 2u);
    EXPECT_EQ(machine.read(7), block::status_ok);
}

// --- broken rules ---

TEST(BlockDevice, ReportsARequestBeyondCapacity) {
    Machine machine({.sectors = 4});
    EXPECT_EQ(machine.read(3), block::status_ok);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
    EXPECT_EQ(machine.read(3, 1024), block::status_ioerr);
    EXPECT_EQ(machine.read(~uint64_t{0}), block::status_ioerr);
    EXPECT_EQ(machine.write(uint64_t{1} << 55, 1), block::status_ioerr);
    EXPECT_EQ(machine.log.count("D-5.2.6.1-2"), 3u) << machine.log;
}

TEST(BlockDevice, FillsDataOfAFailedRead) {
    Machine machine({.sectors = 4});
    EXPECT_EQ(machine.read(4), block::status_ioerr);
    EXPECT_EQ(machine.data()[0], 0xee);
    EXPECT_EQ(machine.used_length(), 513u);
}

TEST(BlockDevice, ReportsFractionsOfASector) {
    Machine machine;
    EXPECT_EQ(machine.read(0, 511), block::status_ioerr);
    machine.expect_only("D-5.2.6.1-6");
}

TEST(BlockDevice, ReportsWritesToReadOnlyDisks) {
    Machine machine({.read_only = true});
    EXPECT_EQ(machine.write(0, 0x5a), block::status_ioerr);
    EXPECT_NE(machine.disk.current()[0], 0x5a);
    machine.expect_only("S-5.2.5-ro");
}

TEST(BlockDevice, ReportsDiscardsOfReadOnlyDisks) {
    Machine machine({.read_only = true, .discard = true});
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{0, 1, 0}}}), block::status_ioerr);
    EXPECT_FALSE(machine.holds(machine.disk.current(), 0, BlockDevice::discarded));
    machine.expect_only("S-5.2.5-ro");
}

TEST(BlockDevice, RefusesRangesItDidNotNegotiate) {
    Machine machine({.discard = true});
    EXPECT_EQ(machine.send_ranges(block::type_write_zeroes, {{{0, 1, 0}}}), block::status_unsupp);
    EXPECT_FALSE(machine.holds(machine.disk.current(), 0, 0));
    EXPECT_TRUE(machine.log.empty()) << machine.log;
}

TEST(BlockDevice, ReportsRangesBeyondCapacity) {
    Machine machine({.sectors = 4, .discard = true, .max_discard_sectors = ~0u, .write_zeroes = true});
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{3, 2, 0}}}), block::status_ioerr);
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{~uint64_t{0}, 1, 0}}}), block::status_ioerr);
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{1, ~0u, 0}}}), block::status_ioerr);
    EXPECT_EQ(machine.send_ranges(block::type_write_zeroes, {{{4, 1, 0}}}), block::status_ioerr);
    EXPECT_EQ(machine.log.count("D-5.2.6.1-2"), 4u) << machine.log;
    EXPECT_EQ(machine.log.entries().size(), 4u) << machine.log;
    EXPECT_FALSE(machine.holds(machine.disk.current(), 3, BlockDevice::discarded));
}

TEST(BlockDevice, ReportsRangesOfTooManySectors) {
    Machine machine({.discard = true, .max_discard_sectors = 8, .write_zeroes = true, .max_write_zeroes_sectors = 16});
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{0, 8, 0}}}), block::status_ok);
    EXPECT_EQ(machine.send_ranges(block::type_write_zeroes, {{{0, 16, 0}}}), block::status_ok);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{0, 9, 0}}}), block::status_ioerr);
    EXPECT_EQ(machine.send_ranges(block::type_write_zeroes, {{{0, 17, 0}}}), block::status_ioerr);
    EXPECT_EQ(machine.log.count("S-5.2.4-range"), 2u) << machine.log;
}

TEST(BlockDevice, ReportsTooManyRanges) {
    Machine machine({.discard = true, .write_zeroes = true, .max_write_zeroes_seg = 2});
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{0, 1, 0}}, {{1, 1, 0}}}), block::status_ioerr);
    machine.expect_only("D-5.2.6.1-9");
    machine.log.clear();
    EXPECT_EQ(machine.send_ranges(block::type_write_zeroes, {{{0, 1, 0}}, {{1, 1, 0}}, {{2, 1, 0}}}),
              block::status_ioerr);
    machine.expect_only("D-5.2.6.1-11");
}

TEST(BlockDevice, ReportsTruncatedRanges) {
    Machine machine({.discard = true, .write_zeroes = true});
    EXPECT_EQ(machine.request(block::type_discard, 0, 15, 0), block::status_ioerr);
    EXPECT_EQ(machine.request(block::type_discard, 0, 0), block::status_ioerr);
    EXPECT_EQ(machine.request(block::type_write_zeroes, 0, 17, 0), block::status_ioerr);
    EXPECT_EQ(machine.log.count("D-5.2.6.1-7"), 3u) << machine.log;
    EXPECT_EQ(machine.log.entries().size(), 3u) << machine.log;
}

TEST(BlockDevice, ReportsForbiddenRangeFlags) {
    Machine machine({.discard = true, .write_zeroes = true, .max_write_zeroes_seg = 2});
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{0, 1, 1}}}), block::status_unsupp);
    machine.expect_only("D-5.2.6.1-14");
    machine.log.clear();
    EXPECT_EQ(machine.send_ranges(block::type_discard, {{{0, 1, 2}}}), block::status_unsupp);
    EXPECT_EQ(machine.send_ranges(block::type_write_zeroes, {{{0, 1, 0x80000001}}}), block::status_unsupp);
    EXPECT_EQ(machine.log.count("S-5.2.6-flags"), 2u) << machine.log;
    EXPECT_EQ(machine.log.entries().size(), 2u) << machine.log;
    // The answer is UNSUPP whatever the other range deserves, and the disk changes nothing.
    EXPECT_EQ(machine.send_ranges(block::type_write_zeroes, {{{0, 1, 4}}, {{9999, 1, 0}}}), block::status_unsupp);
    EXPECT_NE(machine.disk.current()[0], 0);
}

TEST(BlockDevice, ReportsBadRangeSectorsAndDirections) {
    Machine machine({.discard = true});
    EXPECT_EQ(machine.request(block::type_discard, 0, 16, flag_write), block::status_ioerr);
    machine.expect_only("S-5.2.6-direction");
    machine.log.clear();
    std::memset(machine.data(), 0, block::range_bytes);
    EXPECT_EQ(machine.request(block::type_discard, 1, 16, 0), block::status_ok);
    machine.expect_only("S-5.2.6-sector");
}

TEST(BlockDevice, ReportsFlushesWithSectorOrData) {
    Machine machine;
    EXPECT_EQ(machine.request(block::type_flush, 1, 0), block::status_ok);
    machine.expect_only("D-5.2.6.1-4");
    machine.log.clear();
    EXPECT_EQ(machine.request(block::type_flush, 0, 512), block::status_ok);
    machine.expect_only("D-5.2.6.1-5");
}

TEST(BlockDevice, ReportsDataInTheWrongDirection) {
    Machine machine;
    EXPECT_EQ(machine.request(block::type_in, 0, 512, 0), block::status_ioerr);
    EXPECT_EQ(machine.request(block::type_out, 0, 512, flag_write), block::status_ioerr);
    EXPECT_EQ(machine.log.count("S-5.2.6-direction"), 2u) << machine.log;
}

TEST(BlockDevice, ReportsAShortHeader) {
    Machine machine;
    machine.write_header(block::type_in, 0);
    machine.queue.write(0, {machine.buffer.phys, 15, flag_next, 1});
    machine.queue.write(1, {machine.buffer.phys + 16, 1, flag_write, 0});
    EXPECT_EQ(machine.send(), block::status_ioerr);
    machine.expect_only("S-5.2.6-header");
}

TEST(BlockDevice, ReportsAMissingStatusByte) {
    Machine machine;
    machine.write_header(block::type_in, 0);
    machine.queue.write(0, {machine.buffer.phys, 16, 0, 0});
    EXPECT_EQ(machine.send(), 0xff);
    EXPECT_EQ(machine.used_length(), 0u);
    machine.expect_only("S-5.2.6-status");
}

TEST(BlockDevice, ReportsAMeaninglessSector) {
    Machine machine;
    EXPECT_EQ(machine.request(block::type_get_id, 9, 20), block::status_ok);
    machine.expect_only("S-5.2.6-sector");
}

TEST(BlockDevice, ReportsSegmentsAboveTheLimits) {
    Machine machine({.seg_max = 1, .size_max = 512});
    EXPECT_EQ(machine.read(0, 512), block::status_ok);
    EXPECT_TRUE(machine.log.empty()) << machine.log;
    EXPECT_EQ(machine.read(0, 1024), block::status_ok);
    machine.expect_only("S-5.2.4-seg");
    machine.log.clear();
    machine.write_header(block::type_in, 0);
    machine.queue.write(0, {machine.buffer.phys, 16, flag_next, 1});
    machine.queue.write(1, {machine.buffer.phys + 512, 256, flag_next | flag_write, 3});
    machine.queue.write(3, {machine.buffer.phys + 768, 256, flag_next | flag_write, 2});
    machine.queue.write(2, {machine.buffer.phys + 16, 1, flag_write, 0});
    EXPECT_EQ(machine.send(), block::status_ok);
    machine.expect_only("S-5.2.4-seg");
}

TEST(BlockDevice, ChecksLegacyFramingWithoutAnyLayout) {
    auto const send_cut = [](Machine& machine) {
        machine.write_header(block::type_in, 0);
        machine.queue.write(0, {machine.buffer.phys, 8, flag_next, 1});
        machine.queue.write(1, {machine.buffer.phys + 8, 8, flag_next, 2});
        machine.queue.write(2, {machine.buffer.phys + 512, 513, flag_write, 0});
        machine.send();
        return machine.buffer.virt[1024];
    };
    Machine strict({}, MmioVersion::legacy);
    EXPECT_EQ(strict.read(0), block::status_ok);
    EXPECT_TRUE(strict.log.empty()) << strict.log;
    EXPECT_EQ(send_cut(strict), block::status_ok);
    EXPECT_EQ(strict.log.count("L-2.7.4.3-1"), 1u) << strict.log;
    EXPECT_EQ(strict.log.count("L-2.7.4.3-2"), 1u) << strict.log;
    Machine relaxed({.any_layout = true}, MmioVersion::legacy);
    EXPECT_EQ(send_cut(relaxed), block::status_ok);
    EXPECT_TRUE(relaxed.log.empty()) << relaxed.log;
}

// --- invalid answers ---

TEST(BlockDevice, AnswersWithAnyStatusOnce) {
    Machine machine;
    machine.disk.answer_next_with(3);
    EXPECT_EQ(machine.write(0, 0x5a), 3);
    EXPECT_NE(machine.disk.current()[0], 0x5a);
    EXPECT_EQ(machine.write(0, 0x5a), block::status_ok);
}

TEST(BlockDevice, LeavesTheStatusUnwritten) {
    Machine machine;
    machine.disk.leave_next_status();
    EXPECT_EQ(machine.read(0), 0xff);
    EXPECT_EQ(machine.data()[0], machine.disk.current()[0]);
    EXPECT_EQ(machine.used_length(), 512u);
}

TEST(BlockDevice, SwallowsARequest) {
    Machine machine;
    machine.disk.swallow_next();
    EXPECT_EQ(machine.read(0), 0xff);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(machine.device.step(), 0u);
    }
    EXPECT_EQ(machine.queue.used_idx(), 0);
    EXPECT_EQ(machine.device.ring()->in_flight(), 1u);
}

TEST(BlockDevice, MisreportsTheUsedLength) {
    Machine machine;
    machine.disk.misreport_next_length(1000);
    EXPECT_EQ(machine.read(0), block::status_ok);
    EXPECT_EQ(machine.used_length(), 1513u);
    machine.disk.misreport_next_length(-1000);
    EXPECT_EQ(machine.read(0), block::status_ok);
    EXPECT_EQ(machine.used_length(), 0u);
    machine.disk.misreport_next_length(int64_t{1} << 40);
    EXPECT_EQ(machine.read(0), block::status_ok);
    EXPECT_EQ(machine.used_length(), 0xffffffffu);
}

TEST(BlockDevice, ShortensTheData) {
    Machine machine;
    machine.disk.shorten_next_data(100);
    EXPECT_EQ(machine.read(0), block::status_ok);
    EXPECT_EQ(machine.data()[99], machine.disk.current()[99]);
    EXPECT_EQ(machine.data()[100], 0x99);
    EXPECT_EQ(machine.used_length(), 100u);
    machine.disk.shorten_next_data(100);
    EXPECT_EQ(machine.write(0, 0x5a), block::status_ok);
    EXPECT_EQ(machine.disk.current()[99], 0x5a);
    EXPECT_NE(machine.disk.current()[101], 0x5a);
}

TEST(BlockDevice, OffersQueueFeaturesOneByOne) {
    GuestMemory memory;
    struct Case {
        BlockOptions options;
        unsigned bit;
    };
    for (auto const& [options, bit] :
         {Case{{.flush = false, .packed = true}, 34}, Case{{.flush = false, .in_order = true}, 35},
          Case{{.flush = false, .ring_reset = true}, 40}, Case{{.flush = false, .notification_data = true}, 38}}) {
        FeatureWords expected{};
        set_feature(expected, 2);  // SEG_MAX, which disks offer by default
        set_feature(expected, bit);
        EXPECT_EQ(sim::BlockDevice(memory.violations(), options).features(), expected) << bit;
    }
}

// --- packed rings ---

TEST(BlockDevice, ServesPackedRingsInAnyOrder) {
    for (auto const& options : {BlockOptions{.indirect = true, .packed = true},
                                BlockOptions{.event_idx = true, .packed = true, .in_order = true}}) {
        GuestMemory memory;
        sim::BlockDevice disk(memory.violations(), options);
        sim::MmioDevice device(memory, disk);
        device.set_schedule(Schedule::bursts(3));
        device.set_used_entries(UsedEntries::per_batch);
        RawDriver driver(device);
        RawPackedQueue queue(memory, 12);
        driver.bring_up(queue);
        std::vector<Buffer> buffers;
        for (uint16_t id = 0; id < 3; ++id) {
            buffers.push_back(memory.allocate_buffer(1024));
            Buffer const& buffer = buffers.back();
            std::memset(buffer.virt, 0, 16);
            encode(buffer.virt + 8, 8, id + 7u, ByteOrder::little);  // IN, from sector 7 on
            queue.submit(id, {{buffer.phys, 16, 0},
                              {buffer.phys + 512, 512, wire::packed::flag_write},
                              {buffer.phys + 16, 1, wire::packed::flag_write}});
        }
        driver.notify();
        EXPECT_EQ(device.step(), 3u);
        for (uint16_t id = 0; id < 3; ++id) {
            auto const* const sector = disk.current().data() + (id + 7u) * block::sector_bytes;
            EXPECT_EQ(std::memcmp(buffers[id].virt + 512, sector, 512), 0);
            EXPECT_EQ(buffers[id].virt[16], block::status_ok);
        }
        EXPECT_EQ(queue.id(0), options.in_order ? 2 : 0);
        EXPECT_EQ(device.packed_ring()->next_used(), (PackedPosition{9, true}));
        EXPECT_EQ(queue.length(0), 513u);
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }
}

}  // namespace virtq::sim_test
