// SPDX-License-Identifier: MIT
//
//   forward SOCKET split|packed no_order|in_order PACKETS
//
// Forwards packets between the two queues of DPDK's vhost network device, through virtq: what comes in goes out of the
// same buffer. forward_pmd.cpp does the same through DPDK's own driver. `dpdk-testpmd` sends everything back.

#include <virtq/device/init.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <bench/dpdk/windows.hpp>
#include <vhost_user/transport.hpp>

extern "C" [[noreturn]] void virtq_assertion_failed(char const* rule, char const* file, int line) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, rule);
    std::abort();
}

namespace {

using namespace virtq;

constexpr std::uint32_t queue_size = 256;
constexpr std::uint32_t buffer_bytes = 2048;
constexpr std::uint32_t header_bytes = 12;  // struct virtio_net_hdr (§5.1.6)
constexpr std::size_t burst_max = 32;
constexpr std::uint64_t in_flight = 32;
constexpr std::uint64_t checked_packets = 20'000;
constexpr std::uint16_t receive_index = 0;
constexpr std::uint16_t transmit_index = 1;

[[noreturn]] void stop(char const* what, char const* why) {
    std::fprintf(stderr, "forward: %s: %s\n", what, why);
    std::exit(1);
}
void require(Status status, char const* what) {
    if (!status) {
        stop(what, describe(status.error()));
    }
}

template <class Format>
class Forwarder {
public:
    Forwarder(std::string_view socket, bool in_order) {
        require(transport_.probe({std::string{socket}, spec::DeviceId::net, 2, queue_size, 0}, memory_), "probe");
        Negotiation negotiation;
        negotiation.wanted = Format::required;
        negotiation.required = Format::required;
        if (in_order) {
            negotiation.required.set(spec::Feature::in_order);
        }
        SpinRelax relax;
        DeviceInit init{transport_};
        require(init.negotiate(negotiation, PollLimit{1000}, relax), "negotiate");
        require(init.set_up_queue(receive_index, receive_, memory_, negotiation.negotiated), "receive queue");
        require(init.set_up_queue(transmit_index, transmit_, memory_, negotiation.negotiated), "transmit queue");
        require(init.go_live(), "go_live");
        post_all();
    }

    /// Sends the packets that will go round for ever.
    void begin() {
        Pages const pages = memory_.allocate_pages(in_flight * buffer_bytes / page_bytes);
        for (std::uint64_t number = 0; number < in_flight; ++number) {
            auto* const buffer = static_cast<std::byte*>(pages.virt) + number * buffer_bytes;
            std::memset(buffer, 0, header_bytes);
            std::memset(buffer + header_bytes, 0xff, frame_bytes);  // a broadcast frame
            std::memcpy(buffer + header_bytes + ethernet_bytes, &number, sizeof number);
            Segment const segment{memory_.phys_addr(buffer), header_bytes + frame_bytes};
            require(transmit_.add(segment, {}, Token{buffer}), "add");
        }
        tell(transmit_index, transmit_.publish());
    }

    /// Forwards until `target` packets have come in. With `check`, each must be the next one.
    void run(std::uint64_t target, bool check, Windows& windows) {
        windows.restart();
        for (std::uint64_t seen = 0; seen < target;) {
            std::size_t const count = forward(check);
            seen += count;
            refill();
            windows.count(seen);
        }
    }

private:
    void post_all() {
        Pages const pages = memory_.allocate_pages(queue_size * buffer_bytes / page_bytes);
        for (std::uint32_t number = 0; number < queue_size - in_flight; ++number) {
            auto* const buffer = static_cast<std::byte*>(pages.virt) + number * buffer_bytes;
            Segment const segment{memory_.phys_addr(buffer), buffer_bytes};
            require(receive_.add({}, segment, Token{buffer}), "add");
        }
        tell(receive_index, receive_.publish());
    }

    /// Takes what has come in, and sends it out of the same buffers.
    std::size_t forward(bool check) {
        Completion done[burst_max];
        TakenBurst const taken = receive_.take_burst(done);
        if (taken.count == 0) {
            if (taken.state == CompletionState::broken) {
                stop("receive", describe(receive_.fault().reason));
            }
            return 0;
        }
        for (std::size_t i = 0; check && i < taken.count; ++i) {
            check_number(done[i]);
        }
        auto const packet = [&](std::size_t i) {
            return ReadableBuffer{{{memory_.phys_addr(done[i].token.as<void>()), done[i].written}}, done[i].token};
        };
        SubmittedBurst const sent = transmit_.submit_burst(taken.count, packet);
        if (sent.count != taken.count) {
            stop("transmit", describe(sent.error));
        }
        tell(transmit_index, sent.notification);
        return taken.count;
    }

    /// Takes what has gone out, and gives the buffers to the device again.
    void refill() {
        Completion done[burst_max];
        TakenBurst const taken = transmit_.take_burst(done);
        if (taken.count == 0) {
            return;
        }
        auto const buffer = [&](std::size_t i) {
            return WritableBuffer{{{memory_.phys_addr(done[i].token.as<void>()), buffer_bytes}}, done[i].token};
        };
        SubmittedBurst const posted = receive_.submit_burst(taken.count, buffer);
        if (posted.count != taken.count) {
            stop("refill", describe(posted.error));
        }
        tell(receive_index, posted.notification);
    }

    void check_number(Completion const& done) {
        std::uint64_t number = 0;
        std::memcpy(&number, done.token.as<std::byte>() + header_bytes + ethernet_bytes, sizeof number);
        if (done.written != header_bytes + frame_bytes || number != next_) {
            stop("receive", "a packet was lost, truncated or reordered");
        }
        next_ = (next_ + 1) % in_flight;
    }

    void tell(std::uint16_t index, Notification notification) {
        if (notification) {
            transport_.notify(index, notification.next);
        }
    }

    vhost_user::SharedMemory memory_{1024};
    vhost_user::VhostUserTransport transport_;
    VirtQueue<queue_size, Format> receive_;
    VirtQueue<queue_size, Format> transmit_;
    std::uint64_t next_ = 0;
};

template <class Format>
void measure(std::string_view socket, bool in_order, std::uint64_t packets) {
    static Forwarder<Format> forwarder{socket, in_order};
    Windows windows;
    forwarder.begin();
    forwarder.run(checked_packets, true, windows);
    forwarder.run(packets, false, windows);
    windows.print();
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 5) {
        stop("arguments", "SOCKET split|packed no_order|in_order PACKETS");
    }
    bool const in_order = std::string_view{arguments[3]} == "in_order";
    std::uint64_t const packets = std::strtoull(arguments[4], nullptr, 10);
    if (std::string_view{arguments[2]} == "packed") {
        measure<Packed>(arguments[1], in_order, packets);
    } else {
        measure<Split>(arguments[1], in_order, packets);
    }
}
