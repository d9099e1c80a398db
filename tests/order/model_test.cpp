// SPDX-License-Identifier: MIT
#include <order/model.hpp>

#include <virtq/platform/detail/device_order.hpp>
#include <virtq/platform/detail/fence.hpp>
#include <virtq/platform/detail/ring_memory.hpp>

#include <gtest/gtest.h>

#include <cstdint>

/// The model allows what a weak memory allows, and forbids what release, acquire and fences forbid. These are the
/// classic programs of two sides.
namespace virtq::order {

static_assert(platform::ring_memory_is_replaced && platform::fence_is_replaced && platform::device_order_is_replaced,
              "tests/order stands before include/ in the include path, at the paths that the library includes");

namespace {

std::uint16_t x, y;

/// Whether some execution fails. Each program fails at the outcome in question.
[[nodiscard]] bool allows(void (*driver)(void const*), void (*device)(void const*), bool hardware = false) {
    return !explore({driver, device, nullptr, hardware}).failure.empty();
}
void outcome(bool found) {
    require(!found, "the outcome that is asked about");
}

using platform::DeviceOrder;
using platform::full_fence;
using platform::load_acquire;
using platform::load_relaxed;
using platform::store_plain;
using platform::store_relaxed;
using platform::store_release;

constexpr std::uint16_t one = 1;

// --- message passing ------------------------------------------------------------------------------------------------

void send_relaxed(void const*) {
    store_plain(&x, one);
    store_relaxed(&y, one);
}
void send_release(void const*) {
    store_plain(&x, one);
    store_release(&y, one);
}
void send_fenced(void const*) {
    store_plain(&x, one);
    full_fence();
    store_relaxed(&y, one);
}
void receive_relaxed(void const*) {
    bool const there = load_relaxed(&y) != 0;
    outcome(there && load_relaxed(&x) == 0);
}
void receive_acquire(void const*) {
    bool const there = load_acquire(&y) != 0;
    outcome(there && load_relaxed(&x) == 0);
}
void receive_fenced(void const*) {
    bool const there = load_relaxed(&y) != 0;
    full_fence();
    outcome(there && load_relaxed(&x) == 0);
}

TEST(Model, AllowsStoreReordering) {
    EXPECT_TRUE(allows(send_relaxed, receive_acquire));
}
TEST(Model, AllowsLoadReordering) {
    EXPECT_TRUE(allows(send_release, receive_relaxed));
}
TEST(Model, KeepsReleaseAndAcquireInOrder) {
    EXPECT_FALSE(allows(send_release, receive_acquire));
}
TEST(Model, KeepsFencesInOrder) {
    EXPECT_FALSE(allows(send_fenced, receive_fenced));
    EXPECT_FALSE(allows(send_fenced, receive_acquire));
    EXPECT_FALSE(allows(send_release, receive_fenced));
    EXPECT_TRUE(allows(send_relaxed, receive_fenced));
    EXPECT_TRUE(allows(send_fenced, receive_relaxed));
}

void see_the_message(void const*) {
    outcome(load_relaxed(&y) != 0);
}
void miss_the_message(void const*) {
    outcome(load_relaxed(&y) == 0);
}
TEST(Model, ReachesBothOutcomes) {
    EXPECT_TRUE(allows(send_release, see_the_message));
    EXPECT_TRUE(allows(send_release, miss_the_message));
}

// --- one word -------------------------------------------------------------------------------------------------------

void count_up(void const*) {
    store_relaxed(&x, one);
    store_relaxed(&x, std::uint16_t{2});
}
void see_it_go_back(void const*) {
    std::uint16_t const first = load_relaxed(&x);
    outcome(load_relaxed(&x) < first);
}
void see_it_skip(void const*) {
    outcome(load_relaxed(&x) == 0 && load_relaxed(&x) == 2);
}
TEST(Model, KeepsStoresToAWordOrdered) {
    EXPECT_FALSE(allows(count_up, see_it_go_back));
    EXPECT_TRUE(allows(count_up, see_it_skip));
}

// --- store buffering ------------------------------------------------------------------------------------------------

/// What each side has loaded. The side that runs last compares both.
std::uint16_t loaded_by_driver, loaded_by_device;

template <bool fenced>
void store_x_load_y(void const*) {
    store_relaxed(&x, one);
    if (fenced) {
        full_fence();
    }
    store_release(&loaded_by_driver, static_cast<std::uint16_t>(load_relaxed(&y) + 1));
    outcome(load_acquire(&loaded_by_driver) == 1 && load_acquire(&loaded_by_device) == 1);
}
template <bool fenced>
void store_y_load_x(void const*) {
    store_relaxed(&y, one);
    if (fenced) {
        full_fence();
    }
    store_release(&loaded_by_device, static_cast<std::uint16_t>(load_relaxed(&x) + 1));
    outcome(load_acquire(&loaded_by_driver) == 1 && load_acquire(&loaded_by_device) == 1);
}
TEST(Model, AllowsLoadsBeforeStores) {
    EXPECT_TRUE(allows(store_x_load_y<false>, store_y_load_x<false>));
    EXPECT_TRUE(allows(store_x_load_y<true>, store_y_load_x<false>));
    EXPECT_TRUE(allows(store_x_load_y<false>, store_y_load_x<true>));
}
TEST(Model, FullFencesOrderStoresAndLoads) {
    EXPECT_FALSE(allows(store_x_load_y<true>, store_y_load_x<true>));
}

// --- hardware -------------------------------------------------------------------------------------------------------

void send_for_hardware(void const*) {
    store_plain(&x, one);
    DeviceOrder(DeviceOrder::Kind::platform).before_publish();
    store_relaxed(&y, one);
}
void store_x_load_y_for_hardware(void const*) {
    store_relaxed(&x, one);
    DeviceOrder(DeviceOrder::Kind::platform).full();
    store_release(&loaded_by_driver, static_cast<std::uint16_t>(load_relaxed(&y) + 1));
    outcome(load_acquire(&loaded_by_driver) == 1 && load_acquire(&loaded_by_device) == 1);
}
TEST(Model, OnlyDeviceOrderOrdersHardware) {
    EXPECT_TRUE(allows(send_release, receive_acquire, true));
    EXPECT_TRUE(allows(send_fenced, receive_acquire, true));
    EXPECT_FALSE(allows(send_for_hardware, receive_acquire, true));
    EXPECT_TRUE(allows(store_x_load_y<true>, store_y_load_x<true>, true));
    EXPECT_FALSE(allows(store_x_load_y_for_hardware, store_y_load_x<true>, true));
}

// --- registers ------------------------------------------------------------------------------------------------------

template <bool ordered>
void ring(void const*) {
    store_plain(&x, one);
    full_fence();
    if (ordered) {
        platform::memory_before_register_write();
    }
    ring_doorbell();
}
void hear(void const*) {
    wait_for_doorbell();
    outcome(load_relaxed(&x) == 0);
}
TEST(Model, AllowsDoorbellsBeforeFences) {
    EXPECT_TRUE(allows(ring<false>, hear));
    EXPECT_FALSE(allows(ring<true>, hear));
}

// --- reports on a program -------------------------------------------------------------------------------------------

void wait_for_y(void const*) {
    for (begin_look(); load_relaxed(&y) == 0; begin_look()) {
        spin();
    }
}
void do_nothing(void const*) {}
TEST(Model, ReportsThatBothWait) {
    EXPECT_EQ(explore({do_nothing, wait_for_y, nullptr}).failure, "both sides wait for ever");
    EXPECT_EQ(explore({send_relaxed, wait_for_y, nullptr}).failure, "");
}

void store_x(void const*) {
    store_relaxed(&x, one);
}
TEST(Model, ReportsUnorderedStores) {
    EXPECT_TRUE(allows(store_x, store_x));
}

TEST(Model, ReportsRaces) {
    Exploration const found = explore({send_relaxed, receive_acquire, nullptr});
    EXPECT_NE(found.trace, "");
    std::vector<Race> const race{{"send_relaxed", "receive_acquire"}};
    EXPECT_EQ(found.races, race);
    EXPECT_TRUE(explore({send_release, receive_acquire, nullptr}).races.empty());
}

TEST(Model, CountsExecutions) {
    // The load sees the store, or does not.
    EXPECT_EQ(explore({store_x, [](void const*) { static_cast<void>(load_relaxed(&x)); }, nullptr}).executions, 2);
    EXPECT_EQ(explore({do_nothing, do_nothing, nullptr}).executions, 1);
}

}  // namespace
}  // namespace virtq::order
