// SPDX-License-Identifier: MIT
#include <virtq/device/gpu.hpp>

#include <device/gpu_machine.hpp>
#include <support/contract.hpp>

#include <cstdint>
#include <optional>
#include <vector>

/// A picture from `create` to `destroy`, and what may come between.
namespace virtq::test {
namespace {

namespace wire = sim::wire::gpu;
using Commands = std::vector<std::uint32_t>;

/// A relax hook that calls `act` before the device's `at`th step, counted from 1.
template <class Machine, class Act>
[[nodiscard]] auto stepping_with(Machine& machine, unsigned at, Act act) {
    return [&machine, at, act, count = 0u]() mutable {
        if (++count == at) {
            act();
        }
        machine.device.step();
    };
}
/// A relax hook with which the device refuses its `at`th command.
template <class Machine>
[[nodiscard]] auto refusing(Machine& machine, unsigned at, std::uint32_t type = wire::err_unspec) {
    return stepping_with(machine, at, [&machine, type] { machine.gpu.answer_wrongly({.type = type}); });
}

// --- a picture that is being destroyed ---

TEST(GpuLife, RejectsAPictureWithoutMemory) {
    GpuMachine<> machine;
    machine.bring_up();
    Result<GpuPicture> const picture = machine.create(64, 64);
    ASSERT_TRUE(picture.ok());
    EXPECT_EQ(machine.flush(*picture, picture->whole()), Error::none);
    Status const destroyed = machine.driver.destroy(*picture, machine.patience, refusing(machine, 2));
    EXPECT_EQ(destroyed.error(), Error::command_refused);  // resource_unref: the memory is detached
    EXPECT_EQ(machine.driver.submit_flush(*picture, {0, 0, 1, 1}, Token{1}).error(), Error::no_such_picture);
    EXPECT_EQ(machine.flush(*picture, {0, 0, 1, 1}), Error::no_such_picture);
    EXPECT_EQ(machine.driver.show(0, *picture, machine.patience).error(), Error::no_such_picture);
    EXPECT_EQ(machine.driver.set_cursor(0, *picture, {}).error(), Error::no_such_picture);
    EXPECT_EQ(machine.destroy(*picture), Error::none);
    // The next picture gets the record. No answer about the last one is counted for it.
    Result<GpuPicture> const next = machine.create(8, 8);
    ASSERT_TRUE(next.ok());
    EXPECT_EQ(machine.flush(*next, next->whole()), Error::none);
    EXPECT_EQ(machine.destroy(*next), Error::none);
}

TEST(GpuLife, RejectsAPictureThatItDestroys) {
    GpuMachine<> machine;
    machine.bring_up();
    Result<GpuPicture> const picture = machine.create(64, 64);
    ASSERT_TRUE(picture.ok());
    EXPECT_EQ(machine.flush(*picture, picture->whole()), Error::none);
    EXPECT_TRUE(machine.driver.show(0, *picture, machine.patience, machine.stepping()).ok());
    unsigned calls = 0;
    auto const use = [&] {
        ++calls;
        EXPECT_EQ(machine.driver.submit_flush(*picture, {0, 0, 1, 1}, Token{1}).error(), Error::no_such_picture);
        EXPECT_EQ(machine.driver.show(0, *picture, machine.patience).error(), Error::no_such_picture);
        EXPECT_EQ(machine.driver.set_cursor(0, *picture, {}).error(), Error::no_such_picture);
        EXPECT_EQ(machine.destroy(*picture), Error::queue_full);
        EXPECT_EQ(machine.driver.last_error(), Error::queue_full);
        machine.device.step();
    };
    EXPECT_TRUE(machine.driver.destroy(*picture, machine.patience, use).ok());
    EXPECT_EQ(calls, 3u);  // set_scanout, detach_backing, resource_unref
    EXPECT_EQ(machine.destroy(*picture), Error::no_such_picture);
    EXPECT_EQ(machine.driver.in_flight(), 0u);
}

TEST(GpuLife, AcceptsAPictureThatIsNotDestroyed) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(8, 8);
    EXPECT_TRUE(machine.driver.hide(0, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.driver.destroy(picture, machine.patience, refusing(machine, 1)).error(), Error::command_refused);
    EXPECT_EQ(machine.flush(picture, picture.whole()), Error::none);
    EXPECT_EQ(machine.destroy(picture), Error::none);
}

// QEMU below 2.12 refuses to switch display 0 off.
TEST(GpuLife, DestroysAPictureThatStaysShown) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(8, 8);
    static_cast<void>(machine.gpu.take_commands());
    EXPECT_TRUE(machine.driver.destroy(picture, machine.patience, refusing(machine, 1)).ok());
    EXPECT_EQ(machine.gpu.take_commands(), (Commands{wire::set_scanout, wire::detach_backing, wire::resource_unref}));
    EXPECT_EQ(machine.gpu.shown(0).first, 0u);
    machine.memory.free_buffer(machine.pixels);
}

TEST(GpuLife, KeepsThePictureAfterAWrongAnswer) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(8, 8);
    EXPECT_EQ(machine.driver.destroy(picture, machine.patience, refusing(machine, 1, wire::ok_edid)).error(),
              Error::answer_invalid);  // set_scanout
    EXPECT_EQ(machine.flush(picture, picture.whole()), Error::none);
    EXPECT_EQ(machine.destroy(picture), Error::none);
}

