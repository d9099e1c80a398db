// SPDX-License-Identifier: MIT
#include <order/litmus.hpp>
#include <order/packed_device.hpp>
#include <order/split_device.hpp>

#include <virtq/platform/mmio_space.hpp>
#include <virtq/virtq.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace virtq::order {

static_assert(platform::ring_memory_is_replaced && platform::fence_is_replaced && platform::device_order_is_replaced,
              "tests/order stands before include/ in the include path, at the paths that the library includes");

namespace {

Guest guest;
QueueAddresses addresses;    // what a transport would write to the device
std::uint32_t registers[2];  // doorbell, interrupt status

[[nodiscard]] std::uint32_t request_of(unsigned number) {
    return 100 + number;
}
[[nodiscard]] std::uint32_t answer_of(unsigned number) {
    return 200 + number;
}
/// The buffer to which the device writes the answer.
[[nodiscard]] PhysAddr answer_buffer(Litmus const& litmus, unsigned number) {
    bool const again = litmus.buffer_again || (litmus.reads_within && number == 3);
    return Guest::answer(again ? 0 : number);
}
/// What the driver had in the answer buffer of chain 1.
constexpr std::uint32_t old_content = 99;
/// The number of bytes written, of 8. Neighbours differ.
[[nodiscard]] std::uint32_t written_of(unsigned number) {
    return 4 + 4 * (number % 2);
}

// --- driver ---------------------------------------------------------------------------------------------------------

[[nodiscard]] Features features_of(Litmus const& litmus) {
    Features features = Features::of(spec::Feature::version_1);
    auto const with = [&](bool wanted, spec::Feature feature) {
        features = wanted ? features | Features::of(feature) : features;
    };
    with(litmus.packed, spec::Feature::ring_packed);
    with(litmus.event_idx, spec::Feature::event_idx);
    with(litmus.in_order, spec::Feature::in_order);
    with(litmus.indirect, spec::Feature::indirect_desc);
    with(litmus.hardware, spec::Feature::order_platform);
    return features;
}

/// The driver's side, with the chain tier.
template <class Queue>
class ChainDriver {
public:
    explicit ChainDriver(Litmus const& litmus) : litmus_(litmus) {
        Setup const setup;
        guest.forget();
        QueueOption const option{.indirect = {.tables = 2, .length = 3, .shortest = 2}};
        require(queue_.init(guest, litmus.size, features_of(litmus), option).ok(), "no queue");
        queue_.attach();
        addresses = queue_.addresses();
    }

    void run() {
        if (litmus_.driver == DriverWaits::informed) {
            require(enable() == MaySleep::yes, "something is there that was never asked for");
        }
        while (done_ != litmus_.chains) {
            fill();
            begin_look();
            take_all();
            if (done_ != litmus_.chains && !has_room()) {
                wait();
            }
        }
    }

private:
    [[nodiscard]] bool has_room() const { return added_ != litmus_.chains && added_ - done_ < litmus_.at_once; }
    void fill() {
        if (litmus_.burst) {
            fill_by_burst();
            return;
        }
        bool pending = false;
        for (; has_room(); ++added_) {
            add(added_);
            pending = true;
            if (!litmus_.one_publish) {
                publish();
                pending = false;
            }
        }
        if (pending) {
            publish();
        }
    }

