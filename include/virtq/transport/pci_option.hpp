// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// A range of bus addresses, of memory or of ports, for BARs that firmware has not assigned. The kernel takes it from
/// the machine's manual, or from `ranges` of the host bridge in its device tree. All devices share it. Devices behind
/// bridges need memory below 4 GiB (`number_buses`).
class PciWindow {
public:
    constexpr PciWindow() = default;
    /// `bytes` is clamped to the end of the address space.
    constexpr PciWindow(uint64_t base, uint64_t bytes)
        : next_(base), left_(base != 0 && bytes > 0 - base ? 0 - base : bytes) {}

    /// Takes `bytes` bytes, a power of two, at an address that is a multiple of `bytes`. Returns the address, or 0 if
    /// there is no room; then nothing has changed.
    [[__nodiscard__]] constexpr uint64_t take(uint64_t bytes) {
        // Skip address 0: a BAR with it counts as unassigned.
        uint64_t const gap = next_ == 0 ? bytes : (bytes - (next_ & (bytes - 1))) & (bytes - 1);
        if (bytes == 0 || gap > left_ || bytes > left_ - gap) {
            return 0;
        }
        uint64_t const place = next_ + gap;
        next_ = place + bytes;
        left_ -= gap + bytes;
        return place;
    }

    /// Skips to a multiple of `bytes`, a power of two. False if it is beyond the end; then nothing has changed.
    [[__nodiscard__]] constexpr bool align_next(uint64_t bytes) {
        uint64_t const gap = (bytes - (next_ & (bytes - 1))) & (bytes - 1);
        if (gap > left_) {
            return false;
        }
        next_ += gap;
        left_ -= gap;
        return true;
    }

    /// The first address that is left.
    [[__nodiscard__]] constexpr uint64_t next() const { return next_; }
    /// How many bytes are left.
    [[__nodiscard__]] constexpr uint64_t left() const { return left_; }

private:
    uint64_t next_ = 0;
    uint64_t left_ = 0;
};

/// Whether `AnyTransport::probe_pci` may reach the registers through configuration space if no BAR can be used
/// (§4.1.4.9). Each register access then takes several steps. So the kernel must serialise all calls of the transport
/// and its driver, `on_interrupt` included, and there is no MSI-X.
enum class PciConfigWindowUse : uint8_t {
    never,
    last_resort,  ///< after the modern and the legacy interface
};

/// What a kernel can give to the `probe` of a PCI transport.
struct PciProbeOption {
    PciWindow* memory = nullptr;  ///< for memory BARs that firmware has not assigned
    PciWindow* ports = nullptr;   ///< for I/O port BARs that firmware has not assigned
    PciConfigWindowUse config_window = PciConfigWindowUse::never;  ///< for BARs that cannot be used
};

namespace detail {

/// In place of an option: firmware has assigned every BAR. A type of its own, so that a kernel for such machines has no
/// code that assigns BARs, follows bridges, or goes through the configuration space.
struct PciAssignedByFirmware {};

}  // namespace detail

}  // namespace virtq
