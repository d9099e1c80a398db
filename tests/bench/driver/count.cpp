// SPDX-License-Identifier: MIT
//
// Runs the drivers against the device of the bench, for callgrind: all but what is in the functions drive_… is left out,
// and what they took is dumped after each case. Prints CASE REQUESTS; with --facts, DRIVER OBJECT-BYTES PAGES instead.
#include <virtq/device/balloon.hpp>
#include <virtq/device/block.hpp>
#include <virtq/device/console.hpp>
#include <virtq/device/entropy.hpp>
#include <virtq/device/gpu.hpp>
#include <virtq/device/input.hpp>
#include <virtq/device/net.hpp>
#include <virtq/device/p9.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/transport/mmio.hpp>

#include <bench/memory.hpp>
#include <bench/registers.hpp>

#include <valgrind/callgrind.h>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace bench {

struct PageSource {
    virtq::Pages allocate_pages(size_t count) {
        void* const pages = allocate(count * virtq::page_bytes, 0);
        return {pages, virtq::PhysAddr{reinterpret_cast<uintptr_t>(pages)}, count};
    }
    void free_pages(virtq::Pages) {}
};

/// Fills what it may write: 76 bytes that are a plain packet of 64 behind its header, or 64 bytes of input.
class FillingChain {
public:
    template <class Descriptor>
    void pass(Descriptor const&) {}
    template <class Descriptor>
    [[nodiscard]] uint32_t finish(Descriptor const& last) const {
        if ((last.flags & flag_write) == 0) {
            return 0;
        }
        std::memset(at<uint8_t>(last.addr), 0, 12);
        at<uint8_t>(last.addr)[10] = 1;  // num_buffers
        return last.len < 76 ? last.len : 76;
    }
};

/// Answers each command of a GPU: it is done. The fence comes back.
class AnsweringChain {
public:
    template <class Descriptor>
    void pass(Descriptor const& one) {
        if ((one.flags & flag_write) == 0) {
            std::memcpy(header_, at<uint8_t>(one.addr), sizeof header_);
        }
    }
    template <class Descriptor>
    [[nodiscard]] uint32_t finish(Descriptor const& last) const {
        std::memcpy(at<uint8_t>(last.addr), header_, sizeof header_);
        at<uint8_t>(last.addr)[0] = 0;
        at<uint8_t>(last.addr)[1] = 0x11;  // VIRTIO_GPU_RESP_OK_NODATA
        return sizeof header_;
    }

private:
    uint8_t header_[24] = {};
};

template <class RingFormat, class Chain = FillingChain>
using Device =
    std::conditional_t<std::is_same_v<RingFormat, virtq::Packed>, PackedDeviceOf<Chain>, SplitDeviceOf<Chain>>;

template <class DriverTraits, class RingFormat>
struct TraitsOf : DriverTraits {
    using Format = RingFormat;
};
template <class RingFormat>
constexpr char const* name_of = std::is_same_v<RingFormat, virtq::Packed> ? "packed" : "split";

struct SmallBuffers : virtq::ConsoleTraits {
    static constexpr uint32_t buffer_bytes = 64;
};

template <class RingFormat>
virtq::Features offered() {
    using virtq::spec::Feature;
    virtq::Features features = virtq::Features::of(Feature::version_1, Feature::event_idx);
    if (std::is_same_v<RingFormat, virtq::Packed>) {
        features.set(Feature::ring_packed);
    }
    features.set(virtq::spec::net::Feature::mrg_rxbuf);
    return features;
}

void require(virtq::Status status) {
    if (!status) {
        fail(virtq::describe(status.error()));
    }
}

constexpr unsigned turns = 256;
constexpr unsigned queue_size = 64;
constexpr size_t batch_max = 16;
alignas(4096) uint8_t buffers[batch_max][2048];

