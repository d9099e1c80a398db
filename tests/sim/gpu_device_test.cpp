// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <sim/gpu_device.hpp>
#include <sim/raw_machine.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;
namespace gpu = virtq::sim::wire::gpu;

namespace {

/// A driver of a GPU that writes everything by hand. Resources are 8 by 4 pixels, unless a test says more.
class Gpu : public ::testing::TestWithParam<RawKind> {
protected:
    using Words = std::vector<uint32_t>;

    void SetUp() override { machine.bring_up(); }

    /// A command: its type, and the words behind the header.
    void send(uint32_t type, Words const& words, uint64_t fence = 0, uint16_t queue = 0, uint32_t room = 1056) {
        std::vector<uint8_t> bytes(24 + 4 * words.size());
        encode(bytes.data(), 4, type, ByteOrder::little);
        encode(bytes.data() + 4, 4, fence != 0 ? 1 : 0, ByteOrder::little);
        encode(bytes.data() + 8, 8, fence, ByteOrder::little);
        for (size_t i = 0; i < words.size(); ++i) {
            encode(bytes.data() + 24 + 4 * i, 4, words[i], ByteOrder::little);
        }
        post(bytes, queue, room);
    }
    void post(std::vector<uint8_t> const& bytes, uint16_t queue = 0, uint32_t room = 1056) {
        Buffer const command = memory.allocate_buffer(bytes.size());
        std::memcpy(command.virt, bytes.data(), bytes.size());
        answer = memory.allocate_buffer(1056);
        std::vector<RawDescriptor> chain{{command.phys, static_cast<uint32_t>(bytes.size()), 0}};
        if (room != 0) {
            chain.push_back({answer.phys, room, wire::split::flag_write});
        }
        machine.post(queue, chain);
    }
    [[nodiscard]] uint32_t word(size_t at) const {
        return static_cast<uint32_t>(decode(answer.virt + at, 4, ByteOrder::little));
    }
    /// Sends, and returns the type of the answer.
    uint32_t ask(uint32_t type, Words const& words, uint64_t fence = 0) {
        send(type, words, fence);
        static_cast<void>(machine.step());
        auto const used = machine.take();
        length = used ? used->length : 0;
        return used ? word(0) : 0;
    }
    /// A resource whose pixel (x, y) is (y << 16) + x + 1 in backing memory of three pieces.
    void make(uint32_t id, uint32_t width = 8, uint32_t height = 4) {
        ASSERT_EQ(ask(gpu::resource_create_2d, {id, 2, width, height}), gpu::ok_nodata);
        backing = memory.allocate_buffer(size_t{width} * height * 4);
        for (uint32_t i = 0; i < width * height; ++i) {
            encode(backing.virt + 4 * size_t{i}, 4, (i / width) << 16 | (i % width + 1), ByteOrder::little);
        }
        auto const at = static_cast<uint32_t>(backing.phys.value);
        auto const high = static_cast<uint32_t>(backing.phys.value >> 32);
        auto const bytes = static_cast<uint32_t>(backing.bytes);
        EXPECT_EQ(ask(gpu::attach_backing, {id, 3, at, high, 6, 0, at + 6, high, 50, 0, at + 56, high, bytes - 56, 0}),
                  gpu::ok_nodata);
    }
    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
        log.clear();
    }

    GuestMemory memory;
    ViolationLog& log = memory.violations();
    GpuDevice device{memory, {.modes = {{{0, 0, 640, 480}}, {{640, 0, 800, 600}, 0}}}};
    RawMachine machine{memory, device, GetParam()};
    Buffer answer;
    Buffer backing;
    uint32_t length = 0;
};

