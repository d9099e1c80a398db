// SPDX-License-Identifier: MIT
#include <virtq/device/detail/block/block_config.hpp>

#include <device/disk_machine.hpp>

#include <cstdint>
#include <vector>

namespace virtq::test {

using namespace virtq::detail;

namespace {

// on_config_change() reports a change if two configurations differ.
TEST(BlockConfig, DiffersWhenAnyFieldDoes) {
    void (*const changes[])(BlockConfig&) = {
        [](BlockConfig& config) { ++config.capacity_sectors; },
        [](BlockConfig& config) { ++config.block_bytes; },
        [](BlockConfig& config) { ++config.segments; },
        [](BlockConfig& config) { ++config.segment_bytes; },
        [](BlockConfig& config) { ++config.topology.physical_block_exp; },
        [](BlockConfig& config) { ++config.topology.alignment_offset; },
        [](BlockConfig& config) { ++config.topology.min_io_size; },
        [](BlockConfig& config) { ++config.topology.opt_io_size; },
        [](BlockConfig& config) { ++config.discard_sectors; },
        [](BlockConfig& config) { ++config.discard_alignment; },
        [](BlockConfig& config) { ++config.write_zeroes_sectors; },
        [](BlockConfig& config) { ++config.queue_count; },
        [](BlockConfig& config) { config.write_zeroes_may_unmap = true; },
    };
    BlockConfig const before;
    for (auto const& change : changes) {
        BlockConfig after = before;
        EXPECT_TRUE(after == before);
        change(after);
        EXPECT_FALSE(after == before) << &change - changes;
    }
}

/// A disk that offers MQ and reports 0 queues.
struct DiskWithoutQueues : Transport {
    std::uint16_t read_config16(std::uint16_t offset) {
        return offset == spec::block::config::num_queues.offset ? std::uint16_t{0} : Transport::read_config16(offset);
    }
};

TEST(BlockConfig, TreatsNoQueuesAsOne) {
    DiskMachine<> machine({.disk = {.queues = 4}});
    DiskWithoutQueues transport;
    ASSERT_TRUE(transport.probe(machine.device.registers()).ok());
    BlockConfig config;
    ASSERT_EQ(read_block_config(transport, Features::of(spec::block::Feature::mq), 0, config), Error::none);
    EXPECT_EQ(config.queue_count, 1);
    machine.hostile = true;  // the configuration is read before FEATURES_OK
}

}  // namespace
}  // namespace virtq::test
