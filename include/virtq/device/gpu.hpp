// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/config.hpp>
#include <virtq/device/detail/gpu/gpu_commands.hpp>
#include <virtq/device/gpu_types.hpp>
#include <virtq/spec/gpu.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq {

/// A GPU in 2D mode: pictures in the kernel's memory, shown on up to 16 displays. The standard calls a picture a 2D
/// resource, and a display a scanout.
///
/// **Spec** §5.7 (GPU Device), without blobs and without 3D.
/// **Use** `create` a picture of the size that `display` tells, `show` it, draw into its memory, and `flush` what has
/// changed. `Framebuffer` remembers what that is. A console that must not wait uses `submit_flush`, `kick_device` and
/// `take_completed`, and may have several flushes in flight. When the transport reports a configuration change, call
/// `on_config_change`. If the value of its result is true, ask `display` again.
/// **Memory** A picture's memory has at most `Traits::segment_max` segments. The device may read it until `destroy` has
/// returned without an error, or until `reset` or `release`. So a mapper maps it once, in `create`: a mapper with bounce
/// buffers, or for caches that the device does not see, shows the picture as it was then.
/// **Waiting** The calls with a `poll_limit` wait for the device, and answer only when it has done the work. Errors of all
/// of them: `queue_full`, `answer_invalid`, `command_refused`, `device_out_of_memory`, `timed_out`, `queue_broken`, `device_gone`,
/// `reset_needed`, `not_initialised`, and `request_cancelled`, if `relax` called `reset` or `release`.
/// **Threading** No call takes a lock. `move_cursor` and `hide_cursor` may run concurrently with the other calls, but not
/// with each other, `set_cursor`, `check_alive`, `on_config_change` or `last_error(1)`. The caller serialises all other
/// calls.
/// **Recovery** As of `DriverCore`. `reset` forgets all pictures: afterwards their memory is the kernel's, and they have to
/// be created and shown again.
///
/// ```
/// static virtq::GpuDevice<virtq::MmioTransport<>> gpu;
/// virtq::Status up = gpu.init(transport, pages);
/// virtq::Result<virtq::GpuPicture> screen = gpu.create({640, 480}, memory, virtq::PollLimit{100'000'000});
/// if (screen) up = gpu.show(0, *screen, virtq::PollLimit{100'000'000});
/// if (screen) up = gpu.flush(*screen, {16, 16, 8, 8}, virtq::PollLimit{100'000'000});  // 64 pixels have changed
/// ```
template <class T, uint32_t N = 32, class Traits = GpuTraits>
class GpuDevice : public detail::GpuCommands<GpuDevice<T, N, Traits>, T, N, Traits> {
    using Commands = detail::GpuCommands<GpuDevice, T, N, Traits>;
    using Core = DriverCore<GpuDevice, T>;
    friend Core;
    using typename Commands::Command;
    using typename Commands::Control;
    using typename Commands::Flush;
    using typename Commands::Pictures;
    using Cursor = SlotQueue<N, detail::GpuQueueTraits<Traits>, SlotShape<sizeof(spec::gpu::UpdateCursor), 0>>;
    using Commands::control_;
    using Commands::display_count_;

public:
    static constexpr spec::DeviceId device_type = spec::DeviceId::gpu;  ///< `init` rejects every other type
    using Mapper = typename Traits::Mapper;  ///< makes the memory of pictures visible to the device

    /// The most pages that `init` takes.
    [[__nodiscard__]] static constexpr uint32_t page_count(IndirectOption const& indirect = {}) {
        return Control::page_count(indirect) + Cursor::page_count(indirect);
    }

    // --- displays ---

    /// How many displays there can be, 1 to 16: their numbers are below that. 0 before `init`.
    [[__nodiscard__]] uint32_t display_count() const { return display_count_; }

