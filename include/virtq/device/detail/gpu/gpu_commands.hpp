// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/device/detail/gpu/gpu_control.hpp>
#include <virtq/device/driver_core.hpp>
#include <virtq/device/gpu_types.hpp>
#include <virtq/spec/gpu.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// The base of `GpuDevice`: the commands of the control queue (§5.7.6.8), each waited for, and the checks of what the kernel
/// asks and the device answers.
template <class Driver, class T, uint32_t N, class Traits>
class GpuCommands : public DriverCore<Driver, T> {
protected:
    using Command = spec::gpu::Command;
    using Control = GpuControl<N, Traits>;
    using Pictures = typename Control::Pictures;
    using Flush = typename Control::Flush;

    // --- what the kernel asks ---

    [[__nodiscard__]] Error check_number(uint32_t display) const {
        Error const error = this->check_usable();
        return error == Error::none && display >= display_count_ ? Error::no_such_display : error;
    }
    [[__nodiscard__]] Error check_picture(uint8_t number) const {
        Error const error = this->check_usable();
        return error == Error::none && !control_.pictures.is_usable(number) ? Error::no_such_picture : error;
    }
    [[__nodiscard__]] Error check_part(GpuPicture const& picture, GpuRect const& rect) const {
        uint8_t const number = control_.pictures.find(picture);
        Error const error = check_picture(number);
        return error == Error::none && !control_.pictures.has(number, rect) ? Error::rectangle_outside : error;
    }

    // --- what the device answers ---

    CompletionState collect() {
        return this->collect_from(control_, [this](uint16_t slot, uint32_t written) {
            GpuVerdict const verdict = control_.judge(slot, written);
            if (verdict.reason != DriverReason::none) {
                this->blame(verdict.reason, spec::gpu::control_queue, verdict.value);
            }
            return verdict.error;
        });
    }

    /// Display `number` of the last answer, copied and checked.
    [[__nodiscard__]] Result<GpuDisplay> copy_display(uint32_t number) {
        spec::gpu::Display shown;
        auto const at = static_cast<uint32_t>(sizeof(spec::gpu::Header) + number * sizeof shown);
        control_.copy_answer(answered_, at, &shown, sizeof shown);
        GpuDisplay display{{little_endian(shown.r.x), little_endian(shown.r.y), little_endian(shown.r.width),
                            little_endian(shown.r.height)},
                           shown.enabled != 0};
        GpuRect const& rect = display.rect;
        uint32_t const larger = rect.width > rect.height ? rect.width : rect.height;
        if (rect.empty() || larger > gpu_side_max) {
            if (display.is_enabled) {
                this->blame(DriverReason::gpu_display_size, spec::gpu::control_queue, rect.empty() ? 0 : larger);
                return Error::answer_invalid;
            }
            display.rect = {};
        }
        return display;
    }
    /// The EDID of the last answer. Its size is copied and checked before it is used.
    [[__nodiscard__]] Result<uint32_t> copy_edid(Span<uint8_t> to) {
        uint32_t word = 0;
        control_.copy_answer(answered_, offsetof(spec::gpu::Edid, size), &word, sizeof word);
        uint32_t const size = little_endian(word);
        if (size > answer_bytes_ - offsetof(spec::gpu::Edid, edid)) {
            this->blame(DriverReason::gpu_edid_size, spec::gpu::control_queue, size);
            return Error::answer_invalid;
        }
        auto const bytes = static_cast<uint32_t>(to.size() < size ? to.size() : size);
        if (bytes != 0) {
            control_.copy_answer(answered_, offsetof(spec::gpu::Edid, edid), to.data(), bytes);
        }
        return size;
    }

    // --- commands ---

