// SPDX-License-Identifier: MIT
#include <virtq/device/gpu.hpp>

#include <device/gpu_machine.hpp>
#include <device/measured_transport.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

/// What the GPU driver does beyond the contract of all drivers (`driver_contract_test`).
namespace virtq::test {
namespace {

namespace wire = sim::wire::gpu;
using Commands = std::vector<std::uint32_t>;
using Pixels = std::pair<std::uint64_t, std::uint64_t>;

constexpr sim::GpuMode two_modes[] = {{{0, 0, 640, 480}}, {{640, 0, 800, 600}, 0}};
[[nodiscard]] sim::GpuOptions two_displays() {
    return {.modes = {two_modes[0], two_modes[1]}};
}

// --- displays ---

TEST(Gpu, TellsItsDisplays) {
    GpuMachine<> machine{two_displays()};
    machine.bring_up();
    EXPECT_EQ(machine.driver.display_count(), 2u);
    Result<GpuDisplay> const first = machine.driver.display(0, machine.patience, machine.stepping());
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(first->rect, (GpuRect{0, 0, 640, 480}));
    EXPECT_TRUE(first->is_enabled);
    Result<GpuDisplay> const second = machine.driver.display(1, machine.patience, machine.stepping());
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(second->rect, (GpuRect{640, 0, 800, 600}));
    EXPECT_FALSE(second->is_enabled);
    EXPECT_EQ(machine.driver.display(2, machine.patience, machine.stepping()).error(), Error::no_such_display);
    EXPECT_EQ(machine.driver.in_flight(), 0u);
}

TEST(Gpu, CopiesTheEdid) {
    GpuMachine<> machine;
    machine.bring_up();
    std::vector<std::uint8_t> edid(1024);
    for (std::size_t i = 0; i < edid.size(); ++i) {
        edid[i] = static_cast<std::uint8_t>(i * 7 + 1);
    }
    machine.gpu.set_edid(edid);
    std::vector<std::uint8_t> got(2000);
    Result<std::uint32_t> const size = machine.driver.edid(0, got, machine.patience, machine.stepping());
    ASSERT_TRUE(size.ok()) << describe(size.error());
    EXPECT_EQ(*size, 1024u);
    got.resize(1024);
    EXPECT_EQ(got, edid);
    std::uint8_t few[3] = {};
    EXPECT_EQ(machine.driver.edid(0, {few, 2}, machine.patience, machine.stepping()).value(), 1024u);
    EXPECT_EQ(few[1], edid[1]);
    EXPECT_EQ(few[2], 0);
    EXPECT_EQ(machine.driver.edid(0, {}, machine.patience, machine.stepping()).value(), 1024u);
    EXPECT_EQ(machine.driver.edid(1, got, machine.patience, machine.stepping()).error(), Error::no_such_display);
}

TEST(Gpu, HasNoEdidWithoutTheFeature) {
    GpuMachine<> machine{{.edid = false}};
    machine.bring_up();
    std::uint8_t got[8];
    EXPECT_EQ(machine.driver.edid(0, got, machine.patience, machine.stepping()).error(), Error::not_supported);
}

// --- pictures ---

TEST(Gpu, ShowsWhatWasFlushed) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    EXPECT_EQ(machine.gpu.pixel(0, 3, 2), 0u);
    EXPECT_EQ(machine.flush(picture, {2, 1, 5, 3}), Error::none);
    for (std::uint32_t y = 0; y < 8; ++y) {
        for (std::uint32_t x = 0; x < 16; ++x) {
            bool const is_flushed = x >= 2 && x < 7 && y >= 1 && y < 4;
            EXPECT_EQ(machine.gpu.pixel(0, x, y), is_flushed ? machine.colour_of(x, y) : 0u) << x << ", " << y;
        }
    }
    EXPECT_EQ(machine.gpu.take_pixels(), (Pixels{15, 15}));
    EXPECT_EQ(machine.flush(picture, picture.whole()), Error::none);
    EXPECT_EQ(machine.gpu.pixel(0, 15, 7), machine.colour_of(15, 7));
}

TEST(Gpu, TakesMemoryInPieces) {
    GpuMachine<> machine;
    machine.bring_up();
    Result<GpuPicture> const picture = machine.create(16, 8, 150);  // cuts pixels
    ASSERT_TRUE(picture.ok()) << describe(picture.error());
    EXPECT_TRUE(machine.driver.show(0, *picture, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.flush(*picture, picture->whole()), Error::none);
    for (std::uint32_t i = 0; i < 16 * 8; ++i) {
        EXPECT_EQ(machine.gpu.pixel(0, i % 16, i / 16), machine.colour_of(i % 16, i / 16));
    }
}

TEST(Gpu, ShowsPartsOnSeveralDisplays) {
    GpuMachine<> machine{two_displays()};
    machine.bring_up();
    Result<GpuPicture> const picture = machine.create(16, 8);
    ASSERT_TRUE(picture.ok());
    EXPECT_TRUE(machine.driver.show(0, *picture, {0, 0, 8, 8}, machine.patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.driver.show(1, *picture, {8, 2, 8, 6}, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.flush(*picture, picture->whole()), Error::none);
    EXPECT_EQ(machine.gpu.pixel(0, 7, 7), machine.colour_of(7, 7));
    EXPECT_EQ(machine.gpu.pixel(1, 0, 0), machine.colour_of(8, 2));
    EXPECT_TRUE(machine.driver.hide(0, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.gpu.pixel(0, 7, 7), std::nullopt);
    EXPECT_EQ(machine.gpu.pixel(1, 0, 0), machine.colour_of(8, 2));
}

TEST(Gpu, RejectsUnknownDisplays) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(8, 8);
    for (std::uint32_t const number : {1u, 16u, 0xffffffffu}) {
        EXPECT_EQ(machine.driver.show(number, picture, machine.patience).error(), Error::no_such_display);
        EXPECT_EQ(machine.driver.hide(number, machine.patience).error(), Error::no_such_display);
        EXPECT_EQ(machine.driver.move_cursor(number, {}).error(), Error::no_such_display);
    }
}

TEST(Gpu, RejectsRectanglesOutside) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture picture = machine.shown(16, 8);
    constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
    for (GpuRect const& rect :
         {GpuRect{0, 0, 17, 8}, GpuRect{0, 0, 16, 9}, GpuRect{16, 0, 1, 1}, GpuRect{0, 8, 1, 1}, GpuRect{0, 0, 0, 1},
          GpuRect{0, 0, 1, 0}, GpuRect{1, 0, most, 1}, GpuRect{0, 1, 1, most}, GpuRect{most, most, 2, 2}}) {
        EXPECT_EQ(machine.flush(picture, rect), Error::rectangle_outside);
        EXPECT_EQ(machine.driver.submit_flush(picture, rect, Token{1}).error(), Error::rectangle_outside);
        EXPECT_EQ(machine.driver.show(0, picture, rect, machine.patience).error(), Error::rectangle_outside);
    }
    picture.width = 100;  // the driver goes by its own numbers
    EXPECT_EQ(machine.flush(picture, {50, 0, 1, 1}), Error::rectangle_outside);
}

TEST(Gpu, RejectsInvalidPictures) {
    GpuMachine<> machine;
    machine.bring_up();
    sim::Buffer const buffer = machine.memory.allocate_buffer(64);
    Segment const all{buffer.phys, 64};
    auto const create = [&](GpuShape const& shape, Span<Segment const> memory) {
        return machine.driver.create(shape, memory, machine.patience, machine.stepping()).error();
    };
    EXPECT_EQ(create({0, 4}, all), Error::picture_invalid);
    EXPECT_EQ(create({4, 0}, all), Error::picture_invalid);
    EXPECT_EQ(create({16385, 1}, all), Error::picture_invalid);
    EXPECT_EQ(create({1, 16385}, all), Error::picture_invalid);
    EXPECT_EQ(create({65535, 65535}, all), Error::picture_invalid);
    EXPECT_EQ(create({0xffffffff, 0xffffffff}, all), Error::picture_invalid);
    EXPECT_EQ(create({0x40000000, 1}, all), Error::picture_invalid);
    EXPECT_EQ(create({4, 5}, all), Error::picture_invalid);  // 80 bytes
    EXPECT_EQ(create({4, 4}, {}), Error::picture_invalid);
    Segment const pieces[] = {{buffer.phys, 60}, {buffer.phys + 60, 0}, {buffer.phys + 60, 4}};
    EXPECT_EQ(create({4, 4}, pieces), Error::picture_invalid);
    std::vector<Segment> const many(5, Segment{buffer.phys, 64});
    EXPECT_EQ(create({4, 4}, many), Error::picture_invalid);
    EXPECT_EQ(machine.gpu.take_commands(), Commands{});
    Segment const one_below{buffer.phys, 0x3fffffff};
    Segment const just_enough{buffer.phys, 0x40000000};
    Segment const large[] = {{buffer.phys, 0xffffffff}, {buffer.phys, 0xffffffff}};
    EXPECT_TRUE((detail::GpuPictureTable<SmallGpu>::fits({16384, 16384}, large)));
    EXPECT_FALSE((detail::GpuPictureTable<SmallGpu>::fits({16384, 16384}, one_below)));
    EXPECT_TRUE((detail::GpuPictureTable<SmallGpu>::fits({16384, 16384}, just_enough)));
    EXPECT_EQ(create({4, 4}, all), Error::none);
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
}

TEST(Gpu, RunsOutOfPictures) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture made[3];
    for (GpuPicture& picture : made) {
        Result<GpuPicture> const created = machine.create(8, 8);
        ASSERT_TRUE(created.ok());
        picture = *created;
    }
    EXPECT_NE(made[0].id, made[1].id);
    EXPECT_EQ(machine.create(8, 8).error(), Error::pictures_used_up);
    EXPECT_EQ(machine.destroy(made[1]), Error::none);
    EXPECT_EQ(machine.destroy(made[1]), Error::no_such_picture);
    Result<GpuPicture> const again = machine.create(8, 8);
    ASSERT_TRUE(again.ok());
    EXPECT_NE(again->id, made[1].id);
    EXPECT_EQ(machine.flush(made[1], {0, 0, 1, 1}), Error::no_such_picture);
    EXPECT_EQ(machine.flush(GpuPicture{}, {0, 0, 1, 1}), Error::no_such_picture);
}

TEST(Gpu, DestroysInTheRightOrder) {
    GpuMachine<> machine{two_displays()};
    machine.bring_up();
    GpuPicture const picture = machine.shown(8, 8);
    GpuPicture const other = machine.shown(8, 8);
    sim::Buffer const memory = machine.pixels;
    EXPECT_TRUE(machine.driver.show(1, other, machine.patience, machine.stepping()).ok());
    static_cast<void>(machine.gpu.take_commands());
    EXPECT_EQ(machine.destroy(picture), Error::none);  // display 0 shows the other one
    EXPECT_EQ(machine.gpu.take_commands(), (Commands{wire::detach_backing, wire::resource_unref}));
    EXPECT_EQ(machine.destroy(other), Error::none);
    EXPECT_EQ(machine.gpu.take_commands(),
              (Commands{wire::set_scanout, wire::set_scanout, wire::detach_backing, wire::resource_unref}));
    machine.memory.free_buffer(memory);  // the device would report it
    EXPECT_EQ(machine.gpu.resources(), 0u);
}

TEST(Gpu, WaitsForFlushesBeforeItDestroys) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(8, 8);
    machine.gpu.hold();
    EXPECT_TRUE(machine.driver.submit_flush(picture, picture.whole(), Token{7}).ok());
    EXPECT_TRUE(machine.driver.hide(0, PollLimit{0}).error() == Error::timed_out);
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    machine.gpu.release();

    Result<GpuPicture> const second = machine.create(8, 8);
    ASSERT_TRUE(second.ok());
    EXPECT_TRUE(machine.driver.submit_flush(*second, second->whole(), Token{8}).ok());
    machine.gpu.hold();
    static_cast<void>(machine.gpu.take_commands());
    EXPECT_EQ(machine.driver.destroy(*second, PollLimit{5}, machine.stepping()).error(), Error::queue_full);
    EXPECT_EQ(machine.driver.last_error(), Error::queue_full);
    EXPECT_EQ(machine.gpu.take_commands(), Commands{});  // the memory is the device's
    unsigned steps = 0;
    auto const late = [&] {
        machine.device.step();
        ++steps == 5 ? machine.gpu.release() : void();
    };
    EXPECT_TRUE(machine.driver.destroy(*second, machine.patience, late).ok());
    EXPECT_EQ(machine.gpu.take_commands(),
              (Commands{wire::transfer_to_host_2d, wire::resource_flush, wire::detach_backing, wire::resource_unref}));
    machine.expect_ended(8);
}

TEST(Gpu, KeepsAPictureThatCannotBeDestroyed) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(8, 8);
    machine.gpu.answer_wrongly({.type = wire::err_out_of_memory});
    EXPECT_EQ(machine.destroy(picture), Error::device_out_of_memory);  // set_scanout
    EXPECT_EQ(machine.flush(picture, picture.whole()), Error::none);
    EXPECT_TRUE(machine.driver.hide(0, machine.patience, machine.stepping()).ok());
    machine.gpu.answer_wrongly({.type = wire::err_unspec});
    EXPECT_EQ(machine.destroy(picture), Error::command_refused);  // detach_backing
    EXPECT_EQ(machine.flush(picture, picture.whole()), Error::none);
    static_cast<void>(machine.gpu.take_commands());
    unsigned steps = 0;
    auto const refuse_second = [&] {
        steps++ == 1 ? machine.gpu.answer_wrongly({.type = wire::err_unspec}) : void();
        machine.device.step();
    };
    EXPECT_EQ(machine.driver.destroy(picture, machine.patience, refuse_second).error(), Error::command_refused);
    machine.memory.free_buffer(machine.pixels);  // detached
    EXPECT_EQ(machine.destroy(picture), Error::none);
    EXPECT_EQ(machine.gpu.take_commands(),
              (Commands{wire::detach_backing, wire::resource_unref, wire::resource_unref}));
}

