// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>

#include <diag/queue_machine.hpp>

#include <cstdint>
#include <string>

/// A queue that the device answers when data arrive (faults C4). The device is the simulated disk under another device
/// ID, since its answers do not matter here.
namespace virtq::test {

using namespace virtq::detail;

namespace {

template <class Format>
class ReceiveMachine : public QueueMachineOf<Format> {
    using Base = QueueMachineOf<Format>;

public:
    explicit ReceiveMachine(spec::DeviceId type, QueueSetup const& setup = {}) : Base(setup) {
        this->hostile = true;
        Base::bring_up();
        this->device.set_device_id(static_cast<std::uint32_t>(type));
    }
    /// Publishes buffers of `bytes` bytes in two segments, and notifies the device.
    void fill(std::uint32_t bytes) {
        for (int i = 0; i < 3; ++i) {
            Segment const writable[] = {this->buffer(bytes / 2), this->buffer(bytes - bytes / 2)};
            ASSERT_TRUE(this->queue.add({}, writable, Token{++this->token}).ok());
        }
        static_cast<void>(this->queue.publish());
        this->transport.notify(0);
    }
};

template <class Format>
class ReceiveQueueOf : public testing::Test {
protected:
    static constexpr bool packed = SameAs<Format, Packed>;
};
using Formats = testing::Types<Split, Packed>;
TYPED_TEST_SUITE(ReceiveQueueOf, Formats);

TYPED_TEST(ReceiveQueueOf, MayWait) {
    for (bool const event_idx : {false, true}) {
        for (auto const device : {spec::DeviceId::net, spec::DeviceId::console, spec::DeviceId::input}) {
            ReceiveMachine<TypeParam> machine{device, {.event_idx = event_idx, .packed = this->packed}};
            machine.fill(2048);
            machine.transport.notify(1);  // the transmit queue
            Diagnosis const found = machine.look();
            EXPECT_EQ(found.cause(), Cause::nothing_arrived) << explained(found);
            EXPECT_TRUE(found.is_healthy());
            for (Finding const& finding : found.findings()) {
                EXPECT_NE(finding.cause, Cause::other_queue_notified) << explained(found);
                EXPECT_NE(finding.cause, Cause::event_idx_not_accepted) << explained(found);
                EXPECT_NE(finding.cause, Cause::not_answered) << explained(found);
            }
            EXPECT_NE(flattened(found).find("perhaps it has nothing"), std::string::npos) << explained(found);
            EXPECT_EQ(machine.cause({.symptom = Symptom::none}), Cause::none);
        }
    }
}

TYPED_TEST(ReceiveQueueOf, SuspectsAMissingNotification) {
    ReceiveMachine<TypeParam> machine{spec::DeviceId::net, {.packed = this->packed}};
    Segment const writable[] = {machine.buffer(2048)};
    ASSERT_TRUE(machine.queue.add({}, writable, Token{1}).ok());
    static_cast<void>(machine.queue.publish());
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::nothing_arrived);
    ASSERT_GE(found.findings().size(), 2u);
    EXPECT_EQ(found.findings()[1].cause, Cause::never_notified) << explained(found);
}

TYPED_TEST(ReceiveQueueOf, ReportsTooSmallBuffers) {
    struct {
        spec::DeviceId device;
        std::uint32_t least;
    } const cases[] = {{spec::DeviceId::net, 1526}, {spec::DeviceId::input, 8}};
    for (auto const& [device, least] : cases) {
        ReceiveMachine<TypeParam> machine{device, {.packed = this->packed}};
        machine.fill(least);
        EXPECT_EQ(machine.cause(), Cause::nothing_arrived);
        Segment const writable[] = {machine.buffer(least - 1)};
        ASSERT_TRUE(machine.queue.add({}, writable, Token{9}).ok());
        static_cast<void>(machine.queue.publish());
        Diagnosis const found = machine.look();
        EXPECT_EQ(found.cause(), Cause::receive_buffer_too_small) << explained(found);
        EXPECT_EQ(found.first().value, least - 1);
        EXPECT_EQ(found.first().expected, least);
        EXPECT_FALSE(found.is_healthy());
        std::string const numbers = "has " + std::to_string(least - 1) + " device-writable bytes; at least " +
                                    std::to_string(least) + " are needed.";
        EXPECT_NE(flattened(found).find(numbers), std::string::npos) << explained(found);
        EXPECT_EQ(machine.cause({.symptom = Symptom::none}), Cause::receive_buffer_too_small);
        machine.device.need_reset();  // like QEMU when the header does not fit
        EXPECT_EQ(machine.cause(), Cause::receive_buffer_too_small);
    }
}

TYPED_TEST(ReceiveQueueOf, ReportsAQueueWithoutBuffers) {
    ReceiveMachine<TypeParam> machine{spec::DeviceId::net, {.packed = this->packed}};
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::no_receive_buffers) << explained(found);
    EXPECT_FALSE(found.is_healthy());
    EXPECT_NE(flattened(found).find("publish()"), std::string::npos);
    EXPECT_TRUE(machine.look({.symptom = Symptom::none}).is_healthy());
    machine.device.set_device_id(static_cast<std::uint32_t>(spec::DeviceId::entropy));
    EXPECT_NE(machine.cause(), Cause::no_receive_buffers);
    EXPECT_EQ(machine.cause({.use = QueueUse::receive}), Cause::no_receive_buffers);
}

