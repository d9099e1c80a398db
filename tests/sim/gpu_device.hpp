// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/gpu_resource.hpp>
#include <sim/gpu_rule.hpp>
#include <sim/guest_memory.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>

/// A GPU in 2D mode (§5.7). The test looks at its displays, changes their sizes, and holds answers back.
namespace virtq::sim {

/// A display, as the host has it.
struct GpuMode {
    GpuRect rect{};
    uint32_t enabled = 1;
};

struct GpuOptions {
    std::vector<GpuMode> modes{{{0, 0, 640, 480}}};  ///< of each scanout
    bool edid = true;                                ///< VIRTIO_GPU_F_EDID
    uint16_t queue_size_max = 64;
    std::vector<unsigned> features{};           ///< bits of `wire::feature` that it offers for its queues
    std::optional<uint32_t> stated_scanouts{};  ///< num_scanouts, instead of the truth
};

/// How the next answer on controlq differs from the right one.
struct GpuWrongAnswer {
    std::optional<uint32_t> type{};         ///< of the answer; an error means that the command is not executed
    std::optional<uint32_t> used_length{};  ///< instead of what was written
    std::optional<uint64_t> fence{};        ///< fence_id
    bool drops_fence_flag = false;
    std::optional<uint32_t> edid_size{};
};

struct GpuCursor {
    uint32_t scanout = 0;
    uint32_t x = 0;
    uint32_t y = 0;
    uint32_t resource = 0;
    uint32_t hot_x = 0;
    uint32_t hot_y = 0;

    // Not defaulted: no file would emit it if the bodies are compiled apart (`bodies.cpp`), which do not compare.
    friend bool operator==(GpuCursor const& a, GpuCursor const& b) {
        return a.scanout == b.scanout && a.x == b.x && a.y == b.y && a.resource == b.resource && a.hot_x == b.hot_x &&
               a.hot_y == b.hot_y;
    }
};

/// A display shows what was flushed. Commands are executed in the order of the ring, when they complete.
///
/// While a resource has backing memory, the device holds it: giving it back is a violation.
///
/// **Threading** A test may call everything while the device works in another thread.
class GpuDevice final : public DeviceBackend {
public:
    static constexpr uint16_t control_queue = 0;
    static constexpr uint16_t cursor_queue = 1;

    explicit GpuDevice(GuestMemory& memory, GpuOptions options = {})
        : memory_(memory), log_(memory.violations()), options_(std::move(options)), screens_(options_.modes.size()) {}
    ~GpuDevice() override { GpuDevice::reset(); }

    // The displays.

    /// 0xRRGGBB as the display shows it; nothing if it is off, or smaller.
    [[nodiscard]] std::optional<uint32_t> pixel(uint32_t scanout, uint32_t x, uint32_t y) const {
        std::lock_guard const lock(mutex_);
        Screen const& screen = screens_.at(scanout);
        bool const is_on = screen.resource != 0 && x < screen.rect.width && y < screen.rect.height;
        return is_on ? std::optional{screen.rgb[size_t{y} * screen.rect.width + x]} : std::nullopt;
    }
    /// A display shows this part of this resource; resource 0: it is off.
    [[nodiscard]] std::pair<uint32_t, GpuRect> shown(uint32_t scanout) const {
        std::lock_guard const lock(mutex_);
        return {screens_.at(scanout).resource, screens_.at(scanout).rect};
    }
    /// The user changes a display; wrap it in `change_config` of the transport.
    void resize(uint32_t scanout, GpuMode const& mode) {
        std::lock_guard const lock(mutex_);
        options_.modes.at(scanout) = mode;
        events_ |= wire::gpu::event_display;
    }
    void set_edid(std::vector<uint8_t> edid) {
        std::lock_guard const lock(mutex_);
        edid_ = std::move(edid);
    }

    // What the driver did.