TEST(Gpu, GivesTheMemoryBackIfCreatingFails) {
    GpuMachine<BouncingGpu> machine;
    machine.bring_up();
    machine.gpu.answer_wrongly({.type = wire::err_out_of_memory});
    EXPECT_EQ(machine.create(8, 8).error(), Error::device_out_of_memory);
    EXPECT_TRUE(machine.mapper.mapped.empty());
    unsigned steps = 0;
    auto const refuse_memory = [&] {
        steps++ == 1 ? machine.gpu.answer_wrongly({.type = wire::err_out_of_memory}) : void();
        machine.device.step();
    };
    auto const memory = machine.paint(8, 8);
    static_cast<void>(machine.gpu.take_commands());
    EXPECT_EQ(machine.driver.create({8, 8}, memory, machine.patience, refuse_memory).error(),
              Error::device_out_of_memory);
    EXPECT_EQ(machine.gpu.take_commands(),
              (Commands{wire::resource_create_2d, wire::attach_backing, wire::resource_unref}));
    EXPECT_TRUE(machine.mapper.mapped.empty());
    EXPECT_EQ(machine.gpu.resources(), 0u);
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(machine.create(8, 8).ok());  // no record was lost
    }
}

// The device accepted the memory and answered something else. If it does not destroy the resource, only a reset helps.
TEST(Gpu, KeepsMemoryThatTheDeviceMayHave) {
    GpuMachine<BouncingGpu> machine;
    machine.bring_up();
    unsigned steps = 0;
    auto const wrong = [&] {
        steps != 0 ? machine.gpu.answer_wrongly({.type = steps == 1 ? wire::ok_edid : wire::err_unspec}) : void();
        ++steps;
        machine.device.step();
    };
    auto const memory = machine.paint(8, 8);
    EXPECT_EQ(machine.driver.create({8, 8}, memory, machine.patience, wrong).error(), Error::reset_needed);
    EXPECT_EQ(machine.mapper.mapped.size(), 1u);
    machine.expect_fault(DriverReason::gpu_answer_unexpected, wire::ok_edid);
    EXPECT_EQ(machine.create(8, 8).error(), Error::reset_needed);
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_TRUE(machine.mapper.mapped.empty());
    EXPECT_TRUE(machine.create(8, 8).ok());
}