    /// Sends what `send` adds, and waits for it. Then the answer is that of slot `answered_`, up to the next command.
    template <class Send, class R>
    [[__nodiscard__]] Status wait_for(Send send, PollLimit poll_limit, uint32_t& polls, R& relax) {
        uint16_t sent = 0;
        auto const send_one = [&] { return send_if_usable(send, sent); };
        auto const look = [this] { return collect(); };
        Result<uint32_t> const done =
            this->perform(control_, spec::gpu::control_queue, send_one, look, poll_limit, polls, relax);
        answered_ = sent;
        answer_bytes_ = done ? *done : 0;
        return done;
    }
    template <class R>
    [[__nodiscard__]] Status ask(GpuCommand const& command, PollLimit poll_limit, uint32_t& polls, R& relax) {
        return wait_for([&] { return control_.ask(command); }, poll_limit, polls, relax);
    }
    /// Adds SET_SCANOUT: shows a part of a picture. No picture switches the display off.
    [[__nodiscard__]] Result<uint16_t> add_scanout(uint32_t display, GpuPicture const& picture, GpuRect const& part) {
        spec::gpu::SetScanout const body{{}, gpu_rect(part), little_endian(display), little_endian(picture.id)};
        GpuCommand command{Command::set_scanout, &body, sizeof body};
        command.picture = control_.pictures.find(picture);
        command.display = static_cast<uint8_t>(display);
        return control_.ask(command);
    }
    template <class R>
    [[__nodiscard__]] Status show_now(uint32_t display, GpuPicture const& picture, GpuRect const& part,
                                      PollLimit poll_limit, R& relax) {
        uint32_t polls = 0;
        auto const send = [&]() -> Result<uint16_t> {
            Error const error = check_part(picture, part);
            return error == Error::none ? add_scanout(display, picture, part) : Result<uint16_t>{error};
        };
        return wait_for(send, poll_limit, polls, relax);
    }
    template <class R>
    [[__nodiscard__]] Status hide_now(uint32_t display, PollLimit poll_limit, uint32_t& polls, R& relax) {
        return wait_for([&] { return add_scanout(display, {}, {}); }, poll_limit, polls, relax);
    }

    /// Makes a picture that is in the table, and attaches its memory. On an error it is taken out of the table, unless the
    /// device may have the memory: then only a reset does that.
    template <class R>
    [[__nodiscard__]] Status make(GpuPicture const& picture, GpuShape const& shape, Span<Segment const> memory,
                                  PollLimit poll_limit, R& relax) {
        uint32_t polls = 0;
        spec::gpu::ResourceCreate2d const body{{},
                                               little_endian(picture.id),
                                               little_endian(static_cast<uint32_t>(shape.format)),
                                               little_endian(shape.width),
                                               little_endian(shape.height)};
        GpuCommand const command{Command::resource_create_2d, &body, sizeof body};
        // `relax` of one `create` may call another. That may wait, but not for the long command of the first.
        auto const create = [&]() -> Result<uint16_t> {
            return control_.is_attaching() ? control_.refuse(Error::queue_full) : control_.ask(command);
        };
        Status const made = wait_for(create, poll_limit, polls, relax);
        if (!made) {
            if (made.error() == Error::answer_invalid) {  // the device may have made it
                static_cast<void>(tell(Command::resource_unref, picture, poll_limit, polls, relax));
            }
            forget(picture);
            return made;
        }
        auto const attach = [&] { return control_.attach(control_.pictures.find(picture), memory); };
        Status const attached = wait_for(attach, poll_limit, polls, relax);
        if (attached || this->is_stopped() || attached.error() == Error::request_cancelled) {
            return attached;
        }
        // The device has refused the memory. Or it gave a wrong answer, and may have the memory.
        Status const undone = tell(Command::resource_unref, picture, poll_limit, polls, relax);
        if (undone || undone.error() == Error::request_cancelled) {
            forget(picture);
            return attached;
        }
        this->give_up();
        return Error::reset_needed;
    }