    /// Submits the next chains at once. With `reads_within` the first burst has one chain, whose answer is read late:
    /// when the last chain of the second burst offers its buffer again.
    void fill_by_burst() {
        unsigned const first = added_;
        unsigned count = 0;
        while (first + count != litmus_.chains && first + count - done_ < litmus_.at_once) {
            ++count;
        }
        count = litmus_.reads_within && first == 0 ? 1 : count;
        if (count == 0) {
            return;
        }
        if (litmus_.reads_old && first == 0) {
            platform::store_plain(guest.at<std::uint32_t>(Guest::answer(1).value), old_content);
        }
        Segment segments[4][Request::segments_max];
        bool const refuses = litmus_.refused_first && first == 0;
        Segment const bad[] = {{Guest::answer(first), 8}, {Guest::answer(first), 0}};
        auto const get = [&](std::size_t i) {
            if (refuses && i == 2) {
                return Chain{{}, bad, Token{}};
            }
            auto const number = first + static_cast<unsigned>(i);
            added_ = number + 1;
            if (litmus_.reads_within && number == 3) {
                load_late(guest.at<std::uint32_t>(Guest::answer(0).value), 4, answer_of(0),
                          "a buffer was offered early");
            }
            if (litmus_.reads_old && number == 1) {
                load_late(guest.at<std::uint32_t>(Guest::answer(1).value), 4, old_content,
                          "a buffer was offered early");
            }
            prepare(number, segments[i]);
            segments[i][litmus_.segments - 1] = {answer_buffer(litmus_, number), 8};
            return Chain{{segments[i], litmus_.segments - 1u},
                         {segments[i] + litmus_.segments - 1u, 1},
                         Token{std::uintptr_t{number}}};
        };
        auto const get_fixed = [&](std::size_t i) {
            Chain const chain = get(i);
            return WritableBuffer{{chain.writable.end()[-1]}, chain.token};
        };
        if (litmus_.fixed ? submit_burst(count, get_fixed, refuses) : submit_burst(count, get, refuses)) {
            notify();
        }
    }
    template <class Get>
    [[nodiscard]] bool submit_burst(unsigned count, Get const& get, bool refuses) {
        Call const call("submit_burst");
        SubmittedBurst const made = queue_.submit_burst(count, get);
        require(made.count == (refuses ? 2 : count), "a burst ended too early, or too late");
        return made.notification.needed;
    }

    /// The readable segments of a chain.
    void prepare(unsigned number, Segment* readable) {
        for (unsigned i = 0; i < litmus_.segments - 1; ++i) {
            readable[i] = {Guest::request(number, i), 4};
            platform::store_plain(guest.at<std::uint32_t>(readable[i].addr.value), request_of(number));
        }
    }

    void add(unsigned number) {
        Segment readable[Request::segments_max];
        unsigned const count = litmus_.segments - 1;
        prepare(number, readable);
        Segment const writable[] = {{answer_buffer(litmus_, number), 8}};
        if (litmus_.refused_first) {
            Segment const bad[] = {{Guest::answer(number), 8}, {Guest::answer(number), 0}};
            require(!queue_.add({}, bad, Token{}).ok(), "an empty segment was accepted");
        }
        if constexpr (has_tier) {
            if (litmus_.tier) {
                push(readable, count, writable[0], number);
                return;
            }
        }
        require(queue_.add({readable, count}, writable, Token(std::uintptr_t{number})).ok(), "a chain was refused");
    }
    /// Adds the chain through the descriptor tier.
    void push(Segment const* readable, unsigned count, Segment const& writable, unsigned number) {
        constexpr auto next = static_cast<std::uint16_t>(spec::DescFlag::next);
        constexpr auto write = static_cast<std::uint16_t>(spec::DescFlag::write);
        DescIndex descriptors[Request::segments_max];
        for (unsigned i = 0; i <= count; ++i) {
            descriptors[i] = *queue_.alloc_desc();
        }
        for (unsigned i = 0; i < count; ++i) {
            queue_.write_desc(descriptors[i], readable[i].addr, readable[i].bytes, next, descriptors[i + 1]);
        }
        queue_.write_desc(descriptors[count], writable.addr, writable.bytes, write, DescIndex{});
        pushed_[virtq::number(descriptors[0])] = number;
        Call const call("push_avail");
        require(queue_.push_avail(descriptors[0]).ok(), "a chain was refused");
    }

    void publish() {
        if (notification()) {
            notify();
        }
    }
    void notify() {
        MmioSpace space(reinterpret_cast<std::uintptr_t>(registers));
        Call const call("notify");
        space.write32(0, 0);
        ring_doorbell();
    }
    [[nodiscard]] bool notification() {
        Call const call("publish");
        return queue_.publish().needed;
    }