TEST(Gpu, MapsEachPieceOnce) {
    GpuMachine<BouncingGpu> machine;
    machine.bring_up();
    Result<GpuPicture> const picture = machine.create(8, 8, 100);
    ASSERT_TRUE(picture.ok());
    EXPECT_EQ(machine.mapper.mapped.size(), 3u);
    EXPECT_TRUE(machine.driver.show(0, *picture, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.flush(*picture, picture->whole()), Error::none);
    EXPECT_EQ(machine.gpu.pixel(0, 7, 7), machine.colour_of(7, 7));
    EXPECT_EQ(machine.mapper.maps, 3u);
    EXPECT_EQ(machine.destroy(*picture), Error::none);
    EXPECT_TRUE(machine.mapper.mapped.empty());
    machine.mapper.fail_after = 2;
    EXPECT_EQ(machine.create(8, 8, 100).error(), Error::dma_map_failed);
    EXPECT_TRUE(machine.mapper.mapped.empty());
    machine.mapper.fail_after = std::nullopt;
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(machine.create(8, 8).ok());
    }
}

TEST(Gpu, ForgetsPicturesInAReset) {
    GpuMachine<BouncingGpu> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(8, 8);
    EXPECT_EQ(machine.mapper.mapped.size(), 1u);
    EXPECT_TRUE(machine.driver.submit_flush(picture, picture.whole(), Token{1}).ok());
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_TRUE(machine.mapper.mapped.empty());
    machine.memory.free_buffer(machine.pixels);
    EXPECT_EQ(machine.flush(picture, picture.whole()), Error::no_such_picture);
    EXPECT_EQ(machine.destroy(picture), Error::no_such_picture);
    GpuPicture const again = machine.shown(8, 8);
    EXPECT_NE(again.id, picture.id);
    EXPECT_EQ(machine.flush(again, again.whole()), Error::none);
    EXPECT_EQ(machine.driver.display_count(), 1u);
}

