// SPDX-License-Identifier: MIT
#include <virtq/device/p9.hpp>

#include <device/disguise.hpp>
#include <device/p9_machine.hpp>
#include <transport/transport_setting.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What the 9P driver does beyond the contract of all drivers (`driver_contract_test`).
namespace virtq::test {
namespace {

using Message = P9Machine<>::Message;

TEST(P9, BringsAnswers) {
    P9Machine<> machine;
    machine.bring_up();
    GuardedAnswer answer(64);
    Result<std::uint32_t> const size = machine.call(machine.ask(0x1234), answer.span());
    ASSERT_TRUE(size.ok()) << describe(size.error());
    EXPECT_EQ(*size, 10u);
    EXPECT_EQ(answer.first(10), machine.echo(0x1234));
    EXPECT_EQ(machine.server.requests(), (std::vector<Message>{machine.ask(0x1234)}));
    EXPECT_FALSE(machine.driver.driver_fault());
}

TEST(P9, KicksNoDeviceBeforeInit) {
    P9Machine<> machine;
    EXPECT_FALSE(machine.driver.kick_device());
    machine.bring_up();
    EXPECT_FALSE(machine.driver.kick_device());  // there is no request
}

TEST(P9, SendsEachLengthThatFits) {
    P9Machine<> machine;
    machine.bring_up();
    for (std::size_t const bytes : {0u, 1u, 249u}) {
        GuardedAnswer answer(P9Traits::answer_bytes);
        Message const body(bytes, 0x77);
        EXPECT_TRUE(machine.call(machine.ask(1, body), answer.span()).ok()) << bytes;
        EXPECT_EQ(answer.first(7 + bytes), machine.echo(1, body));
    }
    machine.server.set_server([](Message const&) { return P9Machine<>::echo(1, {}); });
    GuardedAnswer answer(11);
    EXPECT_TRUE(machine.call(machine.ask(1, Message(P9Traits::request_bytes - 7)), answer.span()).ok());
    EXPECT_EQ(answer.first(7), machine.echo(1, {}));
}

TEST(P9, SendsDataBehindTheMessage) {
    P9Machine<> machine;
    machine.bring_up();
    sim::Buffer const first = machine.memory.allocate_buffer(3, 1);
    sim::Buffer const second = machine.memory.allocate_buffer(4000, 1);
    std::fill_n(first.virt, 3, std::uint8_t{0x11});
    std::fill_n(second.virt, 4000, std::uint8_t{0x22});
    Segment const data[] = {{first.phys, 3}, {second.phys, 4000}};
    Message whole = machine.ask(5, Message(4 + 4003, 9));
    std::fill_n(whole.begin() + 11, 3, std::uint8_t{0x11});
    std::fill_n(whole.begin() + 14, 4000, std::uint8_t{0x22});
    machine.server.set_server([](Message const&) { return P9Machine<>::echo(5, {1}); });
    GuardedAnswer answer(11);
    P9Request const request{{whole.data(), 11}, answer.span(), data};
    EXPECT_TRUE(machine.driver.call(request, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.server.requests(), (std::vector<Message>{whole}));
    EXPECT_EQ(answer.first(8), machine.echo(5, {1}));
}

TEST(P9, ReceivesDataBehindTheAnswer) {
    P9Machine<> machine;
    machine.bring_up();
    sim::Buffer const buffer = machine.memory.allocate_buffer(5000, 1);
    Segment const data[] = {{buffer.phys, 1000}, {buffer.phys + 1000, 4000}};
    Message body(4 + 4500);
    for (std::size_t i = 0; i < body.size(); ++i) {
        body[i] = static_cast<std::uint8_t>(i * 7);
    }
    machine.server.set_server([&](Message const&) { return P9Machine<>::echo(5, body); });
    GuardedAnswer answer(11);
    Message const message = machine.ask(5);
    P9Request const request{message, answer.span(), data, DmaDirection::device_writes};
    Result<std::uint32_t> const size = machine.driver.call(request, machine.patience, machine.stepping());
    ASSERT_TRUE(size.ok()) << describe(size.error());
    EXPECT_EQ(*size, 11u + 4500u);
    Message const whole = machine.echo(5, body);
    EXPECT_EQ(answer.first(11), (Message{whole.begin(), whole.begin() + 11}));
    EXPECT_TRUE(std::equal(body.begin() + 4, body.end(), buffer.virt));
}

// An error is shorter than what was asked for, and fits the part before the data.
TEST(P9, BringsErrorsInPlaceOfData) {
    P9Machine<> machine;
    machine.bring_up();
    sim::Buffer const buffer = machine.memory.allocate_buffer(100, 1);
    Segment const data{buffer.phys, 100};
    for (std::uint8_t const type : {std::uint8_t{7}, std::uint8_t{107}}) {
        Message const error = sim::P9Device::message(type, 5, {2, 0, 0, 0});
        machine.server.set_server([&](Message const&) { return error; });
        GuardedAnswer answer(11);
        Message const message = machine.ask(5);
        P9Request const request{message, answer.span(), data, DmaDirection::device_writes};
        Result<std::uint32_t> const size = machine.driver.call(request, machine.patience, machine.stepping());
        ASSERT_TRUE(size.ok()) << describe(size.error());
        EXPECT_EQ(*size, 11u);
        EXPECT_EQ(answer.first(11), error);
    }
}

TEST(P9, TakesAnswersInAnyOrder) {
    P9Machine<> machine;
    machine.bring_up();
    machine.server.answer_newest_first();
    std::vector<GuardedAnswer> answers(4, GuardedAnswer(20));
    for (std::uint16_t tag = 0; tag < 4; ++tag) {
        Message const message = machine.ask(tag);  // copied: it need not live longer than the call
        machine.submit({message, answers[tag].span()}, tag);
    }
    EXPECT_EQ(machine.driver.in_flight(), 4u);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);
    EXPECT_TRUE(machine.driver.kick_device());
    machine.device.step();
    for (std::uint16_t tag = 4; tag-- != 0;) {
        machine.expect_ended(tag, 10);
        EXPECT_EQ(answers[tag].first(10), machine.echo(tag));
    }
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);
    EXPECT_FALSE(machine.driver.driver_fault());
}

// Each slot has its own answer, whatever the tags are. An answer of 11 bytes leaves the data empty.
TEST(P9, AnswersEachSlotWhateverTheTags) {
    P9Machine<> machine;
    machine.bring_up();
    machine.server.answer_newest_first();
    sim::Buffer const buffer = machine.memory.allocate_buffer(100, 1);
    Segment const data{buffer.phys, 100};
    std::uint16_t const tags[] = {7, 7, 0xffff};
    std::vector<GuardedAnswer> answers(3, GuardedAnswer(11));
    for (std::uint8_t i = 0; i < 3; ++i) {
        Message const message = machine.ask(tags[i], {i, 2, 3, 4});
        Span<Segment const> const more = i == 0 ? Span<Segment const>{data} : Span<Segment const>{};
        machine.submit({message, answers[i].span(), more, DmaDirection::device_writes}, i);
    }
    machine.driver.kick_device();
    machine.device.step();
    for (std::uint8_t i = 3; i-- != 0;) {
        machine.expect_ended(i, 11);
        EXPECT_EQ(answers[i].first(11), machine.echo(tags[i], {i, 2, 3, 4}));
    }
    EXPECT_FALSE(machine.driver.driver_fault());
}

// QEMU ends a request that was flushed without an answer. That is no fault of the device.
TEST(P9, EndsFlushedRequests) {
    P9Machine<> machine;
    machine.bring_up();
    machine.server.hold();
    GuardedAnswer answer(20);
    GuardedAnswer flushed(20);
    machine.submit({machine.ask(1), answer.span()}, 1);
    machine.submit({sim::P9Device::message(108, 2, {1, 0}), flushed.span()}, 2);
    machine.driver.kick_device();
    machine.server.release();
    machine.device.step();
    machine.expect_ended(1, 0, Error::request_cancelled);
    machine.expect_ended(2, 9);
    EXPECT_TRUE(answer.first(0).empty());
    EXPECT_FALSE(machine.driver.driver_fault());
    EXPECT_TRUE(machine.call(machine.ask(1), answer.span()).ok());
}

TEST(P9, ReportsAFullQueue) {
    P9Machine<> machine;
    machine.bring_up();
    machine.server.hold();
    std::uint8_t answer[16];
    for (std::uint16_t tag = 0; tag < 8; ++tag) {  // a message and an answer each, in a ring of 16
        machine.submit({machine.ask(tag), answer}, tag);
    }
    EXPECT_EQ(machine.driver.submit({machine.ask(9), answer}, Token{9}).error(), Error::queue_full);
    EXPECT_EQ(machine.driver.last_error(), Error::queue_full);
    EXPECT_EQ(machine.call(machine.ask(9), answer, PollLimit{5}).error(), Error::queue_full);
    machine.driver.kick_device();
    machine.server.release();
    machine.device.step();
    machine.expect_ended(0, 10);
    EXPECT_TRUE(machine.call(machine.ask(9), answer).ok());
    for (std::uint16_t tag = 1; tag < 8; ++tag) {
        machine.expect_ended(tag, 10);
    }
}

TEST(P9, RejectsMessagesThatAreNone) {
    P9Machine<> machine;
    machine.bring_up();
    std::uint8_t room[P9Traits::answer_bytes + 1];
    Segment const data{machine.memory.allocate_buffer(8).phys, 8};
    auto const rejects = [&](Message const& message, std::size_t answer_bytes, Span<Segment const> with = {},
                             DmaDirection direction = DmaDirection::device_reads) {
        P9Request const request{message, {room, answer_bytes}, with, direction};
        EXPECT_EQ(machine.driver.call(request, machine.patience, machine.stepping()).error(), Error::message_invalid);
        EXPECT_EQ(machine.driver.submit(request, Token{1}).error(), Error::message_invalid);
        EXPECT_EQ(machine.driver.last_error(), Error::message_invalid);
    };
    Message wrong = machine.ask(1);
    ++wrong[0];
    rejects(wrong, 20);
    wrong = machine.ask(1);
    wrong[3] = 1;
    rejects(wrong, 20);
    rejects({6, 0, 0, 0, 100, 1}, 20);
    rejects({}, 20);
    rejects(machine.ask(1), 10);  // an error would not fit
    rejects(machine.ask(1), 0);
    rejects(machine.ask(1), P9Traits::answer_bytes + 1);
    rejects(machine.ask(1, Message(P9Traits::request_bytes - 6)), 20);
    rejects(machine.ask(1), 20, data);  // its size does not count them
    wrong = machine.ask(1);
    wrong[0] = static_cast<std::uint8_t>(wrong[0] + 8);
    rejects(wrong, 20, data, DmaDirection::device_writes);  // its size counts them
    EXPECT_EQ(machine.driver.in_flight(), 0u);
    EXPECT_TRUE(machine.server.requests().empty());
    EXPECT_TRUE(machine.call(machine.ask(1), {room, 20}).ok());
}

// No header has room for the size of so much data, and a sum of 32 bits would be that of no data.
TEST(P9, CountsDataAbove4GiB) {
    Message const message = P9Machine<>::ask(1);
    std::uint8_t answer[11];
    Segment const data[] = {{PhysAddr{0x1000}, 0x80000000}, {PhysAddr{0x1000}, 0x80000000}};
    P9Request request{message, answer, data, DmaDirection::device_reads};
    EXPECT_FALSE(detail::is_sound(request, P9Traits::request_bytes, P9Traits::answer_bytes));
    request.direction = DmaDirection::device_writes;
    EXPECT_TRUE(detail::is_sound(request, P9Traits::request_bytes, P9Traits::answer_bytes));
    detail::P9Verdict const verdict = detail::P9Pending::of(request).judge({~0u, P9Machine<>::type + 1, 1}, ~0u);
    EXPECT_EQ(verdict.reason, DriverReason::none);
}

TEST(P9, FreesTheSlotOfARefusedRequest) {
    P9Machine<> machine;
    machine.bring_up();
    std::uint8_t room[20];
    Segment const nothing{machine.memory.allocate_buffer(8).phys, 0};
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(machine.driver.submit({machine.ask(1), room, nothing}, Token{1}).error(), Error::segment_empty);
    }
    EXPECT_EQ(machine.driver.last_error(), Error::segment_empty);
    EXPECT_TRUE(machine.call(machine.ask(1), room).ok());
}