    /// Takes all completions.
    void take_all() {
        if (litmus_.burst) {
            take_bursts();
            return;
        }
        while (done_ != litmus_.chains) {
            Completion const completion = take();
            require(completion.state != CompletionState::broken, "an honest device broke the queue");
            if (!completion) {
                return;
            }
            check(completion);
            ++done_;
        }
    }
    void take_bursts() {
        Completion
            room[2];  // a third look in one call could be left out: the interrupt of the first one is on its way
        while (done_ != litmus_.chains) {
            TakenBurst const taken = take_burst(room);
            require(taken.state != CompletionState::broken, "an honest device broke the queue");
            for (std::size_t i = 0; i < taken.count; ++i) {
                check(room[i]);
                ++done_;
            }
            if (taken.state == CompletionState::none) {
                return;
            }
        }
    }
    [[nodiscard]] TakenBurst take_burst(Span<Completion> room) {
        Call const call("take_burst");
        return queue_.take_burst(room);
    }
    [[nodiscard]] Completion take() {
        if constexpr (has_tier) {
            if (litmus_.tier) {
                return poll();
            }
        }
        Call const call("take_used");
        return queue_.take_used();
    }
    [[nodiscard]] Completion poll() {
        if (!has_used()) {
            return {};
        }
        UsedChain const used = poll_used();
        if (!used) {
            return {Token{}, 0, used.state};
        }
        queue_.free_chain(used.head);
        return {Token(std::uintptr_t{pushed_[virtq::number(used.head)]}), used.len, used.state};
    }
    [[nodiscard]] bool has_used() {
        if (litmus_.driver == DriverWaits::informed) {
            return true;  // poll_used checks it, and moves the event
        }
        Call const call("has_used");
        return queue_.has_used();
    }
    [[nodiscard]] UsedChain poll_used() {
        Call const call("poll_used");
        return queue_.poll_used();
    }
    void check(Completion const& completion) {
        auto const number = static_cast<unsigned>(completion.token.value());
        require(number < added_ && (done_before_ & 1u << number) == 0, "a token came back that is not in flight");
        done_before_ |= 1u << number;
        // §2.7.9: with IN_ORDER all but the last chain of a batch count as completely written.
        bool const is_skipped = litmus_.in_order && litmus_.used_at_once > 1;
        require(completion.written == written_of(number) || (is_skipped && completion.written == 8),
                "the used length is not what the device wrote");
        auto const* const answer = guest.at<std::uint32_t>(answer_buffer(litmus_, number).value);
        if (litmus_.reads_within && number == 0) {
            return;  // read later, in the middle of a burst
        }
        if (litmus_.buffer_again) {
            load_late(answer, sizeof(*answer), answer_of(number), "the buffer has another chain's answer");
        } else {
            require(platform::load_relaxed(answer) == answer_of(number),
                    "the buffer does not have what the device wrote");
        }
    }

    void wait() {
        switch (litmus_.driver) {
            case DriverWaits::polling: spin(); return;
            case DriverWaits::asleep:
                if (enable() == MaySleep::yes) {
                    sleep();
                }
                queue_.disable_used_notifications();
                return;
            case DriverWaits::informed: sleep(); return;
        }
    }
    [[nodiscard]] MaySleep enable() {
        Call const call("enable_used_notifications");
        return queue_.enable_used_notifications();
    }
    void sleep() {
        wait_for_interrupt(litmus_.interrupt);
        if (litmus_.interrupt == InterruptKind::line) {
            MmioSpace const space(reinterpret_cast<std::uintptr_t>(registers));
            Call const call("interrupt_status");
            static_cast<void>(space.read32(4));
        }
    }

    static constexpr bool has_tier = std::is_same_v<Queue, VirtQueue<Queue::capacity, Split>>;

    Litmus const& litmus_;
    Queue queue_;
    unsigned pushed_[Queue::capacity] = {};  ///< the number of the chain with this head
    unsigned added_ = 0;
    unsigned done_ = 0;
    unsigned done_before_ = 0;  ///< one bit for each chain
};

template <class Queue>
void drive(void const* parameter) {
    ChainDriver<Queue>(*static_cast<Litmus const*>(parameter)).run();
}

// --- device ---------------------------------------------------------------------------------------------------------

/// The device's side: it answers each request.
template <class Device>
class Server {
public:
    Server(Device& device, Litmus const& litmus) : device_(device), litmus_(litmus) {}

