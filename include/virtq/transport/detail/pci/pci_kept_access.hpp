// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/platform/pci_config_access.hpp>
#include <virtq/spec/device_id.hpp>
#include <virtq/transport/pci_function.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Holds the kernel's configuration access, of any type, for `AnyTransport`. The type of `AnyTransport` does not name
/// the access, yet its configuration window needs it after the probe. An access with `may_be_copied` is copied. Any
/// other access must outlive this object.
class PciKeptAccess {
public:
    constexpr PciKeptAccess() = default;

    template <PciConfigAccess Access>
    void keep(Access& access) {
        access_ = &access;
        reach_ = reach<Access>;
        is_copy_ = may_copy<Access>();
        if constexpr (may_copy<Access>()) {
            __builtin_memcpy(copy_, &access, sizeof(Access));
        }
    }

    [[__nodiscard__]] uint8_t read8(PciAddress address, uint16_t offset) {
        return static_cast<uint8_t>(go(address, offset, Step::read8, 0));
    }
    [[__nodiscard__]] uint16_t read16(PciAddress address, uint16_t offset) {
        return static_cast<uint16_t>(go(address, offset, Step::read16, 0));
    }
    [[__nodiscard__]] uint32_t read32(PciAddress address, uint16_t offset) {
        return go(address, offset, Step::read32, 0);
    }
    void write8(PciAddress address, uint16_t offset, uint8_t value) { go(address, offset, Step::write8, value); }
    void write16(PciAddress address, uint16_t offset, uint16_t value) { go(address, offset, Step::write16, value); }
    void write32(PciAddress address, uint16_t offset, uint32_t value) { go(address, offset, Step::write32, value); }

    /// As `detail::identify`, by the kernel's access itself: a scan has that code already.
    [[__nodiscard__]] Result<spec::DeviceId> identify(PciAddress address) {
        uint32_t const answer = go(address, 0, Step::identify, 0);
        auto const error = static_cast<Error>(answer >> 16);
        return error == Error::none ? static_cast<spec::DeviceId>(answer) : Result<spec::DeviceId>{error};
    }

private:
    enum class Step : uint8_t { read8, read16, read32, write8, write16, write32, identify };
    using Reach = uint32_t (*)(void* access, PciAddress, uint16_t offset, Step, uint32_t value);

    static constexpr uint32_t copy_bytes = 2 * sizeof(void*);

    template <class Access>
    [[__nodiscard__]] static constexpr bool may_copy() {
        if constexpr (requires { requires Access::may_be_copied; }) {
            static_assert(
                sizeof(Access) <= copy_bytes && alignof(Access) <= alignof(void*) && __is_trivially_copyable(Access),
                "An access to PCI configuration space with `may_be_copied` must be trivially copyable, at most two "
                "pointers large, and aligned like a pointer: remove `may_be_copied`, and keep the access as long as the "
                "transport.");
            return true;
        } else {
            return false;
        }
    }

    /// A type in 16 bits, or an error above them.
    [[__nodiscard__]] static uint32_t pack(Result<spec::DeviceId> const& type) {
        return type ? static_cast<uint32_t>(*type) : static_cast<uint32_t>(type.error()) << 16;
    }

    /// Performs one access. Returns the value read, or 0 after a write.
    template <class Access>
    static uint32_t reach(void* place, PciAddress address, uint16_t offset, Step step, uint32_t value) {
        Access& access = *static_cast<Access*>(place);
        switch (step) {
            case Step::read8: return access.read8(address, offset);
            case Step::read16: return access.read16(address, offset);
            case Step::read32: return access.read32(address, offset);
            case Step::write8: access.write8(address, offset, static_cast<uint8_t>(value)); break;
            case Step::write16: access.write16(address, offset, static_cast<uint16_t>(value)); break;
            case Step::write32: access.write32(address, offset, value); break;
            case Step::identify: return pack(identify_by_registers(PciFunction<Access>{access, address}));
        }
        return 0;
    }

    /// Not inlined: a probe has some eighty accesses.
    [[gnu::__noinline__]] uint32_t go(PciAddress address, uint16_t offset, Step step, uint32_t value) {
        return reach_(is_copy_ ? static_cast<void*>(copy_) : access_, address, offset, step, value);
    }

    Reach reach_ = nullptr;
    void* access_ = nullptr;
    alignas(void*) unsigned char copy_[copy_bytes] = {};
    bool is_copy_ = false;
};

static_assert(PciConfigAccess<PciKeptAccess>);

}  // namespace virtq::detail