/// A driver that is up. It is too large for a stack, so it stays for the next case.
template <class Driver, class RingFormat>
class Running {
public:
    explicit Running(virtq::spec::DeviceId id) : registers_{id, offered<RingFormat>()} {
        require(driver.init(registers_, pages_));
    }
    ~Running() { require(driver.release(pages_)); }

    template <class Device>
    void open(Device& device, uint16_t queue = 0, unsigned size = queue_size) {
        device.open(registers_.areas(queue), size, true, false);
    }
    /// What one request took, of `turns` times `batch`.
    template <class Turn>
    void measure(char const* what, size_t batch, Turn turn) {
        CALLGRIND_ZERO_STATS;
        for (unsigned i = 0; i < turns; ++i) {
            turn();
        }
        char name[64];
        std::snprintf(name, sizeof name, "%s/%s/%zu", what, name_of<RingFormat>, batch);
        CALLGRIND_DUMP_STATS_AT(name);
        std::printf("%s %zu\n", name, turns * batch);
    }

    static inline Driver driver;

private:
    AnyRegisters registers_;
    PageSource pages_;
};

virtq::Segment buffer(size_t number, uint32_t bytes) {
    return {virtq::PhysAddr{reinterpret_cast<uintptr_t>(buffers[number])}, bytes};
}

// --- entropy: a request and its bytes ---

template <class Driver>
[[gnu::noinline]] void drive_submit(Driver& driver, size_t batch) {
    for (size_t i = 0; i < batch; ++i) {
        require(driver.submit(buffer(i, 64), virtq::Token{i}));
    }
    driver.kick_device();
}
template <class Driver>
[[gnu::noinline]] size_t drive_take(Driver& driver) {
    size_t count = 0;
    while (driver.take_completed().state == virtq::CompletionState::ready) {
        ++count;
    }
    return count;
}

template <class RingFormat>
void entropy(size_t batch) {
    using Driver = virtq::EntropyDevice<AnyRegisters, 64, TraitsOf<virtq::DriverTraits, RingFormat>>;
    Running<Driver, RingFormat> running{virtq::spec::DeviceId::entropy};
    Driver& driver = running.driver;
    Device<RingFormat> device;
    running.open(device);
    running.measure("entropy", batch, [&] {
        drive_submit(driver, batch);
        device.serve();
        if (drive_take(driver) != batch) {
            fail("an entropy request did not end");
        }
    });
}

// --- 9P: a request and its answer, of a header each ---

/// Answers each request with its header.
class P9Chain {
public:
    template <class Descriptor>
    void pass(Descriptor const& one) {
        if ((one.flags & flag_write) == 0) {
            std::memcpy(header_, at<uint8_t>(one.addr), sizeof header_);
        }
    }
    template <class Descriptor>
    [[nodiscard]] uint32_t finish(Descriptor const& last) const {
        std::memcpy(at<uint8_t>(last.addr), header_, sizeof header_);
        ++at<uint8_t>(last.addr)[virtq::spec::p9::header::type];
        return sizeof header_;
    }

private:
    uint8_t header_[virtq::spec::p9::header::bytes] = {};
};

template <class Driver>
[[gnu::noinline]] void drive_messages(Driver& driver, size_t batch) {
    constexpr size_t answer_bytes = 16;
    uint8_t message[] = {7, 0, 0, 0, 100, 0, 0};
    for (size_t i = 0; i < batch; ++i) {
        message[virtq::spec::p9::header::tag] = static_cast<uint8_t>(i);
        require(driver.submit({message, {buffers[i], answer_bytes}}, virtq::Token{i}));
    }
    driver.kick_device();
}

template <class RingFormat>
void p9(size_t batch) {
    using Driver = virtq::P9Device<AnyRegisters, 64, TraitsOf<virtq::P9Traits, RingFormat>>;
    Running<Driver, RingFormat> running{virtq::spec::DeviceId::transport_9p};
    Driver& driver = running.driver;
    Device<RingFormat, P9Chain> device;
    running.open(device);
    running.measure("p9", batch, [&] {
        drive_messages(driver, batch);
        device.serve();
        if (drive_take(driver) != batch || driver.driver_fault()) {
            fail("a request of 9P did not end");
        }
    });
}

