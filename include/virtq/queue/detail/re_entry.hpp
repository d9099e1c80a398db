// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/platform/detail/word.hpp>

#include <stdint.h>

namespace virtq::detail {

#if VIRTQ_ASSERTIONS

/// Detects a call into an object while another call is inside it. It finds calls in an interrupt handler, in a
/// callback of the other call, and most calls on another CPU. It is no lock and proves nothing: two CPUs that enter at
/// the same moment do not see each other. Without assertions it is empty.
class ReEntry {
public:
    /// A call that is inside the object until the end of its block.
    class Visit {
    public:
        explicit Visit(uint8_t& inside) : inside_(inside) { platform::store_byte_first(&inside_, 1); }
        Visit(Visit const&) = delete;
        Visit& operator=(Visit const&) = delete;
        ~Visit() { platform::store_byte_last(&inside_, 0); }

    private:
        uint8_t& inside_;
    };

    [[__nodiscard__]] Visit enter() {
        VIRTQ_ASSERT(
            platform::load_byte(&inside_) == 0,
            "A queue was called while another call is inside it. Hold one lock around every call of this queue, also "
            "in interrupt handlers (mask the interrupt, or its handler waits for the lock for ever). Do not call the "
            "queue in a callback of drain(), or in a page allocator. If nothing else runs, check that your boot code "
            "clears .bss.");
        return Visit{inside_};
    }

private:
    uint8_t inside_ = 0;
};

#else

/// With assertions this class detects a call that begins inside another one. Without them it has no memory and no
/// code.
class ReEntry {
public:
    struct Visit {};
    [[__nodiscard__]] static constexpr Visit enter() { return {}; }
};
static_assert(__is_empty(ReEntry), "The check costs nothing where it is compiled out");

#endif

}  // namespace virtq::detail
