// SPDX-License-Identifier: MIT
#include <queue/ring_pair.hpp>
#include <virtq/diag/diag.hpp>

#include <cstdint>
#include <cstring>
#include <string>

/// Bugs in inspections of queues. queue_museum_test.cpp explains the form of the comments.
namespace virtq::test {

using namespace virtq::detail;

namespace {

/// The output of `dump`.
template <class Queue>
std::string picture(Queue const& queue) {
    std::string text;
    dump(queue, [&text](char character) { text += character; });
    return text;
}

// Was: a debug dump of a queue read memory at whatever address the host had written into a descriptor.
// Hit: Intel MigTD, https://github.com/intel/MigTD/pull/938
// Here: impossible: dump() and diagnose() print such an address and read only the queue's own pages
TEST(Museum, dump_follows_descriptor) {
    RingPair<8> ring;
    ASSERT_TRUE(ring.add_writable(1).ok());
    static_cast<void>(ring.queue.publish());
    auto* const descriptor = static_cast<unsigned char*>(ring.queue.pages().virt);
    std::uint64_t const nowhere = little_endian(std::uint64_t{0x10});  // a read there would end this program
    std::uint32_t const length = UINT32_MAX;
    auto const indirect = little_endian(std::uint16_t{4});
    std::memcpy(descriptor, &nowhere, 8);
    std::memcpy(descriptor + 8, &length, 4);
    std::memcpy(descriptor + 12, &indirect, 2);
    std::string const text = picture(ring.queue);
    EXPECT_NE(text.find("0x10 "), std::string::npos) << text;
    EXPECT_NE(text.find("indirect"), std::string::npos) << text;
    ring.hostile = true;
}

// Was: a device reset reported success, but a thread still worked on the enabled queues.
// Hit: kvm-host, https://github.com/sysprog21/kvm-host/pull/52
// Here: diagnosed: used_index_ahead breaks the queue, and its sentence names such a device
TEST(Museum, device_goes_on_after_reset) {
    RingPair<8> ring;
    ring.hostile = true;
    for (std::uintptr_t token = 1; token <= 3; ++token) {
        ASSERT_TRUE(ring.add_writable(token).ok());
        static_cast<void>(ring.queue.publish());
        ring.device_uses_next(64);
        ASSERT_TRUE(ring.queue.take_used());
    }
    ring.queue.detach();
    ASSERT_TRUE(ring.queue.restart(modern()).ok());
    ASSERT_TRUE(ring.add_writable(4).ok());
    static_cast<void>(ring.queue.publish());
    ring.device->put_used_raw(0, 64);  // the device continues with its old indices
    ring.device->flush_used();
    EXPECT_EQ(ring.queue.take_used().state, CompletionState::broken);
    EXPECT_EQ(ring.queue.fault().reason, FaultReason::used_index_ahead);
    EXPECT_EQ(ring.queue.fault().value, 4u);
    EXPECT_NE(std::string{describe(ring.queue.fault().reason)}.find("continues with its old state"),
              std::string::npos);
}

}  // namespace
}  // namespace virtq::test
