// SPDX-License-Identifier: MIT
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>

#include <device/disk_machine.hpp>

#include <cstdint>
#include <random>
#include <set>
#include <string>

/// One disk driver with every ring format and ring feature.
namespace virtq::test {
namespace {

struct SplitTraits : BlockTraits {};
struct PlainTraits : BlockTraits {
    using Format = PlainSplit;
};

/// What the device offers, one bit for each feature, so that the tests cover all mixes.
struct Offer {
    bool packed, event_idx, indirect, in_order, notification_data;
};

sim::BlockOptions options(Offer const& offer) {
    sim::BlockOptions options;
    options.packed = offer.packed;
    options.event_idx = offer.event_idx;
    options.indirect = offer.indirect;
    options.in_order = offer.in_order;
    options.notification_data = offer.notification_data;
    return options;
}

class DiskOfAnyFormat : public testing::TestWithParam<unsigned> {
protected:
    static Offer offer() {
        unsigned const bits = GetParam();
        return {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0};
    }

    template <class Traits>
    static void expect_negotiated(DiskMachine<64, Traits>& machine) {
        Features const seen = machine.driver.negotiation().negotiated;
        EXPECT_EQ(seen.has(spec::Feature::ring_packed), offer().packed);
        EXPECT_EQ(seen.has(spec::Feature::event_idx), offer().event_idx);
        EXPECT_EQ(seen.has(spec::Feature::indirect_desc), offer().indirect);
        EXPECT_EQ(seen.has(spec::Feature::in_order), offer().in_order);
        EXPECT_EQ(seen.has(spec::Feature::notification_data), offer().notification_data);
    }

    /// Submits up to 16 reads at a time, with blocking writes and reads between, and compares with the disk.
    template <class Traits>
    static void use(DiskMachine<64, Traits>& machine, unsigned seed) {
        std::mt19937 random{seed};
        std::vector<sim::Buffer> buffers;
        for (int i = 0; i < 16; ++i) {
            buffers.push_back(machine.buffer(1024));
        }
        for (int round = 0; round < 40; ++round) {
            std::set<std::uintptr_t> waiting;
            for (std::uintptr_t token = 0; token < random() % 16; ++token) {
                // Half of the requests have two segments.
                Segment const half[] = {{buffers[token].phys, 512}, {buffers[token].phys + 512, 512}};
                Segment const whole[] = {{buffers[token].phys, 1024}};
                Status const submitted = random() % 2 != 0
                                             ? machine.driver.submit_read(2 * token, half, Token{token})
                                             : machine.driver.submit_read(2 * token, whole, Token{token});
                ASSERT_TRUE(submitted.ok()) << describe(submitted.error());
                waiting.insert(token);
            }
            machine.driver.kick_device();
            for (int step = 0; !waiting.empty() && step < 100; ++step) {
                machine.device.step();
                machine.driver.for_each_completed([&](BlockCompletion const& done) {
                    EXPECT_EQ(done.error, Error::none);
                    EXPECT_EQ(waiting.erase(done.token.value()), 1u);
                    EXPECT_TRUE(machine.holds(buffers[done.token.value()], 2 * done.token.value()));
                });
            }
            ASSERT_TRUE(waiting.empty());
            std::memset(buffers[0].virt, round, 512);
            Segment const sector{buffers[0].phys, 512};
            ASSERT_TRUE(machine.driver.write(60, sector, patience, machine.stepping()).ok());
            ASSERT_TRUE(machine.driver.read(60, sector, patience, machine.stepping()).ok());
            EXPECT_EQ(buffers[0].virt[511], static_cast<std::uint8_t>(round));
        }
    }
};

TEST_P(DiskOfAnyFormat, WorksWithTheNegotiatedFormat) {
    DiskMachine<64, NegotiatedTraits> machine{{.disk = options(offer())}};
    machine.bring_up();
    expect_negotiated(machine);
    use(machine, GetParam());
    unsigned cancelled = 0;
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{7}).ok());
    ASSERT_TRUE(machine.driver
                    .reset([&](BlockCompletion const& done) {
                        EXPECT_EQ(done.token.value(), 7u);
                        ++cancelled;
                    })
                    .ok());
    EXPECT_EQ(cancelled, 1u);
    use(machine, GetParam() + 100);
}

