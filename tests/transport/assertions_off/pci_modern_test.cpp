// SPDX-License-Identifier: MIT
//
// Compiled with VIRTQ_ASSERTIONS=0, where the other tests expect a breach of contract.
#include <virtq/transport/pci_modern.hpp>

#include <support/contract.hpp>

#include <cstdint>
#include <initializer_list>

static_assert(VIRTQ_ASSERTIONS == 0, "This test is about the library without assertions");

namespace virtq::test {
namespace {

/// Counts every access, to show that no access goes to a doorbell that has no address yet.
class NotedSpace {
public:
    constexpr NotedSpace() = default;
    explicit constexpr NotedSpace(std::uintptr_t) {}

    [[nodiscard]] NotedSpace at(std::uint32_t) const { return noted(*this); }
    [[nodiscard]] std::uint8_t read8(std::uint32_t) const { return noted(std::uint8_t{0}); }
    [[nodiscard]] std::uint16_t read16(std::uint32_t) const { return noted(std::uint16_t{0}); }
    [[nodiscard]] std::uint32_t read32(std::uint32_t) const { return noted(std::uint32_t{0}); }
    void write8(std::uint32_t, std::uint8_t) { ++accesses; }
    void write16(std::uint32_t, std::uint16_t) { ++accesses; }
    void write32(std::uint32_t, std::uint32_t) { ++accesses; }

    static inline unsigned accesses = 0;

private:
    template <class T>
    [[nodiscard]] static T noted(T value) {
        ++accesses;
        return value;
    }
};

// Its address would be offset 0, which is the doorbell of another queue.
TEST(PciModernDoorbell, IsLeftAloneUntilPlaced) {
    PciModernTransport<NotedSpace> transport;
    for (std::uint16_t const queue : std::initializer_list<std::uint16_t>{0, 15, 16, 0xffff}) {
        transport.notify(queue);
        transport.notify(queue, 1);
    }
    EXPECT_EQ(NotedSpace::accesses, 0u);
    EXPECT_FALSE(transport.record().last_notify().any);
}

}  // namespace
}  // namespace virtq::test