// --- what the device gets wrong ---

/// Sends a request with room for 20 bytes, whose answer is changed or reported wrongly, and expects this fault.
void expect_invalid(DriverReason reason, std::uint32_t value, std::function<void(Message&)> const& change,
                    std::optional<std::uint32_t> length = {}) {
    P9Machine<> machine;
    machine.bring_up();
    GuardedAnswer answer(20);
    machine.server.change_next(change);
    if (length) {
        machine.server.report_next_length(*length);
    }
    EXPECT_EQ(machine.call(machine.ask(0x102), answer.span()).error(), Error::answer_invalid);
    EXPECT_TRUE(answer.first(0).empty());
    machine.expect_fault(reason, value);
    EXPECT_TRUE(machine.call(machine.ask(1), answer.span()).ok());  // the driver goes on
    machine.expect_fault(reason, value);
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_FALSE(machine.driver.driver_fault());
}
void set_size(Message& message, std::uint32_t size) {
    sim::encode(message.data(), 4, size, sim::ByteOrder::little);
}
auto const nothing = [](Message&) {};

TEST(P9, NamesAnswersWithoutAHeader) {
    expect_invalid(DriverReason::p9_answer_short, 1, nothing, 1);
    expect_invalid(DriverReason::p9_answer_short, 6, nothing, 6);
    expect_invalid(DriverReason::p9_answer_short, 3, [](Message& message) { message.resize(3); });
}

