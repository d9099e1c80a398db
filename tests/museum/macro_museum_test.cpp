// SPDX-License-Identifier: MIT
//
// The macros of a kernel, before the headers. They are gone again before those of the tests.
#define noinline      __attribute__((noinline))
#define always_inline inline __attribute__((always_inline))
#define cold          __attribute__((cold))
#define packed        __attribute__((packed))
#define used          __attribute__((used))
#define align(x)      __attribute__((aligned(x)))
#define min(a, b)     ((a) < (b) ? (a) : (b))
#include <virtq/virtq.hpp>

#include <virtq/diag/diag.hpp>
#undef noinline
#undef always_inline
#undef cold
#undef packed
#undef used
#undef align
#undef min

#include <queue/ring_pair.hpp>

/// Bugs in headers. queue_museum_test.cpp explains the form of the comments.
namespace virtq::test {
namespace {

// Was: a header used attributes such as noinline, which the Linux kernel defines as macros, and did not compile there.
// Hit: DynamoRIO, https://github.com/DynamoRIO/dynamorio/issues/8016
// Here: impossible: attributes have the reserved spelling; tests/macros compiles the headers behind each usual macro
TEST(Museum, attribute_is_a_macro) {  // faults A3
    RingPair<> ring;
    ASSERT_TRUE(ring.add_writable(1).ok());
    EXPECT_TRUE(ring.queue.publish().needed);
    ring.device_uses_next(8);
    EXPECT_EQ(ring.queue.take_used().written, 8u);
}

}  // namespace
}  // namespace virtq::test
