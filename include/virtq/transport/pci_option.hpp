// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// A range of bus addresses (of memory, or of ports) out of which BARs are placed that no firmware has placed. The
/// kernel knows it: from the machine's manual, or `ranges` of the host bridge in its device tree. All devices share
/// it. Devices behind bridges need memory below 4 GiB (`number_buses`).
class PciWindow {
public:
    constexpr PciWindow() = default;
    /// What would lie above the last address is cut off.
    constexpr PciWindow(uint64_t base, uint64_t bytes)
        : next_(base), left_(base != 0 && bytes > 0 - base ? 0 - base : bytes) {}

    /// A place of `bytes`, which is a power of two, aligned to itself. 0: there is no room, and nothing has changed.
    [[__nodiscard__]] constexpr uint64_t take(uint64_t bytes) {
        // 0 is what a BAR without a place reads as.
        uint64_t const gap = next_ == 0 ? bytes : (bytes - (next_ & (bytes - 1))) & (bytes - 1);
        if (bytes == 0 || gap > left_ || bytes > left_ - gap) {
            return 0;
        }
        uint64_t const place = next_ + gap;
        next_ = place + bytes;
        left_ -= gap + bytes;
        return place;
    }

    /// Skips to a multiple of `bytes`, which is a power of two. False: it lies behind the end, and nothing has
    /// changed.
    [[__nodiscard__]] constexpr bool align_next(uint64_t bytes) {
        uint64_t const gap = (bytes - (next_ & (bytes - 1))) & (bytes - 1);
        if (gap > left_) {
            return false;
        }
        next_ += gap;
        left_ -= gap;
        return true;
    }

    /// The address of the first byte that is left.
    [[__nodiscard__]] constexpr uint64_t next() const { return next_; }
    [[__nodiscard__]] constexpr uint64_t left() const { return left_; }

private:
    uint64_t next_ = 0;
    uint64_t left_ = 0;
};

/// Whether `AnyTransport::probe_pci` may use a device's configuration space where no BAR can be used (§4.1.4.9). Each
/// access of a register is then several steps. So all calls of the transport and of its driver must be serialised,
/// `on_interrupt` included, and there is no MSI-X.
enum class PciConfigWindowUse : uint8_t {
    never,
    last_resort,  ///< after the modern and the legacy interface
};

/// What a kernel can give to the `probe` of a PCI transport.
struct PciProbeOption {
    PciWindow* memory = nullptr;  ///< for BARs of memory that no firmware has placed
    PciWindow* ports = nullptr;   ///< for those of I/O ports
    PciConfigWindowUse config_window = PciConfigWindowUse::never;
};

}  // namespace virtq