// --- several flushes ---

TEST(Gpu, HasSeveralFlushesInFlight) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    EXPECT_TRUE(machine.driver.submit_flush(picture, {0, 0, 1, 1}, Token{1}).ok());
    EXPECT_TRUE(machine.driver.submit_flush(picture, {1, 0, 1, 1}, Token{2}).ok());
    EXPECT_EQ(machine.driver.in_flight(), 4u);
    EXPECT_EQ(machine.driver.submit_flush(picture, {2, 0, 1, 1}, Token{3}).error(), Error::queue_full);
    EXPECT_EQ(machine.driver.last_error(), Error::queue_full);
    EXPECT_TRUE(machine.driver.kick_device());
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);
    machine.gpu.let_pass(3);
    machine.device.step();
    machine.expect_ended(1);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);  // the second is only transferred
    EXPECT_EQ(machine.driver.submit_flush(picture, {3, 0, 1, 1}, Token{4}).error(), Error::none);
    machine.driver.kick_device();
    machine.gpu.release();
    machine.device.step();
    machine.expect_ended(2);
    machine.expect_ended(4);
    EXPECT_EQ(machine.gpu.pixel(0, 0, 0), machine.colour_of(0, 0));
    EXPECT_EQ(machine.gpu.pixel(0, 3, 0), machine.colour_of(3, 0));
    EXPECT_EQ(machine.driver.in_flight(), 0u);
}