// --- what a display shows ---

TEST(GpuLife, RemembersTheLastOfTwoPictures) {
    GpuMachine<> machine;
    machine.bring_up();
    Result<GpuPicture> const first = machine.create(8, 8);
    Result<GpuPicture> const last = machine.create(8, 8);
    ASSERT_TRUE(first.ok() && last.ok());
    std::optional<Status> shown;
    auto show_last = stepping_with(
        machine, 1, [&] { shown = machine.driver.show(0, *last, machine.patience, machine.stepping()); });
    EXPECT_TRUE(machine.driver.show(0, *first, machine.patience, show_last).ok());
    EXPECT_TRUE(shown && shown->ok());
    EXPECT_EQ(machine.gpu.shown(0).first, last->id);
    static_cast<void>(machine.gpu.take_commands());
    EXPECT_EQ(machine.destroy(*first), Error::none);
    EXPECT_EQ(machine.gpu.take_commands(), (Commands{wire::detach_backing, wire::resource_unref}));
    EXPECT_EQ(machine.destroy(*last), Error::none);
    EXPECT_EQ(machine.gpu.take_commands(), (Commands{wire::set_scanout, wire::detach_backing, wire::resource_unref}));
}

TEST(GpuLife, ShowsNoPictureThatWasDestroyedMeanwhile) {
    GpuMachine<> machine;
    machine.bring_up();
    Result<GpuPicture> const picture = machine.create(8, 8);
    ASSERT_TRUE(picture.ok());
    machine.gpu.hold();
    EXPECT_TRUE(machine.driver.submit_flush(*picture, {0, 0, 1, 1}, Token{1}).ok());
    EXPECT_TRUE(machine.driver.submit_flush(*picture, {1, 0, 1, 1}, Token{2}).ok());
    machine.driver.kick_device();
    machine.device.step();  // the queue is full, so `show` waits
    auto destroy = stepping_with(machine, 1, [&] {
        machine.gpu.release();
        machine.device.step();
        machine.expect_ended(1);
        machine.expect_ended(2);
        EXPECT_EQ(machine.destroy(*picture), Error::none);
    });
    EXPECT_EQ(machine.driver.show(0, *picture, machine.patience, destroy).error(), Error::no_such_picture);
    EXPECT_EQ(machine.gpu.shown(0).first, 0u);
}

// --- a picture that is not made ---

TEST(GpuLife, DestroysAPictureThatMayHaveBeenMade) {
    sim::GpuWrongAnswer const answers[] = {{.type = wire::ok_edid}, {.used_length = 23}, {.fence = 1000}};
    for (sim::GpuWrongAnswer const& wrong : answers) {
        GpuMachine<BouncingGpu> machine;
        machine.bring_up();
        machine.gpu.answer_wrongly(wrong);
        EXPECT_EQ(machine.create(8, 8).error(), Error::answer_invalid);
        EXPECT_EQ(machine.gpu.take_commands(), (Commands{wire::resource_create_2d, wire::resource_unref}));
        EXPECT_EQ(machine.gpu.resources(), 0u);
        EXPECT_TRUE(machine.mapper.mapped.empty());
        EXPECT_EQ(machine.driver.check_alive().error(), Error::none);
    }
}

