// SPDX-License-Identifier: MIT
#include <order/packed_device.hpp>
#include <order/split_device.hpp>

#include <virtq/base/assert.hpp>
#include <virtq/virtq.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

/// Driver and device in two threads, with the library's own platform/. The thread sanitizer detects accesses that
/// release and acquire do not order. The fences of the machine that runs it matter, too.
///
/// The sanitizer does not understand fences, and need not. The rings use fences only against a lost notification, which
/// shows as an endless wait. The bells are relaxed, so that they order nothing for the rings.
extern "C" [[noreturn]] void virtq_assertion_failed(char const* rule, char const* file, int line) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, rule);
    std::abort();
}

namespace virtq::order {
namespace {

struct Setup {
    char const* name;
    bool packed;
    bool event_idx;
    bool asleep;  ///< both wait for notifications; otherwise both poll
    bool in_order = false;
    bool indirect = false;
};

constexpr std::uint16_t queue_size = 8;
constexpr unsigned chains = 50000;
constexpr unsigned in_flight = 4;

void require(bool condition, char const* otherwise) {
    if (!condition) {
        throw std::runtime_error(otherwise);
    }
}

class Bell {
public:
    void ring() { rung_.fetch_add(1, std::memory_order_relaxed); }
    /// Waits until the bell has rung since the last wait.
    void wait(char const* lost) {
        auto const deadline = std::chrono::steady_clock::now() + std::chrono::minutes(10);  // only against a hang
        while (rung_.load(std::memory_order_relaxed) == heard_) {
            require(std::chrono::steady_clock::now() < deadline, lost);
            std::this_thread::yield();
        }
        heard_ = rung_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<unsigned> rung_{0};
    unsigned heard_ = 0;  ///< rings that the waiting side has seen
};

struct Machine {
    explicit Machine(Setup const& how) : setup(how) {}

    Setup setup;
    Guest guest;
    Bell doorbell;
    Bell interrupt;
    std::atomic<bool> has_failed{false};

    [[nodiscard]] std::uint32_t* word(std::uint64_t phys) { return guest.at<std::uint32_t>(phys); }
};

template <class Queue>
void drive(Machine& machine, Queue& queue) {
    bool const asleep = machine.setup.asleep;
    unsigned added = 0;
    unsigned done = 0;
    while (done != chains && !machine.has_failed.load(std::memory_order_relaxed)) {
        for (; added != chains && added - done != in_flight; ++added) {
            Segment const readable[] = {{Guest::request(added, 0), 4}};
            Segment const writable[] = {{Guest::answer(added), 4}};
            *machine.word(readable[0].addr.value) = added;
            require(queue.add(readable, writable, Token(std::uintptr_t{added})).ok(), "a chain was refused");
        }
        if (queue.publish()) {
            machine.doorbell.ring();
        }
        bool any = false;
        while (Completion const completion = queue.take_used()) {
            auto const number = static_cast<unsigned>(completion.token.value());
            require(completion.written == 4, "the used length is not what the device wrote");
            require(*machine.word(Guest::answer(number).value) == ~number, "the answer is not what the device wrote");
            ++done;
            any = true;
        }
        require(!queue.fault(), "an honest device broke the queue");
        if (any || done == chains) {
            continue;
        }
        if (!asleep) {
            std::this_thread::yield();
            continue;
        }
        if (queue.enable_used_notifications() == MaySleep::yes) {
            machine.interrupt.wait("an interrupt was lost");
        }
        queue.disable_used_notifications();
    }
}

template <class Device>
void serve(Machine& machine, Device& device) {
    bool const asleep = machine.setup.asleep;
    unsigned done = 0;
    while (done != chains && !machine.has_failed.load(std::memory_order_relaxed)) {
        if (!device.look()) {
            if (!asleep) {
                std::this_thread::yield();
                continue;
            }
            if (!device.ask_for_notification()) {
                machine.doorbell.wait("a notification was lost");
            }
            device.suppress_notifications();
            continue;
        }
        do {
            Request const request = device.take();
            require(request.count == 2 && !request.pieces[0].is_writable && request.pieces[1].is_writable,
                    "a chain is not what the driver made");
            std::uint32_t const number = *machine.word(request.pieces[0].addr);
            require(number == done, "the buffer does not have what the driver wrote");
            *machine.word(request.pieces[1].addr) = ~number;
            if constexpr (requires { device.publish(); }) {
                device.use(request, 4);
                device.publish();
            } else {
                device.use(request, 4, request.descriptors);
            }
            ++done;
            if (asleep && device.wants_interrupt()) {
                machine.interrupt.ring();
            }
        } while (device.has());
    }
}

/// Whether both sides finish.
template <class Queue, class Device>
[[nodiscard]] bool runs(Setup const& setup) {
    Machine machine(setup);
    Queue queue;
    Features features = Features::of(spec::Feature::version_1);
    auto const with = [&](bool wanted, spec::Feature feature) {
        features = wanted ? features | Features::of(feature) : features;
    };
    with(setup.packed, spec::Feature::ring_packed);
    with(setup.event_idx, spec::Feature::event_idx);
    with(setup.in_order, spec::Feature::in_order);
    with(setup.indirect, spec::Feature::indirect_desc);
    QueueOption const option{.indirect = {.tables = 4, .length = 4, .shortest = 2}};
    require(queue.init(machine.guest, queue_size, features, option).ok(), "no queue");
    queue.attach();
    QueueAddresses const where = queue.addresses();

    auto const until_it_ends = [&](char const* side, auto const& run) {
        try {
            run();
        } catch (std::exception const& failure) {
            machine.has_failed.store(true, std::memory_order_relaxed);
            std::printf("%s: %s: %s\n", setup.name, side, failure.what());
        }
    };
    std::thread device([&] {
        until_it_ends("device", [&] {
            Device simulated(machine.guest, where.descriptor_area.value, where.driver_area.value,
                             where.device_area.value, where.size, setup.event_idx);
            serve(machine, simulated);
        });
    });
    until_it_ends("driver", [&] { drive(machine, queue); });
    device.join();
    std::printf("%s: %s\n", setup.name, machine.has_failed.load() ? "FAILED" : "good");
    return !machine.has_failed.load();
}

constexpr Setup setups[] = {
    {"split, polling", false, false, false},
    {"split, asleep", false, false, true},
    {"split, asleep, event index", false, true, true},
    {"split, asleep, in order, indirect", false, true, true, true, true},
    {"packed, polling", true, false, false},
    {"packed, asleep", true, false, true},
    {"packed, asleep, event index", true, true, true},
    {"packed, asleep, in order, indirect", true, true, true, true, true},
};

}  // namespace
}  // namespace virtq::order

int main() {
    using namespace virtq;
    bool good = true;
    for (order::Setup const& setup : order::setups) {
        good &= setup.packed ? order::runs<VirtQueue<order::queue_size, Packed>, order::PackedDevice>(setup)
                             : order::runs<VirtQueue<order::queue_size, Split>, order::SplitDevice>(setup);
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