TEST_P(DiskOfAnyFormat, WorksWithAFixedFormat) {
    if (offer().packed) {
        DiskMachine<64, PackedTraits> machine{{.disk = options(offer())}};
        machine.bring_up();
        expect_negotiated(machine);
        use(machine, GetParam());
    } else {
        DiskMachine<64, SplitTraits> machine{{.disk = options(offer())}};
        machine.bring_up();
        expect_negotiated(machine);
        use(machine, GetParam());
    }
}

// The plain format accepts no feature that it does not implement.
TEST_P(DiskOfAnyFormat, WorksWithThePlainFormat) {
    DiskMachine<64, PlainTraits> machine{{.disk = options(offer())}};
    machine.bring_up();
    Features const negotiated = machine.driver.negotiation().negotiated;
    EXPECT_EQ(negotiated.has(spec::Feature::event_idx), offer().event_idx);
    EXPECT_EQ(negotiated.has(spec::Feature::notification_data), offer().notification_data);
    EXPECT_FALSE(negotiated.has(spec::Feature::ring_packed));
    EXPECT_FALSE(negotiated.has(spec::Feature::indirect_desc));
    EXPECT_FALSE(negotiated.has(spec::Feature::in_order));
    use(machine, GetParam());
    EXPECT_EQ(machine.driver.ring(0).table_pages().virt, nullptr);
}

TEST_P(DiskOfAnyFormat, NeverUsesTheOtherFormat) {
    if (offer().packed) {
        DiskMachine<64, SplitTraits> machine{{.disk = options(offer())}};
        machine.bring_up();
        EXPECT_FALSE(machine.driver.negotiation().negotiated.has(spec::Feature::ring_packed));
        use(machine, GetParam());
    } else {
        DiskMachine<64, PackedTraits> machine{{.disk = options(offer())}};
        EXPECT_EQ(machine.init().error(), Error::feature_required_not_offered);
        EXPECT_TRUE(machine.driver.negotiation().missing.has(spec::Feature::ring_packed));
    }
}

std::string name_of(testing::TestParamInfo<unsigned> const& info) {
    unsigned const bits = info.param;
    return std::string{(bits & 1) != 0 ? "Packed" : "Split"} + ((bits & 2) != 0 ? "EventIdx" : "") +
           ((bits & 4) != 0 ? "Indirect" : "") + ((bits & 8) != 0 ? "InOrder" : "") +
           ((bits & 16) != 0 ? "NotificationData" : "");
}
INSTANTIATE_TEST_SUITE_P(Every, DiskOfAnyFormat, testing::Range(0u, 32u), name_of);

struct AnyMapper {
    Result<PhysAddr> map(PhysAddr address, std::uint32_t, DmaDirection) { return address; }
    void unmap(PhysAddr, std::uint32_t, DmaDirection) {}
};
struct MappedTraits : BlockTraits {
    using Mapper = AnyMapper;
};

TEST(DiskBehindAnIommu, AcceptsAccessPlatformWithAMapper) {
    DiskMachine<64, MappedTraits> machine;
    machine.device.offer(static_cast<unsigned>(spec::Feature::access_platform));
    AnyMapper mapper;
    ASSERT_TRUE(machine.probe().ok());
    ASSERT_TRUE(machine.driver.init(machine.transport, machine.memory, mapper, {.reset_limit = PollLimit{100}}).ok());
    EXPECT_TRUE(machine.driver.negotiation().negotiated.has(spec::Feature::access_platform));
}

}  // namespace
}  // namespace virtq::test