TEST(P9, NamesSizesWithoutAHeader) {
    expect_invalid(DriverReason::p9_size_small, 6, [](Message& message) { set_size(message, 6); });
    expect_invalid(DriverReason::p9_size_small, 0, [](Message& message) { set_size(message, 0); });
}

TEST(P9, NamesAnswersLongerThanAskedFor) {
    expect_invalid(DriverReason::p9_size_above_room, 21, [](Message& message) {
        message.resize(21);
        set_size(message, 21);
    });
    expect_invalid(DriverReason::p9_size_above_room, ~0u, [](Message& message) { set_size(message, ~0u); });
}

TEST(P9, NamesSizesAboveWhatWasWritten) {
    expect_invalid(DriverReason::p9_size_above_written, 11, [](Message& message) { set_size(message, 11); });
    expect_invalid(DriverReason::p9_size_above_written, 10, nothing, 9);
}

TEST(P9, NamesForeignTags) {
    expect_invalid(DriverReason::p9_tag_differs, 0x103, [](Message& message) { message[5] = 3; });
    expect_invalid(DriverReason::p9_tag_differs, 0x002, [](Message& message) { message[6] = 0; });
}

TEST(P9, NamesForeignTypes) {
    expect_invalid(DriverReason::p9_type_unexpected, 100, [](Message& message) { message[4] = 100; });
    expect_invalid(DriverReason::p9_type_unexpected, 0, [](Message& message) { message[4] = 0; });
}

