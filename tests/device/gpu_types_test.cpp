// SPDX-License-Identifier: MIT
#include <virtq/device/gpu_types.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

TEST(GpuRect, IsEmptyWithoutAPixel) {
    EXPECT_TRUE(GpuRect{}.empty());
    EXPECT_TRUE((GpuRect{1, 1, 0, 1}.empty()));
    EXPECT_TRUE((GpuRect{1, 1, 1, 0}.empty()));
    EXPECT_FALSE((GpuRect{1, 1, 1, 1}.empty()));
}

TEST(GpuRect, IsClippedToAPicture) {
    EXPECT_EQ(clipped({0, 0, 10, 10}, 10, 10), (GpuRect{0, 0, 10, 10}));
    EXPECT_EQ(clipped({2, 3, 100, 100}, 10, 10), (GpuRect{2, 3, 8, 7}));
    EXPECT_EQ(clipped({2, 3, 0xffffffff, 0xffffffff}, 10, 10), (GpuRect{2, 3, 8, 7}));
    EXPECT_EQ(clipped({9, 9, 1, 1}, 10, 10), (GpuRect{9, 9, 1, 1}));
    EXPECT_EQ(clipped({10, 0, 1, 1}, 10, 10), GpuRect{});
    EXPECT_EQ(clipped({0, 10, 1, 1}, 10, 10), GpuRect{});
    EXPECT_EQ(clipped({5, 5, 0, 3}, 10, 10), GpuRect{});
    EXPECT_EQ(clipped({0, 0, 1, 1}, 0, 0), GpuRect{});
}

TEST(GpuRect, IsUnitedWithAnother) {
    GpuRect const one{2, 3, 4, 5};
    EXPECT_EQ(united(one, one), one);
    EXPECT_EQ(united(one, {}), one);
    EXPECT_EQ(united({}, one), one);
    EXPECT_EQ(united({}, {}), GpuRect{});
    EXPECT_EQ(united(one, {0, 0, 1, 1}), (GpuRect{0, 0, 6, 8}));
    EXPECT_EQ(united({0, 0, 1, 1}, one), (GpuRect{0, 0, 6, 8}));
    EXPECT_EQ(united(one, {3, 4, 1, 1}), one);
    EXPECT_EQ(united(one, {100, 4, 1, 1}), (GpuRect{2, 3, 99, 5}));
    EXPECT_EQ(united(one, {3, 100, 1, 2}), (GpuRect{2, 3, 4, 99}));
}

TEST(GpuPicture, KnowsItsWhole) {
    EXPECT_EQ((GpuPicture{1, 20, 10}.whole()), (GpuRect{0, 0, 20, 10}));
}

TEST(GpuPoint, ComparesBothCoordinates) {
    EXPECT_EQ((GpuPoint{1, 2}), (GpuPoint{1, 2}));
    EXPECT_NE((GpuPoint{1, 2}), (GpuPoint{3, 2}));
    EXPECT_NE((GpuPoint{1, 2}), (GpuPoint{1, 3}));
    EXPECT_NE((GpuRect{1, 2, 3, 4}), (GpuRect{5, 2, 3, 4}));
    EXPECT_NE((GpuRect{1, 2, 3, 4}), (GpuRect{1, 5, 3, 4}));
    EXPECT_NE((GpuRect{1, 2, 3, 4}), (GpuRect{1, 2, 5, 4}));
    EXPECT_NE((GpuRect{1, 2, 3, 4}), (GpuRect{1, 2, 3, 5}));
}

TEST(SubmittedFlush, IsTrueWithPixels) {
    EXPECT_FALSE(SubmittedFlush{});
    EXPECT_FALSE((SubmittedFlush{{}, Error::queue_full}));
    EXPECT_TRUE((SubmittedFlush{{1, 2, 3, 4}}));
}

}  // namespace
}  // namespace virtq::test
