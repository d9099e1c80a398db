// SPDX-License-Identifier: MIT
#include <virtq/transport/mmio_command_line.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace virtq::test {
namespace {

/// Walks an exactly sized copy, so that the address sanitizer detects a read beyond its end.
struct Line {
    Line(std::string const& text) {  // NOLINT: conversion is the purpose
        std::unique_ptr<char[]> const copy(new char[text.size()]);
        std::copy(text.begin(), text.end(), copy.get());
        discovery = for_each_mmio_slot(KernelCommandLine{copy.get(), static_cast<std::uint32_t>(text.size())},
                                       [&](MmioSlot const& slot) { slots.push_back(slot); });
    }

    std::vector<MmioSlot> slots;
    Discovery discovery;
};

void expect_slot(std::string const& value, MmioSlot const& slot) {
    Line const line("virtio_mmio.device=" + value);
    EXPECT_TRUE(line.discovery) << value;
    EXPECT_EQ(line.slots, std::vector{slot}) << value;
}

/// Expects an error at the character that follows `^`.
void expect_malformed(std::string value) {
    std::size_t const at = value.find('^');
    ASSERT_NE(at, std::string::npos);
    value.erase(at, 1);
    std::string const before = "quiet virtio_mmio.device=";
    Line const line(before + value + " virtio_mmio.device=1@2:3");
    EXPECT_EQ(line.discovery.error, Error::command_line_malformed) << value;
    EXPECT_EQ(line.discovery.error_position, before.size() + at) << value;
    EXPECT_EQ(line.slots, (std::vector{MmioSlot{PhysAddr{2}, 1, 3}})) << value;  // the next parameter is found
}

TEST(MmioCommandLine, ReadsTheLineOfQemu) {
    // QEMU 7.2, -machine microvm,acpi=off, two devices.
    Line const line("console=ttyS0 virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=512@0xfeb00c00:11");
    EXPECT_TRUE(line.discovery);
    EXPECT_EQ(line.slots, (std::vector{MmioSlot{PhysAddr{0xfeb00e00}, 512, 12}, {PhysAddr{0xfeb00c00}, 512, 11}}));
}

TEST(MmioCommandLine, MayBeAbsent) {
    EXPECT_EQ(for_each_mmio_slot(KernelCommandLine{}, [](MmioSlot const&) { FAIL(); }).error, Error::none);
    EXPECT_EQ(for_each_mmio_slot(KernelCommandLine{""}, [](MmioSlot const&) { FAIL(); }).error, Error::none);
    EXPECT_TRUE(Line("").discovery);
    EXPECT_TRUE(Line("  \t\n").discovery);
}

TEST(MmioCommandLine, EndsAtItsNul) {
    char const text[] = "virtio_mmio.device=1@2:3\0virtio_mmio.device=1@2:3";
    EXPECT_EQ(for_each_mmio_slot(KernelCommandLine{text}, [](MmioSlot const&) {}).found, 1u);
    EXPECT_EQ(for_each_mmio_slot(KernelCommandLine{text, sizeof(text)}, [](MmioSlot const&) {}).found, 1u);
}

TEST(MmioCommandLine, ReadsNumbersOfC) {
    expect_slot("0x200@0xfeb02e00:47", {PhysAddr{0xfeb02e00}, 512, 47});
    expect_slot("0X200@0XFEB02E00:0x2F", {PhysAddr{0xfeb02e00}, 512, 47});
    expect_slot("01000@4096:057", {PhysAddr{4096}, 512, 47});
    expect_slot("512@0:0", {PhysAddr{0}, 512, 0});
    expect_slot("1@0xffffffffffffffff:4294967295", {PhysAddr{UINT64_MAX}, 1, UINT32_MAX});
    expect_slot("1@18446744073709551615:1", {PhysAddr{UINT64_MAX}, 1, 1});
    expect_slot("1@01777777777777777777777:1", {PhysAddr{UINT64_MAX}, 1, 1});
    expect_slot("18446744073709551615@1:1", {PhysAddr{1}, UINT64_MAX, 1});
}

TEST(MmioCommandLine, ReadsSizesWithALetter) {
    expect_slot("4K@0x1000:1", {PhysAddr{0x1000}, 4096, 1});
    expect_slot("0x4k@0x1000:1", {PhysAddr{0x1000}, 4096, 1});
    expect_slot("2M@0x1000:1", {PhysAddr{0x1000}, 2 << 20, 1});
    expect_slot("2m@0x1000:1", {PhysAddr{0x1000}, 2 << 20, 1});
    expect_slot("1G@0x1000:1", {PhysAddr{0x1000}, 1 << 30, 1});
    expect_slot("1g@0x1000:1", {PhysAddr{0x1000}, 1 << 30, 1});
    expect_slot("17179869183G@0x1000:1", {PhysAddr{0x1000}, 0x3ffffffffull << 30, 1});
}

TEST(MmioCommandLine, MayHaveAnId) {
    expect_slot("512@0x1000:5:0", {PhysAddr{0x1000}, 512, 5});
    expect_slot("512@0x1000:5:17", {PhysAddr{0x1000}, 512, 5});
}

TEST(MmioCommandLine, AcceptsADashInTheName) {
    EXPECT_EQ(Line("virtio-mmio.device=1@2:3").discovery.found, 1u);
}

TEST(MmioCommandLine, IsAmongOtherParameters) {
    for (char const* const other :
         {"virtio_mmio.devices=1@2:3", "xvirtio_mmio.device=1@2:3", "virtio_mmio.device", "virtio_mmio",
          "virtio.mmio.device=1@2:3", "device=1@2:3", "a", "=", "\"", "\"\"", "---", "-", "-x", "x-", "\xff\x80",
          "root=\"a virtio_mmio.device=1@2:3\"", "\"a virtio_mmio.device=1@2:3 b\""}) {
        Line const alone(other);
        EXPECT_TRUE(alone.discovery) << other;
        EXPECT_EQ(alone.discovery.found, 0u) << other;
        EXPECT_EQ(Line("virtio_mmio.device=1@2:3\t" + std::string(other)).discovery.found, 1u) << other;
    }
}

TEST(MmioCommandLine, MayBeInQuotes) {
    EXPECT_EQ(Line("\"virtio_mmio.device=1@2:3\" virtio_mmio.device=1@2:3").discovery.found, 2u);
    EXPECT_EQ(Line("\"virtio_mmio.device=1@2:3").discovery.found, 1u);
}

TEST(MmioCommandLine, EndsAtTheParametersOfInit) {
    EXPECT_EQ(Line("virtio_mmio.device=1@2:3 -- virtio_mmio.device=1@2:3").discovery.found, 1u);
    EXPECT_EQ(Line("-- virtio_mmio.device=wrong").discovery.error, Error::none);
    EXPECT_EQ(Line("--x virtio_mmio.device=1@2:3").discovery.found, 1u);
}

TEST(MmioCommandLine, ReportsWhereParsingFailed) {
    expect_malformed("^");
    expect_malformed("^wrong");
    expect_malformed("512^");
    expect_malformed("512^:5");
    expect_malformed("512@^");
    expect_malformed("512@^x:5");
    expect_malformed("512@0x^:5");
    expect_malformed("0x^@0x1000:5");
    expect_malformed("512@0x1000^");
    expect_malformed("512@0x1000:^");
    expect_malformed("512@0x1000:^-1");
    expect_malformed("512@0x1000:5^,");
    expect_malformed("512@0x1000:5:^");
    expect_malformed("512@0x1000:5:1^x");
    expect_malformed("512@0x1000:5:1^:1");
    expect_malformed("0^8@0x1000:5");
    expect_malformed("12^a@0x1000:5");
    expect_malformed("512@1^K:5");
    expect_malformed("1^T@0x1000:5");
    expect_malformed("1K^B@0x1000:5");
    expect_malformed("^\"512@0x1000:5\"");
    expect_malformed("512@0x1000:5^\xb2");
}

TEST(MmioCommandLine, RejectsWhatDoesNotFit) {
    expect_malformed("0@0x1000:5^");                  // no size
    expect_malformed("2@0xffffffffffffffff:5^");      // ends beyond 64 bits
    expect_malformed("512@0x1000:4294967296^");       // an interrupt above 32 bits
    expect_malformed("512@0x1fffffffffffffff^f:5");   // an address above 64 bits, in each base
    expect_malformed("512@1844674407370955161^6:5");  // the last digit overflows
    expect_malformed("512@1844674407370955162^0:5");  // a digit before it overflows
    expect_malformed("512@01777777777777777777777^0:5");
    expect_malformed("17179869184G^@0x1000:5");  // a size above 64 bits
    expect_malformed("18014398509481984K^@0x1000:5");
}

}  // namespace
}  // namespace virtq::test