// A device may report more than it wrote, up to all of the room. The message tells how long it is.
TEST(P9, TakesTheSizeOfTheMessage) {
    P9Machine<> machine;
    machine.bring_up();
    GuardedAnswer answer(20);
    machine.server.report_next_length(20);
    Result<std::uint32_t> const size = machine.call(machine.ask(1), answer.span());
    ASSERT_TRUE(size.ok()) << describe(size.error());
    EXPECT_EQ(*size, 10u);
    EXPECT_EQ(answer.first(10), machine.echo(1));
    EXPECT_FALSE(machine.driver.driver_fault());
}

TEST(P9, BreaksAtALengthAboveTheRoom) {
    P9Machine<> machine;
    machine.bring_up();
    GuardedAnswer answer(20);
    Message const message = machine.ask(3);
    machine.submit({message, answer.span()}, 3);
    machine.server.report_next_length(21);
    EXPECT_EQ(machine.call(machine.ask(4), answer.span()).error(), Error::queue_broken);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::broken);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::queue_broken);
    EXPECT_TRUE(answer.first(0).empty());
    unsigned back = 0;
    EXPECT_TRUE(machine.driver
                    .reset([&](RequestCompletion const& ended) {
                        EXPECT_EQ(ended.token, Token{3});
                        EXPECT_EQ(ended.error, Error::request_cancelled);
                        ++back;
                    })
                    .ok());
    EXPECT_EQ(back, 1u);
    EXPECT_TRUE(machine.call(machine.ask(5), answer.span()).ok());
}