TEST_P(Gpu, TellsItsDisplays) {
    EXPECT_EQ(ask(gpu::get_display_info, {}), gpu::ok_display_info);
    EXPECT_EQ(length, 408u);
    EXPECT_EQ(word(24 + 8), 640u);
    EXPECT_EQ(word(24 + 12), 480u);
    EXPECT_EQ(word(24 + 16), 1u);
    EXPECT_EQ(word(48), 640u);
    EXPECT_EQ(word(48 + 8), 800u);
    EXPECT_EQ(word(48 + 16), 0u);
    EXPECT_EQ(word(72 + 8), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Gpu, TellsTheEdid) {
    EXPECT_EQ(ask(gpu::get_edid, {1, 0}), gpu::ok_edid);
    EXPECT_EQ(length, 1056u);
    EXPECT_EQ(word(24), 10u);
    EXPECT_EQ(word(32), 0xffffff00u);
    device.set_edid(std::vector<uint8_t>(256, 7));
    EXPECT_EQ(ask(gpu::get_edid, {0, 0}), gpu::ok_edid);
    EXPECT_EQ(word(24), 256u);
    EXPECT_EQ(word(32 + 252), 0x07070707u);
    EXPECT_EQ(word(32 + 256), 0u);
    EXPECT_TRUE(log.empty()) << log;
    EXPECT_EQ(ask(gpu::get_edid, {2, 0}), gpu::err_invalid_scanout_id);
    expect_only("S-5.7.6.8-scanout");
}

TEST_P(Gpu, ShowsWhatWasTransferredAndFlushed) {
    make(5);
    EXPECT_EQ(ask(gpu::set_scanout, {1, 1, 6, 3, 0, 5}), gpu::ok_nodata);
    EXPECT_EQ(device.shown(0), (std::pair{5u, GpuRect{1, 1, 6, 3}}));
    EXPECT_EQ(device.pixel(0, 0, 0), 0u);
    EXPECT_EQ(device.pixel(0, 6, 0), std::nullopt);
    EXPECT_EQ(device.pixel(0, 0, 3), std::nullopt);
    EXPECT_EQ(device.pixel(1, 0, 0), std::nullopt);
    EXPECT_EQ(ask(gpu::transfer_to_host_2d, {2, 1, 3, 2, 4 * (8 + 2), 0, 5, 0}), gpu::ok_nodata);
    EXPECT_EQ(device.pixel(0, 1, 0), 0u);  // not flushed
    EXPECT_EQ(ask(gpu::resource_flush, {0, 0, 8, 4, 5, 0}), gpu::ok_nodata);
    EXPECT_EQ(device.pixel(0, 1, 0), 0x010003u);
    EXPECT_EQ(device.pixel(0, 3, 1), 0x020005u);
    EXPECT_EQ(device.pixel(0, 0, 0), 0u);  // not transferred
    EXPECT_EQ(device.pixel(0, 4, 0), 0u);
    EXPECT_EQ(device.take_pixels(), (std::pair<uint64_t, uint64_t>{6, 32}));
    EXPECT_EQ(ask(gpu::set_scanout, {0, 0, 0, 0, 0, 0}), gpu::ok_nodata);
    EXPECT_EQ(device.pixel(0, 1, 0), std::nullopt);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Gpu, KnowsTheOrderOfColours) {
    std::pair<uint32_t, uint32_t> const rgb_of[] = {{1, 0x332211},  {2, 0x332211},   {3, 0x223344},  {4, 0x223344},
                                                    {67, 0x112233}, {134, 0x112233}, {68, 0x443322}, {121, 0x443322}};
    uint8_t const pixel[] = {0x11, 0x22, 0x33, 0x44};
    for (auto const& [format, rgb] : rgb_of) {
        EXPECT_TRUE(GpuResource::is_format(format));
        GpuResource const resource{format, 1, 1, {pixel, pixel + 4}};
        EXPECT_EQ(resource.rgb(0, 0), rgb) << format;
    }
    EXPECT_FALSE(GpuResource::is_format(5));
}

TEST_P(Gpu, RepeatsTheFence) {
    EXPECT_EQ(ask(gpu::get_display_info, {}, 0x1234567890), gpu::ok_display_info);
    EXPECT_EQ(word(4), 1u);
    EXPECT_EQ(word(8), 0x34567890u);
    EXPECT_EQ(word(12), 0x12u);
    EXPECT_EQ(ask(gpu::get_display_info, {}), gpu::ok_display_info);
    EXPECT_EQ(word(4), 0u);
    device.answer_wrongly({.fence = 9});
    EXPECT_EQ(ask(gpu::get_display_info, {}, 8), gpu::ok_display_info);
    EXPECT_EQ(word(8), 9u);
    device.answer_wrongly({.drops_fence_flag = true});
    EXPECT_EQ(ask(gpu::get_display_info, {}, 8), gpu::ok_display_info);
    EXPECT_EQ(word(4), 0u);
}

TEST_P(Gpu, HoldsCommands) {
    device.hold();
    send(gpu::get_display_info, {});
    Buffer const first = answer;
    send(gpu::get_display_info, {});
    static_cast<void>(machine.step());
    EXPECT_EQ(machine.take(), std::nullopt);
    EXPECT_EQ(device.parked().size(), 2u);
    device.let_pass(1);
    static_cast<void>(machine.step());
    EXPECT_NE(machine.take(), std::nullopt);
    EXPECT_EQ(machine.take(), std::nullopt);
    EXPECT_EQ(first.virt[1], 0x11);
    device.release();
    static_cast<void>(machine.step());
    EXPECT_NE(machine.take(), std::nullopt);
    EXPECT_EQ(device.take_commands(), (Words{gpu::get_display_info, gpu::get_display_info}));
}

TEST_P(Gpu, AnswersWronglyOnce) {
    device.answer_wrongly({.type = gpu::err_out_of_memory});
    EXPECT_EQ(ask(gpu::resource_create_2d, {1, 1, 8, 8}), gpu::err_out_of_memory);
    EXPECT_EQ(device.resources(), 0u);
    device.answer_wrongly({.type = gpu::ok_display_info});
    EXPECT_EQ(ask(gpu::resource_create_2d, {1, 1, 8, 8}), gpu::ok_display_info);
    EXPECT_EQ(device.resources(), 1u);
    device.answer_wrongly({.used_length = 3});
    EXPECT_EQ(ask(gpu::get_display_info, {}), gpu::ok_display_info);
    EXPECT_EQ(length, 3u);
    device.answer_wrongly({.edid_size = 5000});
    EXPECT_EQ(ask(gpu::get_edid, {0, 0}), gpu::ok_edid);
    EXPECT_EQ(word(24), 5000u);
    EXPECT_EQ(ask(gpu::get_edid, {0, 0}), gpu::ok_edid);
    EXPECT_EQ(word(24), 10u);
}

TEST_P(Gpu, MovesTheCursor) {
    make(3, 64, 64);
    EXPECT_EQ(ask(gpu::transfer_to_host_2d, {0, 0, 64, 64, 0, 0, 3, 0}), gpu::ok_nodata);
    send(gpu::update_cursor, {0, 10, 20, 0, 3, 1, 2, 0}, 0, 1, 0);  // without room for an answer
    static_cast<void>(machine.step());
    EXPECT_EQ(machine.take(1)->length, 0u);
    EXPECT_EQ(device.cursor(), (GpuCursor{0, 10, 20, 3, 1, 2}));
    send(gpu::move_cursor, {1, 11, 21, 0, 3, 0, 0, 0}, 0, 1, 24);
    static_cast<void>(machine.step());
    EXPECT_EQ(machine.take(1)->length, 24u);
    EXPECT_EQ(word(0), gpu::ok_nodata);
    EXPECT_EQ(device.cursor(), (GpuCursor{1, 11, 21, 3, 1, 2}));
    EXPECT_TRUE(log.empty()) << log;
    make(4);
    send(gpu::update_cursor, {0, 0, 0, 0, 4, 0, 0, 0}, 0, 1, 24);
    static_cast<void>(machine.step());
    EXPECT_TRUE(log.contains("S-5.7.6.6-size") && log.contains("S-5.7.6.10-filled")) << log;
}

TEST_P(Gpu, ForgetsResourcesInAReset) {
    make(1);
    EXPECT_EQ(ask(gpu::set_scanout, {0, 0, 8, 4, 0, 1}), gpu::ok_nodata);
    machine.bring_up();
    EXPECT_EQ(device.resources(), 0u);
    EXPECT_EQ(device.shown(0).first, 0u);
    memory.free_buffer(backing);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Gpu, HoldsBackingMemory) {
    make(1);
    memory.free_buffer(backing);
    expect_only("D-3.3.1-2");
    EXPECT_EQ(ask(gpu::detach_backing, {1, 0}), gpu::ok_nodata);
    EXPECT_EQ(ask(gpu::detach_backing, {1, 0}), gpu::err_unspec);
    memory.free_buffer(backing);
    EXPECT_TRUE(log.empty()) << log;
    make(2);
    EXPECT_EQ(ask(gpu::set_scanout, {0, 0, 8, 4, 1, 2}), gpu::ok_nodata);
    EXPECT_EQ(ask(gpu::resource_unref, {2, 0}), gpu::ok_nodata);
    EXPECT_EQ(device.shown(1).first, 0u);
    memory.free_buffer(backing);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Gpu, ReportsCommandsThatAreNone) {
    post({1, 2, 3});
    static_cast<void>(machine.step());
    expect_only("S-5.7.6.7-command");
    EXPECT_EQ(ask(0x999, {}), gpu::err_unspec);
    expect_only("S-5.7.6.7-command");
    EXPECT_EQ(ask(gpu::resource_create_2d, {1, 1, 8}), gpu::err_unspec);
    expect_only("S-5.7.6.7-command");
    EXPECT_EQ(ask(gpu::move_cursor, {0, 0, 0, 0, 0, 0, 0, 0}), gpu::err_unspec);
    expect_only("S-5.7.2-queue");
    send(gpu::get_display_info, {}, 0, 1);
    static_cast<void>(machine.step());
    expect_only("S-5.7.2-queue");
    std::vector<uint8_t> header(24);
    header[1] = 1;
    header[20] = 1;
    post(header);
    static_cast<void>(machine.step());
    expect_only("S-5.7.6.7-header");
    send(gpu::get_display_info, {}, 0, 0, 407);
    static_cast<void>(machine.step());
    expect_only("S-5.7.6.7-answer");
}

TEST_P(Gpu, ReportsWrongResources) {
    EXPECT_EQ(ask(gpu::resource_create_2d, {0, 1, 8, 4}), gpu::err_invalid_resource_id);
    expect_only("S-5.7.6.8-id");
    EXPECT_EQ(ask(gpu::resource_create_2d, {1, 5, 8, 4}), gpu::err_invalid_parameter);
    expect_only("S-5.7.6.8-shape");
    EXPECT_EQ(ask(gpu::resource_create_2d, {1, 1, 8, 0}), gpu::err_invalid_parameter);
    expect_only("S-5.7.6.8-shape");
    EXPECT_EQ(ask(gpu::resource_create_2d, {1, 1, 16385, 1}), gpu::err_out_of_memory);
    EXPECT_TRUE(log.empty()) << log;
    EXPECT_EQ(ask(gpu::resource_create_2d, {1, 1, 8, 4}), gpu::ok_nodata);
    EXPECT_EQ(ask(gpu::resource_create_2d, {1, 1, 8, 4}), gpu::err_invalid_resource_id);
    expect_only("S-5.7.6.8-id");
    EXPECT_EQ(ask(gpu::transfer_to_host_2d, {0, 0, 8, 4, 0, 0, 1, 0}), gpu::err_unspec);
    expect_only("S-5.7.6-backing");
    EXPECT_EQ(ask(gpu::attach_backing, {1, 2, 0, 0, 0, 0}), gpu::err_invalid_parameter);
    expect_only("S-5.7.6.8-entries");
    EXPECT_EQ(ask(gpu::attach_backing, {1, 1, 4, 0, 8, 0}), gpu::ok_nodata);
    expect_only("S-5.7.6.8-entries");
    EXPECT_EQ(ask(gpu::attach_backing, {1, 1, 4, 0, 8, 0}), gpu::err_unspec);
    expect_only("S-5.7.6.8-attached");
    for (uint32_t const type : {gpu::resource_unref, gpu::detach_backing, gpu::attach_backing}) {
        EXPECT_EQ(ask(type, {2, 0}), gpu::err_invalid_resource_id);
        expect_only("S-5.7.6.8-unknown");
    }
}

TEST_P(Gpu, ReportsWrongRectangles) {
    make(1);
    EXPECT_EQ(ask(gpu::transfer_to_host_2d, {1, 0, 8, 4, 0, 0, 1, 0}), gpu::err_invalid_parameter);
    expect_only("S-5.7.6.8-rect");
    EXPECT_EQ(ask(gpu::transfer_to_host_2d, {0, 0, 8, 4, 4, 0, 1, 0}), gpu::err_unspec);
    expect_only("S-5.7.6.8-bounds");
    EXPECT_EQ(ask(gpu::resource_flush, {0, 1, 8, 4, 1, 0}), gpu::err_invalid_parameter);
    expect_only("S-5.7.6.8-rect");
    EXPECT_EQ(ask(gpu::resource_flush, {0, 0, 0, 4, 1, 0}), gpu::err_invalid_parameter);
    expect_only("S-5.7.6.8-rect");
    EXPECT_EQ(ask(gpu::set_scanout, {0, 0, 9, 4, 0, 1}), gpu::err_invalid_parameter);
    expect_only("S-5.7.6.8-covered");
    EXPECT_EQ(ask(gpu::set_scanout, {0, 0, 8, 4, 2, 1}), gpu::err_invalid_scanout_id);
    expect_only("S-5.7.6.8-scanout");
    EXPECT_EQ(ask(gpu::set_scanout, {0, 0, 8, 4, 0, 7}), gpu::err_invalid_resource_id);
    expect_only("S-5.7.6.8-unknown");
}

INSTANTIATE_TEST_SUITE_P(Kinds, Gpu, ::testing::ValuesIn(raw_kinds),
                         [](auto const& one) { return name_of(one.param); });

TEST(GpuConfig, ClearsEventsByWriting) {
    GuestMemory memory;
    GpuDevice device(memory, {.edid = false, .stated_scanouts = 7});
    EXPECT_EQ(device.features(), (FeatureWords{}));
    EXPECT_EQ(device.device_id(), 16u);
    EXPECT_EQ(device.queue_count(), 2);
    EXPECT_EQ(device.read_config(8), 7);
    device.resize(0, {{0, 0, 10, 10}});
    EXPECT_EQ(device.read_config(0), 1);
    device.write_config(4, 2);
    EXPECT_EQ(device.pending_events(), 1u);
    device.write_config(4, 1);
    EXPECT_EQ(device.pending_events(), 0u);
    EXPECT_TRUE(memory.violations().empty());
}

TEST(GpuFeatures, ReportsAnEdidThatWasNotNegotiated) {
    GuestMemory memory;
    GpuDevice device(memory, {.edid = false});
    RawMachine machine{memory, device, RawKind::mmio_split};
    machine.bring_up();
    Buffer const buffer = memory.allocate_buffer(2048);
    encode(buffer.virt, 4, gpu::get_edid, ByteOrder::little);
    machine.post(0, {{buffer.phys, 32, 0}, {buffer.phys + 64, 1056, wire::split::flag_write}});
    static_cast<void>(machine.step());
    EXPECT_EQ(decode(buffer.virt + 64, 4, ByteOrder::little), gpu::err_unspec);
    EXPECT_TRUE(memory.violations().contains("S-5.7.6.8-edid")) << memory.violations();
}

}  // namespace
}  // namespace virtq::sim_test