    /// Undoes `show`, then `make`. Meanwhile nothing else accepts the picture, also not in `relax`.
    template <class R>
    [[__nodiscard__]] Status unmake(GpuPicture const& picture, PollLimit poll_limit, R& relax) {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        uint8_t const number = control_.pictures.find(picture);
        if (number == gpu_none) {
            return Error::no_such_picture;
        }
        if (control_.pictures.at(number).is_leaving) {  // `relax` of the first `destroy` has called another
            return control_.refuse(Error::queue_full);
        }
        control_.pictures.at(number).is_leaving = true;
        Status const done = take_away(picture, number, poll_limit, relax);
        if (done) {
            control_.pictures.drop(number);
        } else if (done.error() != Error::request_cancelled) {  // then the table is empty, or has others
            control_.pictures.at(number).is_leaving = false;
        }
        return done;
    }

    [[__nodiscard__]] Result<uint16_t> add_flush(GpuPicture const& picture, GpuRect const& rect, Flush how,
                                                 Token token) {
        if (Error const error = check_part(picture, rect); error != Error::none) {
            return error;
        }
        return control_.flush(control_.pictures.find(picture), rect, how, token);
    }
    template <class R>
    [[__nodiscard__]] Status flush_now(GpuPicture const& picture, GpuRect const& rect, Flush how, PollLimit poll_limit,
                                       R& relax) {
        uint32_t polls = 0;
        return wait_for([&] { return add_flush(picture, rect, how, Token{}); }, poll_limit, polls, relax);
    }

    uint32_t display_count_ = 0;
    Control control_;

private:
    /// Also when a queue was full and has become broken. `sent` becomes the slot.
    template <class Send>
    [[__nodiscard__]] Result<uint16_t> send_if_usable(Send const& send, uint16_t& sent) {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        Result<uint16_t> const slot = send();
        sent = slot ? *slot : sent;
        return slot;
    }
    template <class R>
    [[__nodiscard__]] Status tell(Command type, GpuPicture const& picture, PollLimit poll_limit, uint32_t& polls,
                                  R& relax) {
        spec::gpu::ResourceCommand const body{{}, little_endian(picture.id), 0};
        return ask({type, &body, sizeof body}, poll_limit, polls, relax);
    }
    /// Displays off, memory back, picture destroyed. The record stays valid unless the result is `request_cancelled`.
    template <class R>
    [[__nodiscard__]] Status take_away(GpuPicture const& picture, uint8_t number, PollLimit poll_limit, R& relax) {
        auto& record = control_.pictures.at(number);
        uint32_t polls = 0;
        for (uint32_t display = 0; display < display_count_; ++display) {
            bool const is_shown = (record.displays >> display & 1u) != 0;
            Status const hidden = is_shown ? hide_now(display, poll_limit, polls, relax) : Status{};
            // Old versions of QEMU refuse it for display 0, which then goes off with the picture.
            if (!hidden && hidden.error() != Error::command_refused) {
                return hidden;
            }
        }
        if (record.has_memory) {
            if (Status const done = detach(picture, number, poll_limit, polls, relax); !done) {
                return done;
            }
            control_.pictures.drop_memory(number);
        }
        return tell(Command::resource_unref, picture, poll_limit, polls, relax);
    }
    /// Detaches the memory of a picture, as soon as the device has no command any more that flushes or shows it.
    template <class R>
    [[__nodiscard__]] Status detach(GpuPicture const& picture, uint8_t number, PollLimit poll_limit, uint32_t& polls,
                                    R& relax) {
        spec::gpu::ResourceCommand const body{{}, little_endian(picture.id), 0};
        GpuCommand const command{Command::resource_detach_backing, &body, sizeof body};
        auto const send = [&]() -> Result<uint16_t> {
            bool const is_busy = control_.pictures.at(number).in_flight != 0;
            return is_busy ? control_.refuse(Error::queue_full) : control_.ask(command);
        };
        return wait_for(send, poll_limit, polls, relax);
    }
    /// Takes a picture out of the table. After a reset in `relax` it is not there any more.
    void forget(GpuPicture const& picture) {
        if (uint8_t const number = control_.pictures.find(picture); number != gpu_none) {
            control_.pictures.drop(number);
        }
    }

    uint16_t answered_ = 0;      ///< the slot of the last command that was waited for
    uint32_t answer_bytes_ = 0;  ///< what the device wrote there, if that was more than a header
};

}  // namespace virtq::detail
