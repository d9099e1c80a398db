// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

/// A weak memory model for two sides, driver and device. The ring's instrumented accesses call it.
///
/// Each word keeps all stores to it, in their order. Each side has a view: for each word, the oldest store that it may
/// still read. A load may read that store or any later one. So stores become visible, and loads are satisfied, in any
/// order that is not forbidden:
///
/// - a store carries the view of its release (all that its side has seen or done), or of the last fence before it;
/// - an acquire adopts that view; a relaxed load keeps it for the next fence;
/// - a full fence also adopts the view of all earlier full fences. So if two sides each store, fence and load, at least
///   one of them sees the other's store;
/// - a register write carries only the view of the last `memory_before_register_write`.
///
/// This is C11 with one restriction: a store never becomes visible before an earlier load is satisfied. The exception
/// is `load_late`, for what a driver reads from a returned buffer and copies elsewhere. Its load may be satisfied at
/// any time up to the side's next release, full fence, publish order or look order. Nothing depends on the value. So
/// neither C11 nor a CPU orders that load before the stores that offer the buffer again.
///
/// With `hardware` the device does not take part in release, acquire and the fences of SMP order
/// (VIRTIO_F_ORDER_PLATFORM, §6). Then only `DeviceOrder` counts on the driver's side.
namespace virtq::order {

enum class Side : std::uint8_t { driver, device };
inline constexpr std::size_t sides = 2;
[[nodiscard]] constexpr std::size_t number(Side side) {
    return static_cast<std::size_t>(side);
}

enum class Access : std::uint8_t { plain, relaxed, ordered };
enum class Fence : std::uint8_t { full, hardware_full, publish, look, register_write, register_read };

/// A place in the library: the function that calls into platform/, and the line.
struct Site {
    char const* function;
    char const* file;
    int line;
};

// --- called by the instrumented platform/
// -----------------------------------------------------------------------------

void store(void* target, std::size_t bytes, std::uint64_t value, Access access, Site site);
[[nodiscard]] std::uint64_t load(void const* source, std::size_t bytes, Access access, Site site);
void fence(Fence kind, Site site);

/// A load whose value nothing depends on, so that later stores do not wait for it. The execution fails with
/// `otherwise` if it can read anything but `expected`.
void load_late(void const* source, std::size_t bytes, std::uint64_t expected, char const* otherwise);

// --- called by the litmus programs
// ------------------------------------------------------------------------------------

/// While it exists, accesses go to memory directly: the device does not know the queue yet.
class Setup {
public:
    Setup();
    ~Setup();
    Setup(Setup const&) = delete;
    Setup& operator=(Setup const&) = delete;
};

/// Names the queue call that is running, for the table of mutants.
class Call {
public:
    explicit Call(char const* name);
    ~Call();
    Call(Call const&) = delete;
    Call& operator=(Call const&) = delete;
};

/// Starts to record what is read, for the next `spin`.
void begin_look();
/// Waits until something that was read since `begin_look` has changed. The side will see that change; nothing else
/// follows from it.
void spin();

/// The driver writes the doorbell register. The device will see that, and everything that the register accessor
/// ordered before it.
void ring_doorbell();
/// The device sleeps until the doorbell has been rung since its last sleep.
void wait_for_doorbell();

/// How the driver learns what the device did before it sent an interrupt.
enum class InterruptKind : std::uint8_t {
    message,  ///< MSI: written after the device's stores, so these are visible
    line,     ///< nothing is visible before the interrupt status register has been read
};
void send_interrupt();
void wait_for_interrupt(InterruptKind kind);

/// Thrown by a program that found an error.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};
void require(bool condition, char const* otherwise);

// --- mutants
// ----------------------------------------------------------------------------------------------------------

/// A place in a call of the queue where something is ordered.
struct OrderPoint {
    std::string function;  ///< the function that calls into platform/
    std::string call;      ///< the call of the queue
    unsigned occurrence;   ///< counts the visits within one call
    std::string what;      ///< acquire, release, full fence, …
    std::string file;
    int line;
    Side side;

    [[nodiscard]] std::string name() const;
};

enum class Weakening : std::uint8_t {
    none,
    to_relaxed,         ///< an acquire or release becomes relaxed; a fence is removed
    to_acq_rel,         ///< a full fence becomes an acquire-release fence
    to_order_of_stores  ///< the publish order no longer orders earlier loads: `dmb oshst` for `dmb osh`
};

// --- exploring
// --------------------------------------------------------------------------------------------------------

/// A small program of two sides. Each function runs again and again from its start, so it must depend only on what it
/// loads.
struct Program {
    void (*driver)(void const* parameter);
    void (*device)(void const* parameter);
    void const* parameter;
    bool hardware = false;
};

/// A plain store that the other side may read without ordering; the names of both functions.
struct Race {
    std::string store;
    std::string load;
    auto operator<=>(Race const&) const = default;
};

struct Exploration {
    double executions = 0;     ///< complete ones: orders of the loads and fences times what each load could read
    std::uint64_t states = 0;  ///< distinct states
    std::string failure;       ///< empty if there is none
    std::string trace;         ///< the execution that failed
    std::vector<Race> races;
    std::vector<std::size_t> points;  ///< visited ones, as indices of `order_points`
};

/// Explores all executions of a program, or stops at the first that fails. `mutant` is an index of `order_points`.
[[nodiscard]] Exploration explore(Program const& program, std::size_t mutant = 0,
                                  Weakening weakening = Weakening::none);

/// All places that any exploration has visited.
[[nodiscard]] std::vector<OrderPoint> const& order_points();

}  // namespace virtq::order