    void run() {
        if (litmus_.device == DeviceWaits::asleep) {
            device_.suppress_notifications();
        }
        for (;;) {
            begin_look();
            while (device_.look()) {
                while (device_.has()) {
                    serve();
                }
            }
            if (served_ == litmus_.chains) {
                return;
            }
            wait();
        }
    }

private:
    void serve() {
        Request requests[4];
        unsigned count = 0;
        do {
            requests[count++] = device_.take();
        } while (count != litmus_.used_at_once && served_ + count != litmus_.chains && device_.has_more());
        for (unsigned i = 0; i < count; ++i) {
            answer(requests[i], served_ + i);
        }
        use(requests, count);
        served_ += count;
        if (litmus_.driver != DriverWaits::polling && device_.wants_interrupt()) {
            send_interrupt();
        }
    }

    void answer(Request const& request, unsigned number) {
        require(request.count == litmus_.segments, "the chain is not as long as it was made");
        for (unsigned i = 0; i + 1 < request.count; ++i) {
            require(!request.pieces[i].is_writable && request.pieces[i].bytes == 4,
                    "a descriptor is not what the driver wrote");
            require(platform::load_relaxed(guest.at<std::uint32_t>(request.pieces[i].addr)) == request_of(number),
                    "the buffer does not have what the driver wrote");
        }
        Request::Piece const& writable = request.pieces[request.count - 1];
        require(writable.is_writable && writable.bytes == 8 && writable.addr == answer_buffer(litmus_, number).value,
                "a descriptor is not what the driver wrote");
        platform::store_relaxed(guest.at<std::uint32_t>(writable.addr), answer_of(number));
    }

    void use(Request const* requests, unsigned count) {
        unsigned descriptors = 0;
        for (unsigned i = 0; i < count; ++i) {
            descriptors += requests[i].descriptors;
        }
        if (litmus_.in_order) {
            use(requests[count - 1], served_ + count - 1, count, descriptors);
        } else {
            for (unsigned i = count; i-- != 0;) {
                use(requests[i], served_ + i, 1, requests[i].descriptors);
            }
        }
        if constexpr (requires { device_.publish(); }) {
            device_.publish();
        }
    }
    void use(Request const& request, unsigned number, unsigned chains, unsigned descriptors) {
        if constexpr (requires { device_.publish(); }) {
            device_.use(request, written_of(number), chains);
        } else {
            device_.use(request, written_of(number), descriptors);
        }
    }

    void wait() {
        switch (litmus_.device) {
            case DeviceWaits::polling: spin(); return;
            case DeviceWaits::asleep:
                if (!device_.ask_for_notification()) {
                    wait_for_doorbell();
                }
                device_.suppress_notifications();
                return;
            case DeviceWaits::informed: wait_for_doorbell(); return;
        }
    }

    Device& device_;
    Litmus const& litmus_;
    unsigned served_ = 0;
};

template <class Device>
void serve(void const* parameter) {
    auto const& litmus = *static_cast<Litmus const*>(parameter);
    Device device(guest, addresses.descriptor_area.value, addresses.driver_area.value, addresses.device_area.value,
                  addresses.size, litmus.event_idx);
    Server<Device>(device, litmus).run();
}

// --- the programs ---------------------------------------------------------------------------------------------------

enum class Differs : std::uint8_t { by_hardware, by_hardware_and_event_idx, by_event_idx };

class Collection {
public:
    void add(Litmus const& base, Differs differs = Differs::by_hardware) {
        for (bool const packed : {false, true}) {
            if (packed && base.tier) {
                continue;
            }
            for (bool const event_idx : {false, true}) {
                for (bool const hardware : {false, true}) {
                    if ((!event_idx || differs != Differs::by_hardware) &&
                        (!hardware || differs != Differs::by_event_idx)) {
                        add(base, packed, event_idx, hardware);
                    }
                }
            }
        }
    }
    void add(Litmus litmus, bool packed, bool event_idx, bool hardware) {
        litmus.name += packed ? "Packed" : "Split";
        litmus.name += event_idx ? "WithEventIdx" : "";
        litmus.name += hardware ? "OnHardware" : "";
        litmus.packed = packed;
        litmus.event_idx = event_idx;
        litmus.hardware = hardware;
        all.push_back(litmus);
    }

