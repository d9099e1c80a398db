// SPDX-License-Identifier: MIT
#include <virtq/device/driver_types.hpp>

#include <device/bounce_mapper.hpp>
#include <virtq/queue/packed.hpp>

#include <gtest/gtest.h>

#include <type_traits>

namespace virtq::test {
namespace {

TEST(DriverTypes, SaysNothingHasEndedByDefault) {
    RequestCompletion const none;
    EXPECT_EQ(none.state, CompletionState::none);
    EXPECT_EQ(none.error, Error::none);
    EXPECT_EQ(none.bytes, 0u);
    static_assert(!std::is_convertible_v<RequestCompletion, bool>);
}

struct Mapped : DriverTraits {
    using Mapper = BounceMapper;
    using Format = Packed;
};

TEST(DriverTypes, WantsWhatTheTraitsNeed) {
    Features const own = Features::of(spec::Feature::version_1);
    Negotiation const plain = wanted_of<DriverTraits>(own);
    EXPECT_EQ(plain.wanted, own | Split::wanted);
    EXPECT_EQ(plain.required, Split::required);
    Negotiation const mapped = wanted_of<Mapped>();
    EXPECT_EQ(mapped.wanted, Packed::wanted | Features::of(spec::Feature::access_platform));
    EXPECT_EQ(mapped.required, Packed::required);
}

}  // namespace
}  // namespace virtq::test