// --- console: 64 bytes each way ---

template <class Driver>
[[gnu::noinline]] void drive_write(Driver& driver) {
    auto const written = driver.write({buffers[0], 64});
    if (!written || *written != 64) {
        fail("a console did not take 64 bytes");
    }
}
template <class Driver>
[[gnu::noinline]] void drive_read(Driver& driver) {
    auto const got = driver.read({buffers[1], 64});
    if (!got || *got != 64) {
        fail("a console had no 64 bytes");
    }
}

template <class RingFormat>
void console() {
    using Driver = virtq::ConsoleDevice<AnyRegisters, 64, TraitsOf<SmallBuffers, RingFormat>>;
    Running<Driver, RingFormat> running{virtq::spec::DeviceId::console};
    Driver& driver = running.driver;
    Device<RingFormat> receive;
    Device<RingFormat> transmit;
    running.open(receive);
    running.open(transmit, 1);
    running.measure("console write", 1, [&] {
        drive_write(driver);
        transmit.serve();
    });
    receive.serve();
    running.measure("console read", 1, [&] {
        drive_read(driver);
        receive.serve();
    });
}

// --- network card: packets of 64 bytes ---

template <class Driver>
[[gnu::noinline]] void drive_send(Driver& driver, virtq::Span<virtq::NetFrame const> frames) {
    if (driver.submit_burst(frames).count != frames.size()) {
        fail("a card did not take a packet");
    }
}
template <class Driver>
[[gnu::noinline]] size_t drive_sent(Driver& driver) {
    size_t count = 0;
    driver.for_each_sent([&](virtq::Token) { ++count; });
    return count;
}
template <class Driver>
[[gnu::noinline]] size_t drive_receive(Driver& driver, uint32_t most) {
    size_t count = 0;
    driver.receive_each([&](virtq::NetPacket const&) { ++count; }, most);
    return count;
}

template <class RingFormat>
void net(size_t batch) {
    using Driver = virtq::NetDevice<AnyRegisters, 256, TraitsOf<virtq::NetTraits, RingFormat>>;
    Running<Driver, RingFormat> running{virtq::spec::DeviceId::net};
    Driver& driver = running.driver;
    Device<RingFormat> receive;
    Device<RingFormat> transmit;
    running.open(receive, 0, 256);
    running.open(transmit, 1, 256);
    virtq::NetFrame frames[batch_max];
    for (size_t i = 0; i < batch; ++i) {
        frames[i] = {buffer(i, 64), virtq::Token{i}};
    }
    running.measure("net send", batch, [&] {
        drive_send(driver, {frames, batch});
        transmit.serve();
        if (drive_sent(driver) != batch) {
            fail("a packet was not sent");
        }
    });
    receive.serve();
    running.measure("net receive", batch, [&] {
        if (drive_receive(driver, static_cast<uint32_t>(batch)) != batch) {
            fail("a packet did not come");
        }
        receive.serve();
    });
}

// --- GPU: a flush of one rectangle, which is two commands ---

template <class Driver>
[[gnu::noinline]] void drive_flush(Driver& driver, virtq::GpuPicture const& picture, size_t batch) {
    for (size_t i = 0; i < batch; ++i) {
        require(driver.submit_flush(picture, {static_cast<uint32_t>(i), 0, 1, 1}, virtq::Token{i}));
    }
    driver.kick_device();
}