TEST(Gpu, KeepsCompletionsThatABlockingCallCollects) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    EXPECT_TRUE(machine.driver.submit_flush(picture, {0, 0, 1, 1}, Token{1}).ok());
    EXPECT_EQ(machine.flush(picture, {1, 0, 1, 1}), Error::none);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::no);
    machine.expect_ended(1);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
    machine.driver.disable_used_notifications();
}

// A flush takes two of the four slots.
TEST(Gpu, SubmitsNoHalfOfAFlush) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    unsigned calls = 0;
    auto const submit = [&] {
        if (++calls == 1) {  // one slot is that of `display`
            EXPECT_TRUE(machine.driver.submit_flush(picture, {0, 0, 1, 1}, Token{1}).ok());
            EXPECT_EQ(machine.driver.submit_flush(picture, {1, 0, 1, 1}, Token{2}).error(), Error::queue_full);
            EXPECT_EQ(machine.driver.in_flight(), 3u);
            machine.driver.kick_device();
        }
        machine.device.step();
    };
    EXPECT_TRUE(machine.driver.display(0, machine.patience, submit).ok());
    machine.device.step();
    machine.expect_ended(1);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);
    EXPECT_TRUE(machine.driver.submit_flush(picture, {0, 0, 1, 1}, Token{3}).ok());
    EXPECT_TRUE(machine.driver.submit_flush(picture, {1, 0, 1, 1}, Token{4}).ok());  // no slot was lost
}

TEST(Gpu, WaitsForASlot) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    EXPECT_TRUE(machine.driver.submit_flush(picture, {0, 0, 1, 1}, Token{1}).ok());
    EXPECT_TRUE(machine.driver.submit_flush(picture, {1, 0, 1, 1}, Token{2}).ok());
    EXPECT_EQ(machine.driver.submit_flush(picture, {2, 0, 1, 1}, Token{3}).error(), Error::queue_full);
    EXPECT_EQ(machine.driver.last_error(), Error::queue_full);
    EXPECT_TRUE(machine.driver.display(0, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.driver.last_error(), Error::none);
    machine.expect_ended(1);
    machine.expect_ended(2);
}