    [[nodiscard]] GpuCursor cursor() const {
        std::lock_guard const lock(mutex_);
        return cursor_;
    }
    [[nodiscard]] size_t resources() const {
        std::lock_guard const lock(mutex_);
        return resources_.size();
    }
    /// The types of all commands that were executed, oldest first, since the last call.
    [[nodiscard]] std::vector<uint32_t> take_commands() {
        std::lock_guard const lock(mutex_);
        return std::exchange(commands_, {});
    }
    /// Pixels that were transferred and flushed since the last call.
    [[nodiscard]] std::pair<uint64_t, uint64_t> take_pixels() {
        std::lock_guard const lock(mutex_);
        return {std::exchange(transferred_, 0), std::exchange(flushed_, 0)};
    }
    [[nodiscard]] uint32_t pending_events() const {
        std::lock_guard const lock(mutex_);
        return events_;
    }

    // Time, and faults.

    /// Commands stay with the device, not executed.
    void hold(uint16_t queue = control_queue) { let_pass(0, queue); }
    /// The device executes this many more of them, oldest first, and holds the others.
    void let_pass(size_t commands, uint16_t queue = control_queue) {
        std::lock_guard const lock(mutex_);
        may_pass_.at(queue) = commands;
    }
    void release(uint16_t queue = control_queue) { let_pass(unlimited, queue); }
    /// The next answer on controlq.
    void answer_wrongly(GpuWrongAnswer wrong) {
        std::lock_guard const lock(mutex_);
        wrong_ = wrong;
    }

    // DeviceBackend.

    [[nodiscard]] uint32_t device_id() const override { return wire::gpu::device_id; }
    [[nodiscard]] FeatureWords features() const override {
        FeatureWords words = feature_words(options_.features);
        set_feature(words, wire::gpu::edid, options_.edid);
        return words;
    }
    [[nodiscard]] uint16_t queue_count() const override { return 2; }
    [[nodiscard]] uint16_t queue_size_max(uint16_t /*queue*/) const override { return options_.queue_size_max; }
    [[nodiscard]] std::vector<ConfigField> config_fields() const override {
        using namespace wire::gpu;
        return {{config_events_read, 4},
                {config_events_clear, 4, ConfigField::always, true},
                {config_num_scanouts, 4},
                {config_num_capsets, 4}};
    }
    [[nodiscard]] uint8_t read_config(size_t offset) override;
    void write_config(size_t offset, uint8_t value) override;
    void start(Session const& session) override {
        std::lock_guard const lock(mutex_);
        session_ = session;
    }
    void reset() override;
    [[nodiscard]] Completion process(uint16_t /*queue*/, Chain const& /*chain*/) override { return {}; }
    void work(uint16_t queue) override;

private:
    static constexpr size_t unlimited = std::numeric_limits<size_t>::max();

    struct Screen {
        uint32_t resource = 0;
        GpuRect rect{};
        std::vector<uint32_t> rgb{};
    };
    /// A command, with what the answer repeats of it.
    struct Command {
        std::vector<uint8_t> bytes;
        uint32_t type = 0;

        [[nodiscard]] uint32_t word(size_t at) const {
            return static_cast<uint32_t>(decode(bytes.data() + at, 4, ByteOrder::little));
        }
        [[nodiscard]] GpuRect rect(size_t at = wire::gpu::header_bytes) const {
            return {word(at), word(at + 4), word(at + 8), word(at + 12)};
        }
    };

    void report(Rule const& broken, uint64_t value) { log_.report(broken, value); }
    [[nodiscard]] uint32_t refuse(Rule const& broken, uint64_t value, uint32_t type) {
        report(broken, value);
        return type;
    }
    [[nodiscard]] static size_t least_bytes(uint32_t type);
    [[nodiscard]] static size_t answer_bytes(uint32_t type) {
        return type == wire::gpu::ok_display_info ? wire::gpu::display_info_bytes
               : type == wire::gpu::ok_edid       ? wire::gpu::edid_bytes
                                                  : wire::gpu::header_bytes;
    }
    [[nodiscard]] Command fetch(uint16_t queue, Chain const& chain);
    [[nodiscard]] uint32_t answer(uint16_t queue, Chain const& chain);
    void write_answer(Command const& command, uint32_t type, GpuWrongAnswer const& wrong,
                      std::vector<uint8_t>& bytes) const;
    [[nodiscard]] uint32_t execute(Command const& command);
    [[nodiscard]] uint32_t create(Command const& command);
    [[nodiscard]] uint32_t unref(uint32_t id);
    [[nodiscard]] uint32_t attach(Command const& command, GpuResource& resource);
    [[nodiscard]] uint32_t detach(GpuResource& resource);
    [[nodiscard]] uint32_t transfer(Command const& command, GpuResource& resource);
    [[nodiscard]] uint32_t flush(GpuRect const& rect, uint32_t id, GpuResource const& resource);
    [[nodiscard]] uint32_t show_resource(Command const& command);
    [[nodiscard]] uint32_t change_cursor(Command const& command);
    void drop_backing(GpuResource& resource);