template <class RingFormat>
void gpu(size_t batch) {
    using Driver = virtq::GpuDevice<AnyRegisters, 64, TraitsOf<virtq::GpuTraits, RingFormat>>;
    Running<Driver, RingFormat> running{virtq::spec::DeviceId::gpu};
    Driver& driver = running.driver;
    Device<RingFormat, AnsweringChain> device;
    running.open(device);
    auto const serve = [&] { device.serve(); };
    virtq::Segment const memory = buffer(0, 2048);
    auto const picture = driver.create({16, 16}, memory, virtq::PollLimit{10}, serve);
    require(picture);
    running.measure("gpu flush", batch, [&] {
        drive_flush(driver, *picture, batch);
        device.serve();
        if (drive_take(driver) != batch) {
            fail("a flush did not end");
        }
    });
}

// --- input: events of 8 bytes ---

template <class Driver>
[[gnu::noinline]] size_t drive_events(Driver& driver, uint32_t most) {
    size_t count = 0;
    driver.take_each([&](virtq::InputEvent) { ++count; }, most);
    return count;
}

template <class RingFormat>
void input(size_t batch) {
    using Driver = virtq::InputDevice<AnyRegisters, 64, TraitsOf<virtq::InputTraits, RingFormat>>;
    Running<Driver, RingFormat> running{virtq::spec::DeviceId::input};
    Driver& driver = running.driver;
    Device<RingFormat> events;
    running.open(events);
    events.serve();
    running.measure("input", batch, [&] {
        if (drive_events(driver, static_cast<uint32_t>(batch)) != batch) {
            fail("an event did not come");
        }
        events.serve();
    });
}

// --- balloon: pages given, in one request ---

template <class Driver>
[[gnu::noinline]] void drive_pages(Driver& driver, virtq::Span<virtq::PhysAddr const> given) {
    require(driver.submit_inflate(given, virtq::Token{1}));
    driver.kick_device();
}

template <class RingFormat>
void balloon(size_t batch) {
    using Driver = virtq::BalloonDevice<AnyRegisters, 64, TraitsOf<virtq::BalloonTraits, RingFormat>>;
    Running<Driver, RingFormat> running{virtq::spec::DeviceId::traditional_balloon};
    Driver& driver = running.driver;
    Device<RingFormat> inflates;
    running.open(inflates);
    virtq::PhysAddr given[batch_max];
    for (size_t i = 0; i < batch; ++i) {
        given[i] = virtq::PhysAddr{virtq::page_bytes * (i + 1)};
    }
    running.measure("balloon inflate", batch, [&] {
        drive_pages(driver, {given, batch});
        inflates.serve();
        if (drive_take(driver) != 1) {
            fail("an inflation did not end");
        }
    });
}

template <class RingFormat>
void measure_all() {
    console<RingFormat>();
    for (size_t const batch : {1, 16}) {
        entropy<RingFormat>(batch);
        p9<RingFormat>(batch);
        net<RingFormat>(batch);
        input<RingFormat>(batch);
        balloon<RingFormat>(batch);
        gpu<RingFormat>(batch);
    }
}

template <class Driver>
void print_facts(char const* name) {
    std::printf("%s %zu %u\n", name, sizeof(Driver), static_cast<unsigned>(Driver::page_count()));
}

}  // namespace bench

int main(int count, char** arguments) {
    using Transport = virtq::MmioTransport<>;
    if (count > 1 && std::string_view{arguments[1]} == "--facts") {
        bench::print_facts<virtq::BlockDevice<Transport, 64>>("block");
        bench::print_facts<virtq::EntropyDevice<Transport>>("entropy");
        bench::print_facts<virtq::P9Device<Transport>>("p9");
        bench::print_facts<virtq::ConsoleDevice<Transport, 16>>("console");
        bench::print_facts<virtq::NetDevice<Transport, 256>>("net");
        bench::print_facts<virtq::GpuDevice<Transport>>("gpu");
        bench::print_facts<virtq::InputDevice<Transport>>("input");
        bench::print_facts<virtq::BalloonDevice<Transport>>("balloon");
        return 0;
    }
    bench::measure_all<virtq::Split>();
    bench::measure_all<virtq::Packed>();
    return 0;
}