TEST(GpuLife, TakesTheMemoryBackWithTheResource) {
    GpuMachine<BouncingGpu> machine;
    machine.bring_up();
    auto const memory = machine.paint(8, 8);
    EXPECT_EQ(machine.driver.create({8, 8}, memory, machine.patience, refusing(machine, 2, wire::ok_edid)).error(),
              Error::answer_invalid);  // attach_backing; then resource_unref succeeds
    EXPECT_EQ(machine.gpu.resources(), 0u);
    EXPECT_TRUE(machine.mapper.mapped.empty());
    EXPECT_EQ(machine.driver.check_alive().error(), Error::none);
}

// --- trouble in the middle ---

enum class Trouble { reset, release, disappearance, needs_reset, time_out, refusal, wrong_answer };

/// Creates, shows, flushes and destroys a picture, and has trouble at one call of `relax`.
class TroubledLife {
public:
    TroubledLife(Trouble trouble, unsigned at) : trouble_(trouble), at_(at) {
        machine.bring_up();
        memory_ = machine.paint(8, 8, 100);
    }

    /// The first error, if there is one.
    Error live() {
        auto relax = [this] { this->relax(); };
        Result<GpuPicture> const picture = machine.driver.create({8, 8}, memory_, machine.patience, relax);
        if (!picture) {
            return picture.error();
        }
        Error error = machine.driver.show(0, *picture, machine.patience, relax).error();
        if (error == Error::none) {
            error = machine.driver.flush(*picture, {0, 0, 1, 1}, machine.patience, relax).error();
        }
        Error const destroyed = machine.driver.destroy(*picture, machine.patience, relax).error();
        return error == Error::none ? destroyed : error;
    }
    [[nodiscard]] unsigned calls() const { return calls_; }

    GpuMachine<BouncingGpu> machine;

private:
    void relax() {
        if (calls_++ == at_) {
            make_trouble();
        }
        machine.device.step();
    }
    void make_trouble() {
        switch (trouble_) {
            case Trouble::reset: EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok()); break;
            case Trouble::release: EXPECT_TRUE(machine.driver.release(machine.memory).ok()); break;
            case Trouble::disappearance: machine.device.vanish(); break;
            case Trouble::needs_reset: machine.device.need_reset(); break;
            case Trouble::time_out: machine.gpu.hold(); break;
            case Trouble::refusal: machine.gpu.answer_wrongly({.type = wire::err_unspec}); break;
            case Trouble::wrong_answer: machine.gpu.answer_wrongly({.type = wire::ok_edid}); break;
        }
    }

    Trouble trouble_;
    unsigned at_;
    unsigned calls_ = 0;
    std::vector<Segment> memory_;
};

TEST(GpuLife, LosesNoMappingInTrouble) {
    TroubledLife peaceful{Trouble::reset, 1000};
    EXPECT_EQ(peaceful.live(), Error::none);
    EXPECT_TRUE(peaceful.machine.mapper.mapped.empty());
    ASSERT_EQ(peaceful.calls(), 7u);
    for (Trouble const trouble : {Trouble::reset, Trouble::release, Trouble::disappearance, Trouble::needs_reset,
                                  Trouble::time_out, Trouble::refusal, Trouble::wrong_answer}) {
        for (unsigned at = 0; at < peaceful.calls(); ++at) {
            SCOPED_TRACE(::testing::Message() << "trouble " << static_cast<int>(trouble) << ", call " << at);
            TroubledLife life{trouble, at};
            auto& machine = life.machine;
            Error const error = life.live();
            bool const survives = trouble == Trouble::refusal && at == 4;  // the display goes off with the picture
            EXPECT_EQ(error == Error::none, survives) << describe(error);
            EXPECT_EQ(error == Error::timed_out, trouble == Trouble::time_out) << describe(error);
            if (trouble == Trouble::release) {
                EXPECT_TRUE(machine.mapper.mapped.empty());
                machine.bring_up();
            }
            // The mapper asserts that nothing is unmapped twice, and the device that it has no freed memory.
            machine.device.vanish(false);
            machine.gpu.release();
            EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
            EXPECT_TRUE(machine.mapper.mapped.empty());
            machine.memory.free_buffer(machine.pixels);
            GpuPicture const again = machine.shown(8, 8);
            EXPECT_EQ(machine.flush(again, again.whole()), Error::none);
            EXPECT_EQ(machine.destroy(again), Error::none);
        }
    }
}