TEST(P9, ClampsLengthsOnRequest) {
    P9Machine<> machine;
    machine.bring_up({.queue = {.over_reported = OverReportedLength::clamp}});
    GuardedAnswer answer(20);
    machine.server.report_next_length(~0u);
    EXPECT_TRUE(machine.call(machine.ask(1), answer.span()).ok());
    EXPECT_EQ(answer.first(10), machine.echo(1));
}

// What the device writes after the answer was taken does not reach the kernel.
TEST(P9, KeepsACopyOfTheAnswer) {
    P9Machine<> machine;
    machine.bring_up();
    machine.server.hold();
    GuardedAnswer answer(20);
    Message const message = machine.ask(1);
    machine.submit({message, answer.span()}, 1);
    machine.driver.kick_device();
    machine.device.step();
    std::uint8_t* const shared = machine.server.parked().front().chain.writable.front().virt;
    machine.server.release();
    machine.device.step();
    machine.expect_ended(1, 10);
    std::fill_n(shared, 10, std::uint8_t{0xee});  // the device goes on writing
    EXPECT_EQ(answer.first(10), machine.echo(1));
}

// The caller of a `call` that timed out has its memory back, except for the data.
TEST(P9, CopiesNoLateAnswer) {
    P9Machine<> machine;
    machine.bring_up();
    machine.server.hold();
    GuardedAnswer answer(20);
    EXPECT_EQ(machine.call(machine.ask(1), answer.span(), PollLimit{5}).error(), Error::timed_out);
    machine.server.release();
    machine.device.step();
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::broken);
    EXPECT_EQ(machine.driver.in_flight(), 0u);
    EXPECT_TRUE(answer.first(0).empty());
    EXPECT_FALSE(machine.driver.driver_fault());  // it is late, and right
    EXPECT_EQ(machine.call(machine.ask(1), answer.span()).error(), Error::reset_needed);
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) { ADD_FAILURE() << "nobody submitted"; }).ok());
    EXPECT_TRUE(machine.call(machine.ask(1), answer.span()).ok());
}

TEST(P9, TimesOutWithoutAnAnswer) {
    P9Machine<> machine;
    machine.bring_up();
    machine.server.swallow_next();
    GuardedAnswer answer(20);
    EXPECT_EQ(machine.call(machine.ask(1), answer.span(), PollLimit{20}).error(), Error::timed_out);
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_TRUE(machine.call(machine.ask(1), answer.span()).ok());
}

// The slot of a cancelled request may belong to another one by then.
TEST(P9, LeavesRequestsOfTheRelaxHookAlone) {
    P9Machine<> machine;
    machine.bring_up();
    GuardedAnswer other(20);
    GuardedAnswer answer(20);
    bool is_first = true;
    auto const reset_and_submit = [&] {
        if (is_first) {
            is_first = false;
            EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
            machine.submit({machine.ask(2), other.span()}, 2);
        }
    };
    EXPECT_EQ(machine.driver.call({machine.ask(1), answer.span()}, machine.patience, reset_and_submit).error(),
              Error::request_cancelled);
    machine.driver.kick_device();
    machine.device.step();
    machine.expect_ended(2, 10);
    EXPECT_EQ(other.first(10), machine.echo(2));
    EXPECT_TRUE(answer.first(0).empty());
}