    GuestMemory& memory_;
    ViolationLog& log_;
    GpuOptions options_;
    mutable std::mutex mutex_;
    Session session_;
    std::vector<Screen> screens_;
    std::map<uint32_t, GpuResource> resources_;
    std::vector<uint8_t> edid_{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x5a, 0x63};
    GpuCursor cursor_;
    uint32_t events_ = 0;
    std::array<size_t, 2> may_pass_{unlimited, unlimited};
    std::optional<GpuWrongAnswer> wrong_;
    std::vector<uint32_t> commands_;
    uint64_t transferred_ = 0;
    uint64_t flushed_ = 0;
};

// --- configuration, and life ---

inline uint8_t GpuDevice::read_config(size_t offset) {
    std::lock_guard const lock(mutex_);
    auto const scanouts = static_cast<uint32_t>(options_.modes.size());
    std::array<uint8_t, wire::gpu::config_bytes> config{};
    encode(config.data() + wire::gpu::config_events_read, 4, events_, session_.order);
    encode(config.data() + wire::gpu::config_num_scanouts, 4, options_.stated_scanouts.value_or(scanouts),
           session_.order);
    return offset < config.size() ? config[offset] : uint8_t{0};
}

/// §5.7.4: a 1 clears this bit of events_read.
inline void GpuDevice::write_config(size_t offset, uint8_t value) {
    std::lock_guard const lock(mutex_);
    if (offset < wire::gpu::config_events_clear || offset >= wire::gpu::config_num_scanouts) {
        return;
    }
    size_t const byte = offset - wire::gpu::config_events_clear;
    size_t const place = session_.order == ByteOrder::little ? byte : 3 - byte;
    events_ &= ~(uint32_t{value} << (8 * place));
}

inline void GpuDevice::reset() {
    std::lock_guard const lock(mutex_);
    session_ = {};
    for (auto& [id, resource] : resources_) {
        drop_backing(resource);
    }
    resources_.clear();
    screens_.assign(options_.modes.size(), {});
    cursor_ = {};
    events_ = 0;
}

inline void GpuDevice::work(uint16_t queue) {
    std::lock_guard const lock(mutex_);
    auto commands = parked(queue);
    std::sort(commands.begin(), commands.end(),
              [](ParkedChain const& a, ParkedChain const& b) { return a.number < b.number; });
    for (auto const& command : commands) {
        if (may_pass_.at(queue) == 0) {
            return;
        }
        may_pass_.at(queue) -= may_pass_.at(queue) == unlimited ? 0 : 1;
        static_cast<void>(complete(queue, command, answer(queue, command.chain)));
    }
}

// --- a command and its answer ---

inline size_t GpuDevice::least_bytes(uint32_t type) {
    using namespace wire::gpu;
    switch (type) {
        case get_display_info: return 24;
        case get_edid:
        case resource_unref:
        case attach_backing:
        case detach_backing: return 32;
        case resource_create_2d: return 40;
        case set_scanout:
        case resource_flush: return 48;
        case transfer_to_host_2d:
        case update_cursor:
        case move_cursor: return 56;
        default: return 0;
    }
}

/// A command that is not complete has type 0.
inline GpuDevice::Command GpuDevice::fetch(uint16_t queue, Chain const& chain) {
    Command command{chain.read_all()};
    if (command.bytes.size() < wire::gpu::header_bytes) {
        report(rule::gpu_command, command.bytes.size());
        command.bytes.resize(wire::gpu::header_bytes);
        return command;
    }
    uint32_t const type = command.word(0);
    bool const is_cursor = type == wire::gpu::update_cursor || type == wire::gpu::move_cursor;
    if (least_bytes(type) == 0 || command.bytes.size() < least_bytes(type)) {
        report(rule::gpu_command, type);
    } else if (is_cursor != (queue == cursor_queue)) {
        report(rule::gpu_queue, type);
    } else {
        command.type = type;
    }
    if (command.word(wire::gpu::header_context) != 0 || command.word(wire::gpu::header_context + 4) != 0) {
        report(rule::gpu_header, command.word(wire::gpu::header_context));
    }
    return command;
}

/// Executes the command, writes the answer, and returns the used length. Cursor commands may have no room for it.
inline uint32_t GpuDevice::answer(uint16_t queue, Chain const& chain) {
    Command const command = fetch(queue, chain);
    GpuWrongAnswer const wrong =
        queue == control_queue ? std::exchange(wrong_, {}).value_or(GpuWrongAnswer{}) : GpuWrongAnswer{};
    bool const is_refused = wrong.type && *wrong.type >= wire::gpu::err_unspec;
    uint32_t const type = is_refused ? *wrong.type : command.type == 0 ? wire::gpu::err_unspec : execute(command);
    commands_.push_back(command.type);
    std::vector<uint8_t> bytes(answer_bytes(type));
    if (queue == control_queue && chain.writable_bytes() < bytes.size()) {
        report(rule::gpu_answer_room, chain.writable_bytes());
    }
    write_answer(command, wrong.type.value_or(type), wrong, bytes);
    auto const written = static_cast<uint32_t>(chain.write(0, bytes.data(), bytes.size()));
    return wrong.used_length.value_or(written);
}

inline void GpuDevice::write_answer(Command const& command, uint32_t type, GpuWrongAnswer const& wrong,
                                    std::vector<uint8_t>& bytes) const {
    using namespace wire::gpu;
    encode(bytes.data(), 4, type, ByteOrder::little);
    if ((command.word(header_flags) & flag_fence) != 0) {  // §5.7.6.7
        uint64_t const fence = decode(command.bytes.data() + header_fence, 8, ByteOrder::little);
        encode(bytes.data() + header_flags, 4, wrong.drops_fence_flag ? 0 : flag_fence, ByteOrder::little);
        encode(bytes.data() + header_fence, 8, wrong.fence.value_or(fence), ByteOrder::little);
    }
    if (bytes.size() == display_info_bytes) {
        for (size_t i = 0; i < std::min(options_.modes.size(), max_scanouts); ++i) {
            GpuMode const& mode = options_.modes[i];
            uint32_t const words[] = {mode.rect.x, mode.rect.y, mode.rect.width, mode.rect.height, mode.enabled};
            for (size_t word = 0; word < std::size(words); ++word) {
                encode(bytes.data() + header_bytes + i * display_bytes + 4 * word, 4, words[word], ByteOrder::little);
            }
        }
    } else if (bytes.size() == edid_bytes) {
        size_t const size = std::min(edid_.size(), edid_bytes - edid_data);
        std::copy_n(edid_.begin(), size, bytes.begin() + edid_data);
        encode(bytes.data() + header_bytes, 4, wrong.edid_size.value_or(static_cast<uint32_t>(size)),
               ByteOrder::little);
    }
}

/// Returns the type of the answer.
inline uint32_t GpuDevice::execute(Command const& command) {
    using namespace wire::gpu;
    switch (command.type) {
        case get_display_info: return ok_display_info;
        case get_edid:
            if (!has_feature(session_.features, edid)) {
                return refuse(rule::gpu_edid, 0, err_unspec);
            }
            return command.word(header_bytes) < options_.modes.size()
                       ? ok_edid
                       : refuse(rule::gpu_scanout, command.word(header_bytes), err_invalid_scanout_id);
        case resource_create_2d: return create(command);
        case set_scanout: return show_resource(command);
        case update_cursor:
        case move_cursor: return change_cursor(command);
        default: break;
    }
    size_t const at = command.type == transfer_to_host_2d ? 48 : command.type == resource_flush ? 40 : header_bytes;
    uint32_t const id = command.word(at);
    auto const found = resources_.find(id);
    if (found == resources_.end()) {
        return refuse(rule::gpu_resource_unknown, id, err_invalid_resource_id);
    }
    switch (command.type) {
        case resource_unref: return unref(id);
        case attach_backing: return attach(command, found->second);
        case detach_backing: return detach(found->second);
        case transfer_to_host_2d: return transfer(command, found->second);
        default: return flush(command.rect(), id, found->second);
    }
}

// --- resources ---

inline uint32_t GpuDevice::create(Command const& command) {
    using namespace wire::gpu;
    uint32_t const id = command.word(24);
    if (id == 0 || resources_.count(id) != 0) {
        return refuse(rule::gpu_resource_id, id, err_invalid_resource_id);
    }
    GpuResource resource{command.word(28), command.word(32), command.word(36)};
    constexpr uint32_t side_max = 16384;
    if (!GpuResource::is_format(resource.format) || resource.width == 0 || resource.height == 0) {
        return refuse(rule::gpu_resource_shape, resource.format, err_invalid_parameter);
    }
    if (resource.width > side_max || resource.height > side_max) {
        return err_out_of_memory;
    }
    resource.pixels.resize(size_t{resource.width} * resource.height * GpuResource::pixel_bytes);
    resources_.emplace(id, std::move(resource));
    return ok_nodata;
}

/// A display that shows the resource goes off.
inline uint32_t GpuDevice::unref(uint32_t id) {
    drop_backing(resources_.at(id));
    resources_.erase(id);
    for (Screen& screen : screens_) {
        if (screen.resource == id) {
            screen = {};
        }
    }
    return wire::gpu::ok_nodata;
}

inline uint32_t GpuDevice::attach(Command const& command, GpuResource& resource) {
    using namespace wire::gpu;
    uint32_t const count = command.word(28);
    if (resource.backing) {
        return refuse(rule::gpu_backing_twice, command.word(24), err_unspec);
    }
    if (count == 0 || count != (command.bytes.size() - 32) / entry_bytes) {
        return refuse(rule::gpu_backing_entries, count, err_invalid_parameter);
    }
    std::vector<GpuResource::Entry> entries;
    for (size_t at = 32; at + entry_bytes <= command.bytes.size(); at += entry_bytes) {
        uint64_t const addr = decode(command.bytes.data() + at, 8, ByteOrder::little);
        uint32_t const bytes = command.word(at + 8);
        if (bytes == 0 || memory_.virt(PhysAddr{addr}, bytes) == nullptr) {
            report(rule::gpu_backing_entries, addr);
        }
        entries.push_back({addr, bytes, memory_.hold(PhysAddr{addr}, bytes)});
    }
    resource.backing = std::move(entries);
    return ok_nodata;
}

/// Without backing memory QEMU refuses it. The standard does not forbid it, so that is no violation.
inline uint32_t GpuDevice::detach(GpuResource& resource) {
    if (!resource.backing) {
        return wire::gpu::err_unspec;
    }
    drop_backing(resource);
    return wire::gpu::ok_nodata;
}

inline void GpuDevice::drop_backing(GpuResource& resource) {
    for (auto const& entry : resource.backing.value_or(std::vector<GpuResource::Entry>{})) {
        memory_.drop(entry.hold);
    }
    resource.backing.reset();
}

/// Row by row from `offset` on; a row of the backing memory is as wide as the resource.
inline uint32_t GpuDevice::transfer(Command const& command, GpuResource& resource) {
    using namespace wire::gpu;
    GpuRect const rect = command.rect();
    uint64_t const offset = decode(command.bytes.data() + 40, 8, ByteOrder::little);
    if (!rect.is_inside(resource.width, resource.height)) {
        return refuse(rule::gpu_rect, rect.x, err_invalid_parameter);
    }
    if (!resource.backing) {
        return refuse(rule::gpu_backing_missing, command.word(48), err_unspec);
    }
    for (uint32_t row = 0; row < rect.height; ++row) {
        uint64_t const from = offset + uint64_t{row} * resource.width * GpuResource::pixel_bytes;
        uint8_t* const to = resource.pixels.data() + resource.place(rect.x, rect.y + row);
        if (!resource.read_backing(memory_, from, to, size_t{rect.width} * GpuResource::pixel_bytes)) {
            return refuse(rule::gpu_backing_bounds, from, err_unspec);
        }
    }
    resource.is_filled = true;
    transferred_ += uint64_t{rect.width} * rect.height;
    return ok_nodata;
}

// --- displays ---

inline uint32_t GpuDevice::flush(GpuRect const& rect, uint32_t id, GpuResource const& resource) {
    if (!rect.is_inside(resource.width, resource.height)) {
        return refuse(rule::gpu_rect, rect.x, wire::gpu::err_invalid_parameter);
    }
    for (Screen& screen : screens_) {
        if (screen.resource != id) {
            continue;
        }
        GpuRect const& seen = screen.rect;
        for (uint32_t y = std::max(rect.y, seen.y); y < std::min(rect.y + rect.height, seen.y + seen.height); ++y) {
            for (uint32_t x = std::max(rect.x, seen.x); x < std::min(rect.x + rect.width, seen.x + seen.width); ++x) {
                screen.rgb[size_t{y - seen.y} * seen.width + (x - seen.x)] = resource.rgb(x, y);
            }
        }
    }
    flushed_ += uint64_t{rect.width} * rect.height;
    return wire::gpu::ok_nodata;
}

inline uint32_t GpuDevice::show_resource(Command const& command) {
    using namespace wire::gpu;
    uint32_t const scanout = command.word(40);
    uint32_t const id = command.word(44);
    if (scanout >= screens_.size()) {
        return refuse(rule::gpu_scanout, scanout, err_invalid_scanout_id);
    }
    if (id == 0) {
        screens_[scanout] = {};
        return ok_nodata;
    }
    auto const found = resources_.find(id);
    if (found == resources_.end()) {
        return refuse(rule::gpu_resource_unknown, id, err_invalid_resource_id);
    }
    GpuRect const rect = command.rect();
    if (!rect.is_inside(found->second.width, found->second.height)) {
        return refuse(rule::gpu_scanout_rect, rect.x, err_invalid_parameter);
    }
    screens_[scanout] = {id, rect, std::vector<uint32_t>(size_t{rect.width} * rect.height)};
    return ok_nodata;
}

/// Resource 0 hides the cursor, as in QEMU; the standard has no other way.
inline uint32_t GpuDevice::change_cursor(Command const& command) {
    using namespace wire::gpu;
    if (command.word(24) >= screens_.size()) {
        return refuse(rule::gpu_scanout, command.word(24), err_invalid_scanout_id);
    }
    cursor_.scanout = command.word(24);
    cursor_.x = command.word(28);
    cursor_.y = command.word(32);
    uint32_t const id = command.word(40);
    cursor_.resource = id;  // also of a move: so does QEMU, which hides a cursor that is moved without one
    if (command.type == move_cursor) {
        return ok_nodata;
    }
    cursor_.hot_x = command.word(44);
    cursor_.hot_y = command.word(48);
    if (id == 0) {
        return ok_nodata;
    }
    auto const found = resources_.find(id);
    if (found == resources_.end()) {
        return refuse(rule::gpu_resource_unknown, id, err_invalid_resource_id);
    }
    if (found->second.width != cursor_side || found->second.height != cursor_side) {
        report(rule::gpu_cursor_size, found->second.width);
    }
    if (!found->second.is_filled) {
        report(rule::gpu_cursor_filled, id);
    }
    return ok_nodata;
}

}  // namespace virtq::sim