/// A network card with any number of queues.
struct LiveCard {
    [[nodiscard]] spec::DeviceId device_id() const { return spec::DeviceId::net; }
    [[nodiscard]] bool is_legacy() const { return false; }
    [[nodiscard]] DeviceStatus status() { return DeviceStatus{15}; }
    [[nodiscard]] std::uint32_t offered_features(unsigned) { return UINT32_MAX; }
    [[nodiscard]] std::uint32_t queue_size_max(std::uint16_t) { return 32768; }
    [[nodiscard]] bool is_queue_in_use(std::uint16_t) { return true; }
};

// With MQ queue 2 may be the control queue, which is usually empty.
TEST(ReceiveQueue, MayBeAnEmptyControlQueue) {
    ReceiveMachine<Split> machine{spec::DeviceId::net};
    Features many = machine.negotiation.negotiated;
    many.set(spec::net::Feature::mq);
    LiveCard card;
    EXPECT_NE(diagnose(card, 2, machine.queue, many).cause(), Cause::no_receive_buffers);
    EXPECT_EQ(diagnose(card, 2, machine.queue, many, {.use = QueueUse::receive}).cause(), Cause::no_receive_buffers);
    EXPECT_EQ(diagnose(card, 0, machine.queue, many).cause(), Cause::no_receive_buffers);
}

// Without EVENT_IDX: a device that disables notifications has seen the buffers, as far as diagnosis can tell.
TEST(ReceiveQueue, MayBeKnownToTheDevice) {
    ReceiveMachine<Split> machine{spec::DeviceId::net};
    machine.fill(2048);
    auto* const bytes = static_cast<unsigned char*>(machine.queue.pages().virt);
    bytes[SplitLayout{ReceiveMachine<Split>::size}.used_ring_offset()] = 1;  // VIRTQ_USED_F_NO_NOTIFY
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::nothing_arrived) << explained(found);
    EXPECT_FALSE(names(found, Cause::never_notified)) << explained(found);
}

// A chain that the device reads is a request, whatever the queue number.
TYPED_TEST(ReceiveQueueOf, TreatsAControlQueueAsRequests) {
    ReceiveMachine<TypeParam> machine{spec::DeviceId::net, {.packed = this->packed}};
    Segment const readable[] = {machine.buffer(8)};
    Segment const writable[] = {machine.buffer(1)};
    ASSERT_TRUE(machine.queue.add(readable, writable, Token{1}).ok());
    static_cast<void>(machine.queue.publish());
    machine.device.set_device_id(static_cast<std::uint32_t>(spec::DeviceId::net));
    EXPECT_NE(machine.cause(), Cause::nothing_arrived);
    EXPECT_NE(machine.cause(), Cause::receive_buffer_too_small);
}

// For an unknown device type the caller passes the use of the queue.
TYPED_TEST(ReceiveQueueOf, FollowsTheCallersOption) {
    ReceiveMachine<TypeParam> machine{spec::DeviceId::entropy, {.packed = this->packed}};
    machine.fill(64);
    EXPECT_NE(machine.cause(), Cause::nothing_arrived);
    EXPECT_EQ(machine.cause({.use = QueueUse::receive}), Cause::nothing_arrived);
    machine.device.set_device_id(static_cast<std::uint32_t>(spec::DeviceId::net));
    EXPECT_EQ(machine.cause(), Cause::receive_buffer_too_small);
    EXPECT_NE(machine.cause({.use = QueueUse::requests}), Cause::nothing_arrived);
    EXPECT_NE(machine.cause({.use = QueueUse::requests}), Cause::receive_buffer_too_small);
}

}  // namespace
}  // namespace virtq::test