TEST(P9, MapsItsData) {
    P9Machine<BouncingP9> machine;
    machine.bring_up();
    sim::Buffer const buffer = machine.memory.allocate_buffer(100, 1);
    Segment const data{buffer.phys, 100};
    Message const body(4 + 60, 0x5a);
    machine.server.set_server([&](Message const&) { return P9Machine<>::echo(5, body); });
    GuardedAnswer answer(11);
    Message const message = machine.ask(5);
    P9Request const request{message, answer.span(), data, DmaDirection::device_writes};
    EXPECT_TRUE(machine.driver.call(request, machine.patience, machine.stepping()).ok());
    EXPECT_TRUE(std::all_of(buffer.virt, buffer.virt + 60, [](std::uint8_t value) { return value == 0x5a; }));
    EXPECT_EQ(machine.mapper.maps, 1u);
    machine.mapper.fail_after = 0;
    EXPECT_EQ(machine.driver.submit(request, Token{1}).error(), Error::dma_map_failed);
    machine.mapper.fail_after.reset();
    EXPECT_TRUE(machine.driver.call(request, machine.patience, machine.stepping()).ok());
}

// --- the mount tag ---

[[nodiscard]] std::string tag_of(P9Machine<> const& machine) {
    Span<char const> const tag = machine.driver.mount_tag();
    return {tag.begin(), tag.end()};
}

TEST(P9, ReadsTheMountTag) {
    P9Machine<> machine({.tag = "home dir \xc3\xbc"});
    EXPECT_EQ(tag_of(machine), "");
    machine.bring_up();
    EXPECT_EQ(tag_of(machine), "home dir \xc3\xbc");
    EXPECT_FALSE(machine.driver.driver_fault());
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    EXPECT_EQ(tag_of(machine), "");
}

TEST(P9, ReadsNoMountTagWithoutTheFeature) {
    P9Machine<> machine({.has_tag = false});
    machine.bring_up();
    EXPECT_EQ(tag_of(machine), "");
    EXPECT_FALSE(machine.driver.driver_fault());
}

TEST(P9, DropsTheRestOfALongTag) {
    std::string const tag(P9Traits::mount_tag_bytes, 'x');
    for (char const* const rest : {"", "y"}) {
        P9Machine<> machine({.tag = tag + rest});
        machine.bring_up();
        EXPECT_EQ(tag_of(machine), tag);
        EXPECT_FALSE(machine.driver.driver_fault());
    }
}

TEST(P9, NamesAnEmptyTag) {
    P9Machine<> machine({.tag = ""});
    machine.bring_up();
    EXPECT_EQ(tag_of(machine), "");
    machine.expect_fault(DriverReason::p9_mount_tag_empty, 0);
    GuardedAnswer answer(20);
    EXPECT_TRUE(machine.call(machine.ask(1), answer.span()).ok());
}