// While it takes a picture away that it could not make.
TEST(GpuLife, SurvivesAResetWhileItUndoes) {
    GpuMachine<BouncingGpu> machine;
    machine.bring_up();
    auto const memory = machine.paint(8, 8);
    auto const reset = [&] { EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok()); };
    for (unsigned const refused : {1u, 2u}) {  // resource_create_2d, attach_backing
        unsigned count = 0;
        auto const relax = [&] {
            ++count;
            count == refused ? machine.gpu.answer_wrongly({.type = wire::ok_edid}) : void();
            count == refused + 1 ? reset() : void();
            machine.device.step();
        };
        EXPECT_EQ(machine.driver.create({8, 8}, memory, machine.patience, relax).error(), Error::answer_invalid);
        EXPECT_TRUE(machine.mapper.mapped.empty());
        EXPECT_EQ(machine.driver.check_alive().error(), Error::none);
        EXPECT_TRUE(machine.create(8, 8).ok());
    }
}

// --- its parts ---

/// A driver that has only the control queue. A test uses that itself, as no driver does.
struct ControlOnly : detail::GpuCommands<ControlOnly, GpuMachine<>::T, 8, SmallGpu> {
    static constexpr spec::DeviceId device_type = spec::DeviceId::gpu;
    using Mapper = NoMapper;

    [[nodiscard]] Negotiation wanted_features() const { return wanted_of<SmallGpu>({}); }
    [[nodiscard]] Status configure() { return {}; }
    template <class Visit>
    [[nodiscard]] Status visit_queues(Visit visit) {
        return visit(spec::gpu::control_queue, control_);
    }
    using detail::GpuCommands<ControlOnly, GpuMachine<>::T, 8, SmallGpu>::control_;
};

TEST(GpuControl, ReportsBreachesOfItsContract) {
    sim::GuestMemory memory;
    sim::GpuDevice host{memory};
    sim::MmioDevice device{memory, host};
    GpuMachine<>::T transport;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    ControlOnly driver;
    ASSERT_TRUE(driver.init(transport, memory).ok());
    sim::Buffer const buffer = memory.allocate_buffer(64);
    Segment const segment{buffer.phys, 64};
    auto& control = driver.control_;
    Result<GpuPicture> const picture = control.pictures.add({4, 4}, segment);
    ASSERT_TRUE(picture.ok());
    EXPECT_FALSE(control.is_attaching());
    EXPECT_TRUE(control.attach(control.pictures.find(*picture), segment).ok());
    EXPECT_TRUE(control.is_attaching());
    EXPECT_BREACH(control.attach(control.pictures.find(*picture), segment), "list of another picture's");
    EXPECT_TRUE(driver.release(memory).ok());
    ASSERT_TRUE(driver.init(transport, memory).ok());
    device.ring(0)->put_used_raw(300, 0);
    device.ring(0)->flush_used();
    EXPECT_EQ(control.collect([](std::uint16_t, std::uint32_t) { return Error::none; }), CompletionState::broken);
    EXPECT_BREACH(control.ask({spec::gpu::Command::get_display_info}), "cannot be used");
    EXPECT_TRUE(driver.release(memory).ok());
}

/// A table that has given nearly all ids.
struct OldTable : detail::GpuPictureTable<SmallGpu> {
    OldTable() { last_id_ = 0xffff'fffe; }
    void turn_back(std::uint32_t id) { last_id_ = id; }
};

TEST(GpuPictureTable, GivesNoIdInUse) {
    OldTable table;
    Segment const memory{PhysAddr{0x1000}, 64};
    Result<GpuPicture> const last = table.add({4, 4}, memory);
    Result<GpuPicture> const first = table.add({4, 4}, memory);
    ASSERT_TRUE(last.ok() && first.ok());
    EXPECT_EQ(last->id, 0xffff'ffffu);
    EXPECT_EQ(first->id, 1u);  // 0 is no picture
    table.turn_back(0xffff'fffe);
    Result<GpuPicture> const next = table.add({4, 4}, memory);
    ASSERT_TRUE(next.ok());
    EXPECT_EQ(next->id, 2u);
    EXPECT_EQ(table.find(*last), 0u);
    EXPECT_EQ(table.find(*first), 1u);
    EXPECT_EQ(table.find(*next), 2u);
}

}  // namespace
}  // namespace virtq::test