    /// Asks for a display. If none is enabled, use one anyway, in a size of your own (§5.7.5). Errors: `no_such_display`,
    /// those of waiting.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Result<GpuDisplay> display(uint32_t number, PollLimit poll_limit, R&& relax = R{}) {
        if (Error const error = this->check_number(number); error != Error::none) {
            return error;
        }
        uint32_t polls = 0;
        detail::GpuCommand command{Command::get_display_info};
        command.answer = spec::gpu::Response::ok_display_info;
        command.answer_bytes = command.answer_room = sizeof(spec::gpu::DisplayInfo);
        Status const done = this->ask(command, poll_limit, polls, relax);
        return done ? this->copy_display(number) : Result<GpuDisplay>{done.error()};
    }

    /// Copies the EDID of a display (EDID), at most all of `to`. Returns how many bytes it has, up to 1024. They are the
    /// host's, and may be anything. Errors: `not_supported`, `no_such_display`, those of waiting.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Result<uint32_t> edid(uint32_t number, Span<uint8_t> to, PollLimit poll_limit, R&& relax = R{}) {
        if (Error const error = this->check_number(number); error != Error::none) {
            return error;
        }
        if (!this->negotiated().has(spec::gpu::Feature::edid)) {
            return Error::not_supported;
        }
        uint32_t polls = 0;
        spec::gpu::GetEdid const body{{}, detail::little_endian(number), 0};
        detail::GpuCommand command{Command::get_edid, &body, sizeof body};
        command.answer = spec::gpu::Response::ok_edid;
        command.answer_bytes = offsetof(spec::gpu::Edid, edid);
        command.answer_room = sizeof(spec::gpu::Edid);
        Status const done = this->ask(command, poll_limit, polls, relax);
        return done ? this->copy_edid(to) : Result<uint32_t>{done.error()};
    }

    /// Handles a configuration change: call it when the transport's `on_interrupt` reports one. Returns whether displays
    /// have changed: then ask for them again. Errors: `config_unstable`, `not_initialised`, those of `check_alive`.
    [[__nodiscard__]] Result<bool> on_config_change() {
        if (Status const alive = this->check_alive(); !alive) {
            return alive.error();
        }
        namespace field = spec::gpu::config;
        T& device = this->device();
        uint32_t events = 0;
        auto const read = [&](uint32_t& value) { value = device.read_config32(field::events_read.offset); };
        if (Error const error = read_config(device, events, read); error != Error::none) {
            return error;
        }
        bool const has_changed = (events & spec::gpu::event_display) != 0;
        if (has_changed) {  // before the kernel asks, so that no later change is lost
            device.write_config32(field::events_clear.offset, spec::gpu::event_display);
        }
        return has_changed;
    }

    // --- pictures ---

    /// Makes a picture of the kernel's memory, which has `width * 4` bytes a row. The kernel draws into the memory, and keeps
    /// it until `destroy`. Errors: `picture_invalid`, `pictures_used_up`, `device_out_of_memory`, those of the mapper, those
    /// of waiting. After an error the kernel may free the memory. After `timed_out`, `queue_broken`, `device_gone` and
    /// `reset_needed` it may do so only when `reset` has returned.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Result<GpuPicture> create(GpuShape const& shape, Span<Segment const> memory,
                                                PollLimit poll_limit, R&& relax = R{}) {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        if (!Pictures::fits(shape, memory)) {
            return Error::picture_invalid;
        }
        Result<GpuPicture> const picture = control_.pictures.add(shape, memory);
        if (!picture) {
            return picture;
        }
        Status const made = this->make(*picture, shape, memory, poll_limit, relax);
        return made ? picture : Result<GpuPicture>{made.error()};
    }

    /// Switches off the displays that show a picture, waits for its flushes, takes the memory back from the device, and
    /// destroys the picture. Meanwhile no other call accepts it, also not in `relax`. After success the memory is the
    /// kernel's. Errors: `no_such_picture`, those of waiting; `queue_full` if its flushes did not end within the poll limit,
    /// or if this is `relax` of a `destroy` of the same picture. After an error, call it again, or `reset`: the device may
    /// still have the memory.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status destroy(GpuPicture const& picture, PollLimit poll_limit, R&& relax = R{}) {
        return this->unmake(picture, poll_limit, relax);
    }

    /// Shows a picture on a display (SET_SCANOUT), from its upper left corner on. What the display showed before is not shown
    /// any more. Nothing is seen before the first `flush`. QEMU refuses less than 16 by 16 pixels. Errors: those of showing
    /// a part.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status show(uint32_t display, GpuPicture const& picture, PollLimit poll_limit, R&& relax = R{}) {
        return show(display, picture, picture.whole(), poll_limit, relax);
    }
    /// Shows a part of a picture: displays may show different parts of one, or the same. Errors: `no_such_display`,
    /// `no_such_picture`, `rectangle_outside`, those of waiting.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status show(uint32_t display, GpuPicture const& picture, GpuRect const& part,
                                  PollLimit poll_limit, R&& relax = R{}) {
        Error const error = this->check_number(display);
        return error == Error::none ? this->show_now(display, picture, part, poll_limit, relax) : Status{error};
    }
    /// Switches a display off. Errors: `no_such_display`, those of waiting.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status hide(uint32_t display, PollLimit poll_limit, R&& relax = R{}) {
        Error const error = this->check_number(display);
        uint32_t polls = 0;
        return error == Error::none ? this->hide_now(display, poll_limit, polls, relax) : Status{error};
    }

    /// Shows what the kernel has drawn in a rectangle of a picture, and waits until the device has read it. Errors:
    /// `no_such_picture`, `rectangle_outside`, those of waiting.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status flush(GpuPicture const& picture, GpuRect const& rect, PollLimit poll_limit,
                                   R&& relax = R{}) {
        return this->flush_now(picture, rect, Flush::shows, poll_limit, relax);
    }
    /// As `flush`, but nothing is seen yet: for a cursor, and for a picture that is shown later. Errors: those of `flush`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status transfer(GpuPicture const& picture, GpuRect const& rect, PollLimit poll_limit,
                                      R&& relax = R{}) {
        return this->flush_now(picture, rect, Flush::transfers, poll_limit, relax);
    }

    /// Adds a flush. The device sees it after `kick_device`. `token` comes back from `take_completed`: then the device has
    /// read the rectangle. If the kernel draws there before, it flushes again: the device may have read the old pixels.
    /// Errors: `queue_full`: take completions, then try again; `no_such_picture`, `rectangle_outside`, `reset_needed`,
    /// `not_initialised`.
    [[__nodiscard__]] Status submit_flush(GpuPicture const& picture, GpuRect const& rect, Token token) {
        return this->add_flush(picture, rect, Flush::shows, token).error();
    }
    /// Makes all flushes visible that were submitted, and notifies the device if it wants that. Returns whether it did.
    bool kick_device() {
        return this->check_usable() == Error::none && this->notify(spec::gpu::control_queue, control_.publish());
    }
    /// The next flush that has ended, with its token and how it ended. `state` is `none` if none has, and `broken` if none
    /// will; then `error` is why.
    [[__nodiscard__]] RequestCompletion take_completed() { return this->next_completed(control_, this->collect()); }
    /// How many commands the device has: two for each flush.
    [[__nodiscard__]] uint16_t in_flight() const { return control_.in_flight(); }

    /// Asks for an interrupt when a flush has ended; see `VirtQueue`. `no`: take completions first. `broken`: nothing will
    /// come. Off after `init` and `reset`.
    [[__nodiscard__]] MaySleep enable_used_notifications() {
        Error const error = this->check_usable();
        return error == Error::none ? this->enable_notifications(control_) : MaySleep::broken;
    }
    /// Asks for no interrupts, for polling. The device may send some anyway (§2.7.7, §2.8.10).
    void disable_used_notifications() {
        if (this->check_usable() == Error::none) {
            control_.ring().disable_used_notifications();
        }
    }

    // --- the cursor: these calls do not wait, and the device does not answer them ---

    /// Shows a picture of 64 by 64 pixels as the cursor, with its pixel `hot_spot` at `place`. First `transfer` it (§5.7.6.6).
    /// Errors: `no_such_display`, `no_such_picture`, `picture_invalid` for another size and before a transfer has ended,
    /// `rectangle_outside` if `hot_spot` is outside, `queue_full`: try again later; `queue_broken`, `reset_needed`, `not_initialised`.
    [[__nodiscard__]] Status set_cursor(uint32_t display, GpuPicture const& picture, GpuPoint const& place,
                                        GpuPoint const& hot_spot = {}) {
        uint8_t const number = control_.pictures.find(picture);
        if (Error const error = this->check_picture(number); error != Error::none) {
            return error;
        }
        auto const& record = control_.pictures.at(number);
        if (record.width != gpu_cursor_side || record.height != gpu_cursor_side) {
            return Error::picture_invalid;
        }
        if (hot_spot.x >= gpu_cursor_side || hot_spot.y >= gpu_cursor_side) {
            return Error::rectangle_outside;
        }
        if (!record.is_filled) {
            return Error::picture_invalid;
        }
        Status const sent = send_cursor(Command::update_cursor, display, place, picture.id, hot_spot);
        return sent ? note_cursor(display, picture.id) : sent;
    }
    /// Moves the cursor. A lost move does no harm: the next one has the place. Errors: `no_such_display`, `queue_full`,
    /// `queue_broken`, `reset_needed`, `not_initialised`.
    [[__nodiscard__]] Status move_cursor(uint32_t display, GpuPoint const& place) {
        // With its picture: QEMU hides a cursor that is moved without one.
        uint32_t const picture = display < spec::gpu::scanouts_max ? cursor_picture_[display] : 0;
        return send_cursor(Command::move_cursor, display, place, picture, {});
    }
    /// Shows no cursor: sets resource 0, which devices take for none, although the standard does not say so. Errors: those
    /// of `move_cursor`.
    [[__nodiscard__]] Status hide_cursor(uint32_t display) {
        Status const sent = send_cursor(Command::update_cursor, display, {}, 0, {});
        return sent ? note_cursor(display, 0) : sent;
    }