/// Brings a driver up in a place, and returns the mount tag.
template <class Place>
[[nodiscard]] std::string tag_in(sim::P9Options options, DriverReason reason = DriverReason::none) {
    sim::GuestMemory memory;
    sim::P9Device server{memory.violations(), std::move(options)};
    Place place{memory, server};
    typename Place::Transport transport;
    P9Device<typename Place::Transport> driver;
    EXPECT_TRUE(place.probe(transport).ok());
    EXPECT_TRUE(driver.init(transport, memory).ok());
    EXPECT_EQ(driver.driver_fault().reason, reason);
    Span<char const> const tag = driver.mount_tag();
    std::string const text{tag.begin(), tag.end()};
    EXPECT_TRUE(driver.release(memory).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    return text;
}
using ModernPci = OnPci<Modern, Layout::modern>;

TEST(P9, ReadsTheMountTagOfLegacyDevices) {
    EXPECT_EQ((tag_in<OnPci<LegacyPorts, Layout::legacy>>({})), "share");
    EXPECT_EQ((tag_in<OnMmio<MmioTransport<sim::MmioRegisters>, sim::MmioVersion::legacy>>({})), "share");
}

/// Its mount tag, or the length of that, changes while the driver reads it.
class ChangingTag final : public DisguisedDevice {
public:
    ChangingTag(sim::GuestMemory& memory, std::size_t where)
        : DisguisedDevice(
              std::make_unique<sim::P9Device>(memory.violations(), sim::P9Options{.tag_length = std::uint16_t{4}})),
          where_(where) {}
    [[nodiscard]] std::uint8_t read_config(std::size_t offset) override {
        std::uint8_t const now = DisguisedDevice::read_config(offset);
        return offset == where_ && changes != 0 ? static_cast<std::uint8_t>(now + changes--) : now;
    }

    unsigned changes = 1;

private:
    std::size_t where_;
};

TEST(P9, ReadsATagThatChangesOnce) {
    constexpr std::size_t length_at = native_byte_order == ByteOrder::little ? 0 : 1;
    for (std::size_t const where : {length_at, std::size_t{2}, std::size_t{5}}) {
        sim::GuestMemory memory;
        ChangingTag server{memory, where};
        OnMmio<MmioTransport<sim::MmioRegisters>, sim::MmioVersion::legacy> place{memory, server};
        MmioTransport<sim::MmioRegisters> transport;
        P9Device<decltype(transport)> driver;
        EXPECT_TRUE(place.probe(transport).ok());
        ASSERT_TRUE(driver.init(transport, memory).ok());
        EXPECT_EQ((std::string{driver.mount_tag().begin(), driver.mount_tag().end()}), "shar");
        EXPECT_FALSE(driver.driver_fault());
        EXPECT_TRUE(driver.release(memory).ok());
    }
}

TEST(P9, ForgetsTheTagOfAFailedReset) {
    sim::GuestMemory memory;
    ChangingTag server{memory, 2};
    OnMmio<MmioTransport<sim::MmioRegisters>, sim::MmioVersion::legacy> place{memory, server};
    MmioTransport<sim::MmioRegisters> transport;
    P9Device<decltype(transport)> driver;
    EXPECT_TRUE(place.probe(transport).ok());
    ASSERT_TRUE(driver.init(transport, memory).ok());
    EXPECT_EQ(driver.mount_tag().size(), 4u);
    server.changes = 1'000'000;
    EXPECT_EQ(driver.reset([](RequestCompletion const&) {}).error(), Error::config_unstable);
    EXPECT_TRUE(driver.mount_tag().empty());
    server.changes = 0;
    EXPECT_TRUE(driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_EQ((std::string{driver.mount_tag().begin(), driver.mount_tag().end()}), "shar");
    EXPECT_TRUE(driver.release(memory).ok());
}

TEST(P9, NeedsAConfigurationForTheTag) {
    sim::GuestMemory memory;
    sim::P9Device server{memory.violations()};
    sim::PciLayout layout = sim::PciLayout::modern();
    std::erase_if(layout.structures, [](auto const& one) { return one.type == sim::wire::pci::device_cfg; });
    sim::PciBus bus{memory.violations()};
    sim::PciDevice device{memory, server, layout};
    Function function{bus, {0, 7, 0}};
    bus.add(function.address(), device);
    bus.assign();
    Modern transport;
    P9Device<Modern> driver;
    ASSERT_TRUE(probe_pci(transport, function, bus).ok());
    EXPECT_EQ(driver.init(transport, memory).error(), Error::config_absent);
    EXPECT_TRUE(driver.init(transport, memory, {.unwanted = Features::of(spec::p9::Feature::mount_tag)}).ok());
    EXPECT_TRUE(driver.mount_tag().empty());
    EXPECT_TRUE(driver.release(memory).ok());
}

TEST(P9, NamesATagOutsideTheConfiguration) {
    EXPECT_EQ(tag_in<ModernPci>({}), "share");
    for (std::uint16_t const length : {std::uint16_t{255}, std::uint16_t{0xffff}}) {
        EXPECT_EQ(tag_in<ModernPci>({.tag_length = length}, DriverReason::p9_mount_tag_outside), "");
    }
    // The largest that has room behind its length, in a configuration space of 256 bytes.
    std::string const longest(254, 'x');
    EXPECT_EQ(tag_in<ModernPci>({.tag = longest}), longest.substr(0, P9Traits::mount_tag_bytes));
}

}  // namespace
}  // namespace virtq::test
