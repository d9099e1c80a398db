// SPDX-License-Identifier: MIT
#include <virtq/device/detail/mapped_data.hpp>

#include <device/bounce_mapper.hpp>
#include <device/disk_machine.hpp>

#include <cstdint>
#include <vector>

/// Requests through a mapper: each piece of data is mapped once and unmapped once, whatever happens.
namespace virtq::test {

using namespace virtq::detail;

namespace {

struct Bouncing : BlockTraits {
    using Mapper = BounceMapper;
};

class MappedDisk : public ::testing::Test {
protected:
    void bring_up() {
        mapper.memory = &machine.memory;
        ASSERT_TRUE(machine.probe().ok());
        ASSERT_TRUE(machine.driver.init(machine.transport, machine.memory, mapper).ok());
    }
    ~MappedDisk() override { EXPECT_TRUE(mapper.mapped.empty()); }

    BounceMapper mapper;
    DiskMachine<64, Bouncing> machine{{.disk = {.seg_max = 4, .size_max = 4096}}};
};

TEST_F(MappedDisk, ReadsAndWritesThroughTheMapper) {
    bring_up();
    sim::Buffer const data = machine.buffer(32768);  // two parts of four pieces
    ASSERT_TRUE(machine.driver.read(3, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 3));
    EXPECT_EQ(mapper.maps, 8u);
    std::memset(data.virt, 0x5c, data.bytes);
    ASSERT_TRUE(machine.driver.write(3, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 3));
    EXPECT_TRUE(mapper.mapped.empty());
}

TEST_F(MappedDisk, UnmapsAllIfTheMapperFails) {
    bring_up();
    sim::Buffer const data = machine.buffer(32768);
    Segment const segments[] = {machine.segment(data)};
    for (int n = 0; n < 8; ++n) {
        mapper.fail_after = n;
        EXPECT_EQ(machine.driver.submit_read(0, segments, Token{}).error(), Error::dma_map_failed) << n;
        EXPECT_TRUE(mapper.mapped.empty()) << n;
        EXPECT_EQ(machine.driver.in_flight(), 0) << n;
        mapper.fail_after.reset();
    }
    EXPECT_TRUE(machine.driver.read(0, segments[0], patience, machine.stepping()).ok());
}

TEST_F(MappedDisk, AddsNothingIfTheMapperFails) {
    bring_up();
    sim::Buffer const data = machine.buffer(1024);
    Segment const segments[] = {{data.phys, 512}, {data.phys + 512, 512}};
    for (int n = 0; n < 2; ++n) {
        mapper.fail_after = n;
        EXPECT_EQ(machine.driver.submit_read(0, segments, Token{}).error(), Error::dma_map_failed) << n;
        EXPECT_TRUE(mapper.mapped.empty()) << n;
        EXPECT_EQ(machine.driver.in_flight(), 0) << n;
        mapper.fail_after.reset();
    }
    EXPECT_TRUE(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).ok());
}

// Neither the device nor the ring limits a request here. The driver's record of what it mapped does.
TEST(MappedData, IsSplitAtTheMappingLimit) {
    BounceMapper mapper;
    DiskMachine<64, Bouncing> machine;
    mapper.memory = &machine.memory;
    ASSERT_TRUE(machine.probe().ok());
    ASSERT_TRUE(machine.driver.init(machine.transport, machine.memory, mapper).ok());
    sim::Buffer const data = machine.buffer(512 * 20);
    std::vector<Segment> segments;
    for (std::uint32_t i = 0; i < 20; ++i) {
        segments.push_back({data.phys + i * 512, 512});
    }
    BlockRequest const request{BlockOperation::read, 3, 0, {segments.data(), segments.size()}, Token{}};
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 3));
    EXPECT_EQ(mapper.maps, 20u);
    EXPECT_TRUE(mapper.mapped.empty());
    EXPECT_EQ(machine.disk.requests().size(), 2u);
}

TEST_F(MappedDisk, UnmapsOnceIfTheRingRefuses) {
    bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    unsigned submitted = 0;
    while (machine.driver.submit_read(0, segments, Token{})) {
        ++submitted;
    }
    EXPECT_EQ(mapper.mapped.size(), submitted);
    machine.driver.kick_device();
    machine.device.step();
    while (machine.driver.take_completed().state == CompletionState::ready) {
    }
    EXPECT_TRUE(mapper.mapped.empty());
}

TEST_F(MappedDisk, UnmapsOnceAfterAReset) {
    bring_up();
    sim::Buffer const data = machine.buffer(32768);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(0, segments, Token{std::uintptr_t{1}}).ok());
    EXPECT_EQ(machine.driver.read(0, {data.phys, 512}, PollLimit{5}).error(), Error::timed_out);
    EXPECT_EQ(mapper.mapped.size(), 9u);
    machine.device.reset_takes(sim::MmioDevice::never);
    auto const ignore = [](BlockCompletion const&) {};
    EXPECT_EQ(machine.driver.reset(ignore).error(), Error::reset_timed_out);
    EXPECT_EQ(mapper.mapped.size(), 9u);
    machine.device.reset_takes(0);
    EXPECT_TRUE(machine.driver.reset(ignore).ok());
    EXPECT_TRUE(mapper.mapped.empty());
    EXPECT_TRUE(machine.driver.read(0, segments[0], patience, machine.stepping()).ok());
}

TEST_F(MappedDisk, UnmapsOnceWithSomePartsEnded) {
    bring_up();
    machine.device.set_schedule(sim::Schedule::in_order());
    sim::Buffer const data = machine.buffer(32768);
    Segment const segments[] = {machine.segment(data)};
    machine.disk.swallow_next();  // the first part never ends, the second one does
    ASSERT_TRUE(machine.driver.submit_read(0, segments, Token{std::uintptr_t{1}}).ok());
    machine.driver.kick_device();
    machine.device.step();
    EXPECT_NE(machine.driver.take_completed().state, CompletionState::ready);
    EXPECT_EQ(mapper.mapped.size(), 4u);
    unsigned handed_back = 0;
    EXPECT_TRUE(machine.driver.reset([&](BlockCompletion const&) { ++handed_back; }).ok());
    EXPECT_EQ(handed_back, 1u);
    EXPECT_TRUE(mapper.mapped.empty());
}

TEST_F(MappedDisk, UnmapsOnRelease) {
    bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(0, segments, Token{}).ok());
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    EXPECT_TRUE(mapper.mapped.empty());
}

TEST(NoMapper, CostsNothing) {
    EXPECT_LT(sizeof(BlockDevice<Transport, 64>), sizeof(BlockDevice<Transport, 64, Bouncing>));
    EXPECT_TRUE((__is_empty(MappedData<32, NoMapper>)));
}

}  // namespace
}  // namespace virtq::test