    std::vector<Litmus> all;
};

std::vector<Litmus> collect() {
    Collection programs;
    // §2.7.13.1 to .3, §2.8.21.1: descriptors and buffers are visible before the index or the first flags.
    programs.add({.name = "DescriptorBeforeIndex", .size = 4, .chains = 3, .segments = 3});
    // One index, or the first flags of several chains, becomes visible last.
    programs.add({.name = "BatchBeforeIndex", .size = 4, .chains = 3, .at_once = 2, .one_publish = true});
    // A packed ring of an odd size wraps within a chain.
    programs.add({.name = "WrapWithinChain", .size = 3, .chains = 3}, true, false, false);
    programs.add({.name = "WrapWithinChain", .size = 3, .chains = 3}, true, false, true);
    // A half-written, rejected chain leaves nothing that the device could read as a chain.
    programs.add({.name = "RefusedChain", .refused_first = true, .size = 4, .at_once = 2, .one_publish = true});
    // §2.7.5.3, §2.8.7: a table is visible before its descriptor.
    programs.add({.name = "TableBeforeDescriptor", .indirect = true, .size = 4, .segments = 3, .at_once = 2});
    // §2.7.8.2, §2.8.22: the driver reads an entry and its buffer after the index or flags that announce them.
    programs.add({.name = "IndexBeforeUsedEntry",
                  .size = 4,
                  .chains = 3,
                  .at_once = 2,
                  .one_publish = true,
                  .used_at_once = 2});
    // The driver reads a returned buffer before the index or flags that offer it again are visible (faults B13).
    programs.add({.name = "AnswerBeforeNextOffer", .buffer_again = true, .chains = 3});
    // §2.7.9, §2.8.8: one used entry completes two chains.
    programs.add({.name = "BatchInOrder",
                  .in_order = true,
                  .size = 4,
                  .chains = 4,
                  .at_once = 2,
                  .one_publish = true,
                  .used_at_once = 2});
    programs.add({.name = "BatchInOrderAsleep",
                  .in_order = true,
                  .size = 4,
                  .chains = 4,
                  .at_once = 2,
                  .one_publish = true,
                  .used_at_once = 2,
                  .driver = DriverWaits::informed},
                 Differs::by_hardware_and_event_idx);
    // §2.7.13.4.1, §2.8.21.3.1: the chain is visible before the driver checks whether to notify.
    programs.add({.name = "LostNotification", .size = 4, .at_once = 2, .device = DeviceWaits::asleep},
                 Differs::by_hardware_and_event_idx);
    // §2.7.7, §2.8.10: the request for an interrupt is visible before the driver polls once more.
    programs.add(
        {.name = "LostInterrupt", .size = 4, .at_once = 2, .one_publish = true, .driver = DriverWaits::asleep},
        Differs::by_hardware_and_event_idx);
    // Both handshakes, with a ring that wraps.
    programs.add(
        {.name = "BothAsleep", .is_large = true, .driver = DriverWaits::asleep, .device = DeviceWaits::asleep},
        Differs::by_event_idx);
    // A handler that leaves notifications enabled: with EVENT_IDX take_used() moves the event.
    programs.add(
        {.name = "NotificationsStayOn", .size = 4, .at_once = 2, .one_publish = true, .driver = DriverWaits::informed},
        Differs::by_hardware_and_event_idx);
    // What a doorbell announces is visible when the device sees the doorbell.
    programs.add({.name = "RingBeforeDoorbell", .device = DeviceWaits::informed});
    // After the interrupt status the driver reads no older values.
    programs.add({.name = "StatusBeforeRing", .driver = DriverWaits::informed, .interrupt = InterruptKind::line});
    // Bursts show their first two chains early: each index, or first flags, comes after what it exposes.
    programs.add({.name = "BurstBeforeIndex", .burst = true, .size = 4, .chains = 3, .segments = 1, .at_once = 3});
    programs.add({.name = "BurstWraps", .burst = true, .size = 3, .chains = 3, .segments = 1, .at_once = 3}, true,
                 false, false);
    programs.add({.name = "BurstOfTables",
                  .indirect = true,
                  .burst = true,
                  .size = 4,
                  .chains = 2,
                  .segments = 2,
                  .at_once = 2});
    // A packed ring has a way of its own for chains of a fixed shape.
    programs.add(
        {.name = "BurstOfFixed", .burst = true, .fixed = true, .size = 4, .chains = 3, .segments = 1, .at_once = 3});
    programs.add({.name = "BurstOfFixedRefused",
                  .refused_first = true,
                  .burst = true,
                  .fixed = true,
                  .size = 4,
                  .chains = 3,
                  .segments = 1,
                  .at_once = 3});
    programs.add({.name = "BurstOfFixedReadsOld",
                  .burst = true,
                  .fixed = true,
                  .reads_old = true,
                  .size = 4,
                  .chains = 3,
                  .segments = 1,
                  .at_once = 3});
    // The third chain is rejected, half written, behind two that the device may use already.
    programs.add({.name = "BurstRefused",
                  .refused_first = true,
                  .burst = true,
                  .size = 4,
                  .chains = 3,
                  .segments = 1,
                  .at_once = 3});
    // One fence decides for chains that became visible at different times.
    programs.add({.name = "BurstLostNotification",
                  .burst = true,
                  .size = 4,
                  .chains = 3,
                  .segments = 1,
                  .at_once = 3,
                  .device = DeviceWaits::asleep},
                 Differs::by_hardware_and_event_idx);
    programs.add({.name = "BurstStaysOn",
                  .burst = true,
                  .size = 4,
                  .chains = 3,
                  .segments = 1,
                  .at_once = 3,
                  .driver = DriverWaits::informed},
                 Differs::by_hardware_and_event_idx);
    programs.add({.name = "BurstInOrder",
                  .in_order = true,
                  .burst = true,
                  .size = 4,
                  .chains = 3,
                  .segments = 1,
                  .at_once = 3,
                  .used_at_once = 2});
    // What is read before a burst, or within it, is read before the device gets the buffer again.
    programs.add({.name = "BurstAnswerBeforeNextOffer", .burst = true, .buffer_again = true, .segments = 1});
    for (bool const packed : {false, true}) {
        programs.add({.name = "BurstAnswerReadWithin",
                      .burst = true,
                      .reads_within = true,
                      .size = 4,
                      .chains = 4,
                      .segments = 1,
                      .at_once = 3},
                     packed, false, true);
    }
    // The descriptor tier: each push_avail() publishes, and publish() only decides on a notification.
    programs.add({.name = "DescriptorTier", .tier = true, .size = 4, .at_once = 2});
    programs.add({.name = "DescriptorTierAnswerBeforeNextOffer", .tier = true, .buffer_again = true, .chains = 3});
    programs.add({.name = "DescriptorTierAsleep",
                  .tier = true,
                  .size = 4,
                  .at_once = 2,
                  .driver = DriverWaits::informed,
                  .device = DeviceWaits::asleep},
                 Differs::by_hardware_and_event_idx);
    return programs.all;
}

}  // namespace

std::vector<Litmus> const& all_litmus() {
    static std::vector<Litmus> const all = collect();
    return all;
}

Program program_of(Litmus const& litmus) {
    using SplitQueue = VirtQueue<4, Split>;
    using PackedQueue = VirtQueue<4, Packed>;
    return {litmus.packed ? drive<PackedQueue> : drive<SplitQueue>,
            litmus.packed ? serve<PackedDevice> : serve<SplitDevice>, &litmus, litmus.hardware};
}

}  // namespace virtq::order