TEST(Gpu, EndsAFlushWithItsFirstError) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    machine.gpu.answer_wrongly({.type = wire::err_unspec});
    EXPECT_EQ(machine.flush(picture, picture.whole()), Error::command_refused);
    EXPECT_EQ(machine.driver.in_flight(), 0u);
    machine.gpu.answer_wrongly({.type = wire::err_invalid_resource_id});
    EXPECT_TRUE(machine.driver.submit_flush(picture, {0, 0, 1, 1}, Token{1}).ok());
    machine.driver.kick_device();
    machine.device.step();
    machine.expect_ended(1, Error::command_refused);
    EXPECT_FALSE(machine.driver.driver_fault());
}

// A relax hook may use the driver: the one long command is not overwritten.
TEST(Gpu, CreatesAPictureWhileItCreatesOne) {
    GpuMachine<> machine;
    machine.bring_up();
    auto const first_memory = machine.paint(8, 8, 100);
    auto const second_memory = machine.paint(4, 4);
    machine.gpu.let_pass(1);
    unsigned turns = 0;
    std::optional<Result<GpuPicture>> second;
    auto const inner = [&] {
        machine.device.step();
        if (++turns == 3) {  // the device holds the command that attaches memory
            machine.gpu.release();
            second = machine.driver.create({4, 4}, second_memory, machine.patience, machine.stepping());
        }
    };
    Result<GpuPicture> const first = machine.driver.create({8, 8}, first_memory, machine.patience, inner);
    ASSERT_TRUE(first.ok()) << describe(first.error());
    ASSERT_TRUE(second && second->ok());
    EXPECT_EQ(machine.flush(*first, first->whole()), Error::none);
    EXPECT_EQ(machine.flush(**second, (*second)->whole()), Error::none);
}

// The list of the first picture's memory is needed until the device has read it.
TEST(Gpu, AttachesOneMemoryAtATime) {
    GpuMachine<> machine;
    machine.bring_up();
    auto const first_memory = machine.paint(8, 8, 100);
    auto const second_memory = machine.paint(4, 4);
    std::optional<Error> second;
    machine.gpu.let_pass(1);
    unsigned turns = 0;
    auto const inner = [&] {
        machine.device.step();
        if (++turns == 3) {
            second = machine.driver.create({4, 4}, second_memory, PollLimit{6}, machine.stepping()).error();
            EXPECT_EQ(machine.driver.last_error(), Error::queue_full);
            machine.gpu.release();
        }
    };
    Result<GpuPicture> const first = machine.driver.create({8, 8}, first_memory, machine.patience, inner);
    EXPECT_EQ(second, Error::queue_full);
    ASSERT_TRUE(first.ok()) << describe(first.error());
    EXPECT_EQ(machine.flush(*first, first->whole()), Error::none);
    EXPECT_TRUE(machine.create(4, 4).ok());
}

// --- the cursor ---