private:
    // --- for `DriverCore` ---

    [[__nodiscard__]] Negotiation wanted_features() const {
        return wanted_of<Traits>(Features::of(spec::gpu::Feature::edid));
    }
    [[__nodiscard__]] Status configure() {
        namespace field = spec::gpu::config;
        T& device = this->device();
        uint32_t count = 0;
        Error error = check_config(device, field::num_scanouts.offset + 4);
        if (error == Error::none) {
            error = read_config(device, count,
                                [&](uint32_t& value) { value = device.read_config32(field::num_scanouts.offset); });
        }
        if (error != Error::none) {
            return error;
        }
        if (count == 0 || count > spec::gpu::scanouts_max) {
            this->blame(DriverReason::gpu_display_count, spec::gpu::control_queue, count);
            count = count == 0 ? 1 : spec::gpu::scanouts_max;
        }
        display_count_ = count;
        return {};
    }
    template <class Visit>
    [[__nodiscard__]] Status visit_queues(Visit visit) {
        Status const visited = visit(spec::gpu::control_queue, control_);
        return visited ? visit(spec::gpu::cursor_queue, cursor_) : visited;
    }
    void on_release() { display_count_ = 0; }

    /// Cursor commands have no room for an answer: drivers in the field give none, and devices count on that.
    [[__nodiscard__]] Status send_cursor(Command type, uint32_t display, GpuPoint const& place, uint32_t id,
                                         GpuPoint const& hot_spot) {
        using detail::little_endian;
        if (Error const error = this->check_number(display); error != Error::none) {
            return error;
        }
        if (this->collect_from(cursor_, [](uint16_t, uint32_t) { return Error::none; }) == CompletionState::broken) {
            return Error::queue_broken;
        }
        uint16_t const slot = cursor_.take_slot(Token{});
        if (slot == Cursor::no_slot) {
            return Error::queue_full;
        }
        spec::gpu::UpdateCursor const body{{little_endian(static_cast<uint32_t>(type)), 0, 0, 0, 0, {}},
                                           {little_endian(display), little_endian(place.x), little_endian(place.y), 0},
                                           little_endian(id),
                                           little_endian(hot_spot.x),
                                           little_endian(hot_spot.y),
                                           0};
        cursor_.put(slot, 0, &body, sizeof body);
        cursor_.abandon(slot);  // its completion frees the slot, and so does an error
        Error const sent = cursor_.send(slot, {sizeof body});
        this->notify(spec::gpu::cursor_queue, cursor_.publish());
        return sent;
    }

    /// The display exists: its command was sent.
    Status note_cursor(uint32_t display, uint32_t picture) {
        cursor_picture_[display] = picture;
        return {};
    }

    Cursor cursor_;
    uint32_t cursor_picture_[spec::gpu::scanouts_max] = {};  ///< the cursor of each display; 0: none
};

}  // namespace virtq
