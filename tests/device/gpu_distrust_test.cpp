// SPDX-License-Identifier: MIT
#include <virtq/device/gpu.hpp>

#include <device/gpu_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

/// A GPU that answers what the standard does not permit.
namespace virtq::test {
namespace {

namespace wire = sim::wire::gpu;

template <class Machine>
[[nodiscard]] Error ask_display(Machine& machine) {
    return machine.driver.display(0, machine.patience, machine.stepping()).error();
}
[[nodiscard]] Error ask_edid(GpuMachine<>& machine) {
    std::vector<std::uint8_t> edid(1024);
    return machine.driver.edid(0, edid, machine.patience, machine.stepping()).error();
}

TEST(GpuDistrust, RejectsShortAnswers) {
    for (std::uint32_t const length : {0u, 1u, 23u, 24u, 407u}) {
        GpuMachine<> machine;
        machine.bring_up();
        machine.gpu.answer_wrongly({.used_length = length});
        EXPECT_EQ(ask_display(machine), Error::answer_invalid) << length;
        machine.expect_fault(DriverReason::gpu_answer_short, length);
        EXPECT_EQ(ask_display(machine), Error::none);  // the next one is right
    }
    for (std::uint32_t const length : {0u, 24u, 31u}) {
        GpuMachine<> machine;
        machine.bring_up();
        machine.gpu.answer_wrongly({.used_length = length});
        EXPECT_EQ(ask_edid(machine), Error::answer_invalid) << length;
        machine.expect_fault(DriverReason::gpu_answer_short, length);
    }
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(8, 8);
    machine.gpu.answer_wrongly({.used_length = 23});
    EXPECT_EQ(machine.flush(picture, picture.whole()), Error::answer_invalid);
    machine.expect_fault(DriverReason::gpu_answer_short, 23);
}

// What is not in the answer is no error, either.
TEST(GpuDistrust, ReadsNoErrorFromAShortAnswer) {
    GpuMachine<> machine;
    machine.bring_up();
    machine.gpu.answer_wrongly({.type = wire::err_unspec, .used_length = 23});
    EXPECT_EQ(ask_display(machine), Error::answer_invalid);
    machine.expect_fault(DriverReason::gpu_answer_short, 23);
}

TEST(GpuDistrust, RejectsAnswersOfAnotherType) {
    for (std::uint32_t const type : {0u, wire::get_display_info, wire::ok_nodata, wire::ok_edid, 0x1106u, 0x11ffu,
                                     0x1206u, 0xffffffffu, 0x01001101u}) {
        GpuMachine<> machine;
        machine.bring_up();
        machine.gpu.answer_wrongly({.type = type, .used_length = 408});
        EXPECT_EQ(ask_display(machine), Error::answer_invalid) << type;
        machine.expect_fault(DriverReason::gpu_answer_unexpected, type);
        EXPECT_EQ(ask_display(machine), Error::none);
    }
}

TEST(GpuDistrust, RejectsTheFenceOfAnother) {
    sim::GpuWrongAnswer const answers[] = {{.fence = 1000},
                                           {.drops_fence_flag = true},
                                           {.fence = 0},
                                           {.fence = 0x100000001},
                                           {.type = wire::err_out_of_memory, .fence = 1000}};
    for (sim::GpuWrongAnswer const& wrong : answers) {
        GpuMachine<> machine;
        machine.bring_up();
        machine.gpu.answer_wrongly(wrong);
        EXPECT_EQ(ask_display(machine), Error::answer_invalid);
        std::uint32_t const right = 1;  // the first fence
        machine.expect_fault(DriverReason::gpu_fence_unknown, static_cast<std::uint32_t>(wrong.fence.value_or(right)));
        EXPECT_EQ(ask_display(machine), Error::none);
    }
}

TEST(GpuDistrust, MapsErrors) {
    struct Row {
        std::uint32_t type;
        Error error;
    };
    for (Row const& row :
         {Row{wire::err_unspec, Error::command_refused}, Row{wire::err_out_of_memory, Error::device_out_of_memory},
          Row{wire::err_invalid_scanout_id, Error::command_refused},
          Row{wire::err_invalid_resource_id, Error::command_refused},
          Row{0x1204, Error::command_refused},  // ERR_INVALID_CONTEXT_ID
          Row{wire::err_invalid_parameter, Error::command_refused}}) {
        GpuMachine<> machine;
        machine.bring_up();
        machine.gpu.answer_wrongly({.type = row.type});
        EXPECT_EQ(ask_display(machine), row.error) << row.type;
        EXPECT_FALSE(machine.driver.driver_fault());
        EXPECT_EQ(ask_display(machine), Error::none);
    }
}

TEST(GpuDistrust, UsesAtMostSixteenDisplays) {
    struct Row {
        std::uint32_t stated;
        std::uint32_t used;
    };
    for (Row const& row : {Row{0, 1}, Row{1, 1}, Row{16, 16}, Row{17, 16}, Row{0xffffffff, 16}}) {
        GpuMachine<> machine{{.stated_scanouts = row.stated}};
        machine.bring_up();
        EXPECT_EQ(machine.driver.display_count(), row.used);
        EXPECT_EQ(machine.driver.driver_fault().reason == DriverReason::gpu_display_count, row.stated != row.used);
        EXPECT_EQ(machine.driver.driver_fault().value, row.stated != row.used ? row.stated : 0);
        Result<GpuDisplay> const last = machine.driver.display(row.used - 1, machine.patience, machine.stepping());
        EXPECT_TRUE(last.ok());
    }
}

TEST(GpuDistrust, RejectsInvalidDisplaySizes) {
    struct Row {
        std::uint32_t width;
        std::uint32_t height;
        std::uint32_t value;
    };
    for (Row const& row : {Row{0, 0, 0}, Row{640, 0, 0}, Row{0, 480, 0}, Row{65535, 65535, 65535},
                           Row{16385, 1, 16385}, Row{1, 16385, 16385}, Row{0xffffffff, 0xffffffff, 0xffffffff}}) {
        GpuMachine<> machine{{.modes = {{{0, 0, row.width, row.height}}}}};
        machine.bring_up();
        EXPECT_EQ(ask_display(machine), Error::answer_invalid);
        machine.expect_fault(DriverReason::gpu_display_size, row.value);
        machine.gpu.resize(0, {{0, 0, row.width, row.height}, 0});  // off: then its size means nothing
        Result<GpuDisplay> const display = machine.driver.display(0, machine.patience, machine.stepping());
        ASSERT_TRUE(display.ok());
        EXPECT_FALSE(display->is_enabled);
        EXPECT_EQ(display->rect, GpuRect{});  // no kernel computes with such a size
    }
    GpuMachine<> machine{{.modes = {{{0xffffffff, 0xffffffff, 16384, 16384}}}}};
    machine.bring_up();
    EXPECT_EQ(ask_display(machine), Error::none);
}

TEST(GpuDistrust, RejectsEdidsThatDoNotFit) {
    for (std::uint32_t const size : {1025u, 0x10000u, 0xffffffffu, 0xffffffe0u}) {
        GpuMachine<> machine;
        machine.bring_up();
        machine.gpu.answer_wrongly({.edid_size = size});
        EXPECT_EQ(ask_edid(machine), Error::answer_invalid) << size;
        machine.expect_fault(DriverReason::gpu_edid_size, size);
        EXPECT_EQ(ask_edid(machine), Error::none);
    }
    GpuMachine<> machine;
    machine.bring_up();
    machine.gpu.answer_wrongly({.used_length = 41});  // of 10 bytes, one was not written
    EXPECT_EQ(ask_edid(machine), Error::answer_invalid);
    machine.expect_fault(DriverReason::gpu_edid_size, 10);
    machine.gpu.answer_wrongly({.used_length = 42});
    EXPECT_EQ(ask_edid(machine), Error::none);
    machine.gpu.answer_wrongly({.edid_size = 0});
    EXPECT_EQ(ask_edid(machine), Error::none);
    machine.gpu.answer_wrongly({.edid_size = 1024});
    EXPECT_EQ(ask_edid(machine), Error::none);
}

TEST(GpuDistrust, KeepsTheMemoryOfAWrongAnswer) {
    for (std::uint32_t const type : {wire::err_unspec, wire::ok_edid}) {
        GpuMachine<BouncingGpu> machine;
        machine.bring_up();
        GpuPicture const picture = machine.shown(8, 8);
        EXPECT_TRUE(machine.driver.hide(0, machine.patience, machine.stepping()).ok());
        machine.gpu.answer_wrongly({.type = type});  // detach_backing
        EXPECT_EQ(machine.destroy(picture), type == wire::ok_edid ? Error::answer_invalid : Error::command_refused);
        EXPECT_EQ(machine.mapper.mapped.size(), 1u);
        EXPECT_EQ(machine.gpu.resources(), 1u);
        EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
        EXPECT_TRUE(machine.mapper.mapped.empty());
    }
}

TEST(GpuDistrust, StopsAtABrokenRing) {
    GpuMachine<> machine;
    machine.is_hostile = true;
    machine.bring_up();
    GpuPicture const picture = machine.shown(8, 8);
    EXPECT_TRUE(machine.driver.submit_flush(picture, picture.whole(), Token{1}).ok());
    machine.device.ring(0)->put_used_raw(300, 0);
    machine.device.ring(0)->flush_used();
    EXPECT_EQ(machine.flush(picture, picture.whole()), Error::queue_broken);
    EXPECT_EQ(machine.driver.submit_flush(picture, picture.whole(), Token{2}).error(), Error::reset_needed);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::broken);
    unsigned handed = 0;
    EXPECT_TRUE(machine.driver
                    .reset([&](RequestCompletion const& ended) {
                        EXPECT_EQ(ended.token, Token{1});
                        EXPECT_EQ(ended.error, Error::request_cancelled);
                        ++handed;
                    })
                    .ok());
    EXPECT_EQ(handed, 1u);
    GpuPicture const again = machine.shown(8, 8);
    EXPECT_EQ(machine.flush(again, again.whole()), Error::none);
}

// The driver finds the violation while it waits for a slot of its own.
TEST(GpuDistrust, SendsNothingIntoABrokenRing) {
    GpuMachine<> machine;
    machine.is_hostile = true;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    for (std::uint32_t i = 0; i < 2; ++i) {
        EXPECT_TRUE(machine.driver.submit_flush(picture, {i, 0, 1, 1}, Token{i}).ok());
    }
    machine.driver.kick_device();
    machine.gpu.let_pass(2);
    machine.device.step();  // the first flush has ended, and so there is a slot
    machine.device.ring(0)->put_used_raw(300, 0);
    machine.device.ring(0)->flush_used();
    EXPECT_EQ(ask_display(machine), Error::reset_needed);
    EXPECT_EQ(machine.driver.in_flight(), 2u);  // what the device has
    machine.gpu.release();
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_EQ(ask_display(machine), Error::none);
}

// The device answers resource_create_2d, and breaks the ring behind that.
TEST(GpuDistrust, AttachesNoMemoryInABrokenRing) {
    GpuMachine<BouncingGpu> machine;
    machine.is_hostile = true;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    machine.gpu.let_pass(1);
    auto const breaking = [&] {
        EXPECT_TRUE(machine.driver.submit_flush(picture, {0, 0, 1, 1}, Token{1}).ok());
        machine.driver.kick_device();
        machine.device.step();
        machine.device.ring(0)->put_used_raw(300, 0);
        machine.device.ring(0)->flush_used();
    };
    auto const memory = machine.paint(8, 8);
    static_cast<void>(machine.gpu.take_commands());
    EXPECT_EQ(machine.driver.create({8, 8}, memory, machine.patience, breaking).error(), Error::reset_needed);
    EXPECT_EQ(machine.gpu.take_commands(), std::vector<std::uint32_t>{wire::resource_create_2d});
    machine.gpu.release();
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_TRUE(machine.mapper.mapped.empty());
    EXPECT_TRUE(machine.create(8, 8).ok());
}

TEST(GpuDistrust, StopsAtABrokenCursorRing) {
    GpuMachine<> machine;
    machine.is_hostile = true;
    machine.bring_up();
    machine.gpu.hold(sim::GpuDevice::cursor_queue);
    EXPECT_TRUE(machine.driver.move_cursor(0, {1, 1}).ok());
    machine.device.ring(1)->put_used_raw(300, 0);
    machine.device.ring(1)->flush_used();
    EXPECT_EQ(machine.driver.move_cursor(0, {2, 2}).error(), Error::queue_broken);
    EXPECT_EQ(machine.driver.move_cursor(0, {3, 3}).error(), Error::reset_needed);
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_TRUE(machine.driver.move_cursor(0, {4, 4}).ok());
}

}  // namespace
}  // namespace virtq::test
