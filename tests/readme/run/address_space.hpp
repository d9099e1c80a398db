// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// What a CPU of the simulated machine reaches with loads and stores, outside of its RAM.
namespace virtq::readme {

class AddressSpace {
public:
    AddressSpace(AddressSpace const&) = delete;
    AddressSpace& operator=(AddressSpace const&) = delete;

    [[nodiscard]] virtual uint32_t load(uintptr_t address, unsigned bytes) = 0;
    virtual void store(uintptr_t address, uint32_t value, unsigned bytes) = 0;

    /// That of the one machine that exists.
    [[nodiscard]] static AddressSpace& current() { return *current_; }

protected:
    AddressSpace() { current_ = this; }
    virtual ~AddressSpace() { current_ = nullptr; }

private:
    static inline AddressSpace* current_ = nullptr;
};

}  // namespace virtq::readme