TEST(Gpu, SetsAndMovesTheCursor) {
    GpuMachine<> machine{two_displays()};
    machine.bring_up();
    Result<GpuPicture> const arrow = machine.create(64, 64);
    ASSERT_TRUE(arrow.ok());
    EXPECT_TRUE(machine.driver.transfer(*arrow, arrow->whole(), machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.gpu.take_pixels(), (Pixels{4096, 0}));
    EXPECT_TRUE(machine.driver.set_cursor(0, *arrow, {100, 50}, {3, 4}).ok());
    machine.device.step();
    EXPECT_EQ(machine.gpu.cursor(), (sim::GpuCursor{0, 100, 50, arrow->id, 3, 4}));
    EXPECT_TRUE(machine.driver.move_cursor(0, {101, 51}).ok());
    machine.device.step();
    EXPECT_EQ(machine.gpu.cursor(), (sim::GpuCursor{0, 101, 51, arrow->id, 3, 4}));
    EXPECT_TRUE(machine.driver.move_cursor(1, {7, 8}).ok());
    machine.device.step();
    EXPECT_EQ(machine.gpu.cursor().resource, 0u);  // there is no cursor on this display
    EXPECT_TRUE(machine.driver.hide_cursor(1).ok());
    machine.device.step();
    EXPECT_EQ(machine.gpu.cursor().resource, 0u);
}

TEST(Gpu, RejectsInvalidCursors) {
    GpuMachine<> machine;
    machine.bring_up();
    Result<GpuPicture> const narrow = machine.create(63, 64);
    Result<GpuPicture> const low = machine.create(64, 63);
    Result<GpuPicture> const right = machine.create(64, 64);
    ASSERT_TRUE(narrow.ok() && low.ok() && right.ok());
    EXPECT_EQ(machine.driver.set_cursor(0, *narrow, {}).error(), Error::picture_invalid);
    EXPECT_EQ(machine.driver.set_cursor(0, *low, {}).error(), Error::picture_invalid);
    EXPECT_EQ(machine.driver.set_cursor(0, *right, {}, {64, 0}).error(), Error::rectangle_outside);
    EXPECT_EQ(machine.driver.set_cursor(0, *right, {}, {0, 64}).error(), Error::rectangle_outside);
    EXPECT_EQ(machine.driver.set_cursor(0, {}, {}).error(), Error::no_such_picture);
    EXPECT_EQ(machine.driver.set_cursor(0, *right, {}).error(), Error::picture_invalid);  // not transferred
    EXPECT_TRUE(machine.driver.transfer(*right, right->whole(), machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.driver.set_cursor(1, *right, {}).error(), Error::no_such_display);
    EXPECT_TRUE(machine.driver.set_cursor(0, *right, {}).ok());
}

TEST(Gpu, MovesTheCursorUntilItsQueueIsFull) {
    GpuMachine<> machine;
    machine.bring_up();
    machine.gpu.hold(sim::GpuDevice::cursor_queue);
    for (std::uint32_t i = 0; i < 8; ++i) {
        EXPECT_TRUE(machine.driver.move_cursor(0, {i, i}).ok());
    }
    EXPECT_EQ(machine.driver.move_cursor(0, {9, 9}).error(), Error::queue_full);
    machine.gpu.release(sim::GpuDevice::cursor_queue);
    machine.device.step();
    EXPECT_TRUE(machine.driver.move_cursor(0, {10, 10}).ok());
    machine.device.step();
    EXPECT_EQ(machine.gpu.cursor().x, 10u);
}

// --- changes ---

TEST(Gpu, NoticesThatADisplayChanged) {
    GpuMachine<> machine;
    machine.bring_up();
    EXPECT_FALSE(machine.driver.on_config_change().value());
    machine.device.change_config([&] { machine.gpu.resize(0, {{0, 0, 1024, 768}}); });
    EXPECT_TRUE(machine.transport.on_interrupt().config_change);
    EXPECT_TRUE(machine.driver.on_config_change().value());
    EXPECT_EQ(machine.gpu.pending_events(), 0u);
    EXPECT_FALSE(machine.driver.on_config_change().value());
    Result<GpuDisplay> const now = machine.driver.display(0, machine.patience, machine.stepping());
    ASSERT_TRUE(now.ok());
    EXPECT_EQ(now->rect, (GpuRect{0, 0, 1024, 768}));
    machine.device.unsettle_config();
    EXPECT_EQ(machine.driver.on_config_change().error(), Error::config_unstable);
    machine.device.unsettle_config(0);
    machine.device.need_reset();
    EXPECT_EQ(machine.driver.on_config_change().error(), Error::reset_needed);
}

TEST(Gpu, ReportsAShortConfiguration) {
    sim::GuestMemory memory;
    sim::GpuDevice host{memory};
    sim::MmioDevice device{memory, host};
    MeasuredTransport transport;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    GpuDevice<MeasuredTransport, 4> driver;
    transport.config_bytes = 11;
    EXPECT_EQ(driver.init(transport, memory).error(), Error::config_too_short);
    transport.config_bytes = 12;
    EXPECT_TRUE(driver.init(transport, memory).ok());
    EXPECT_TRUE(driver.release(memory).ok());
}

TEST(Gpu, IsNotUsableBeforeInit) {
    GpuMachine<> machine;
    std::uint8_t byte = 0;
    EXPECT_EQ(machine.driver.display_count(), 0u);
    EXPECT_EQ(machine.driver.display(0, PollLimit{1}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.edid(0, byte, PollLimit{1}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.hide(0, PollLimit{1}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.destroy({}, PollLimit{1}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.move_cursor(0, {}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.on_config_change().error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::broken);
    machine.driver.disable_used_notifications();
    EXPECT_FALSE(machine.driver.kick_device());
}

}  // namespace
}  // namespace virtq::test
