// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

/// A weak memory for two sides, driver and device, and what the ring's instrumented accesses call.
///
/// Each word keeps all stores to it, in their order. Each side has a view: of each word, the oldest store that it may
/// still read. A load takes any store from there on, so stores become visible, and loads are satisfied, in any order
/// that is not forbidden:
///
/// - a store carries the view of its release (all that its side has seen or done), or of the last fence before it;
/// - an acquire takes that view over; a relaxed load keeps it for the next fence;
/// - a full fence also takes over what all full fences before it had seen, which forbids that two sides that each
///   store, fence and load both miss the other's store;
/// - a register write carries the view of the last `memory_before_register_write`, nothing else.
///
/// That is C11 without one thing: a store never becomes visible before an earlier load is satisfied. The exception is
/// `load_late`, whose load may be satisfied at any time up to the next release, full fence, order of publish or order
/// of look of its side: what a driver reads of a buffer that came back, and copies elsewhere. Nothing depends on the
/// value, so neither C11 nor a CPU orders that load before the stores that offer the buffer again.
///
/// With `hardware` the device is outside of what release, acquire and the fence of SMP order
/// (VIRTIO_F_ORDER_PLATFORM, §6): of the driver's side only `DeviceOrder` counts then.
namespace virtq::order {

enum class Side : std::uint8_t { driver, device };
inline constexpr std::size_t sides = 2;
[[nodiscard]] constexpr std::size_t number(Side side) {
    return static_cast<std::size_t>(side);
}

enum class Access : std::uint8_t { plain, relaxed, ordered };
enum class Fence : std::uint8_t { full, hardware_full, publish, look, register_write, register_read };

/// Where in the library: the function that calls into platform/, and the line.
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

/// What a side does before the device knows of the queue goes to memory directly.
class Setup {
public:
    Setup();
    ~Setup();
    Setup(Setup const&) = delete;
    Setup& operator=(Setup const&) = delete;
};

/// Names the call that is made of the queue, for the table of mutants.
class Call {
public:
    explicit Call(char const* name);
    ~Call();
    Call(Call const&) = delete;
    Call& operator=(Call const&) = delete;
};

/// Begins a look that `spin` may wait behind.
void begin_look();
/// Waits until something of what was read since `begin_look` has changed. What changed will be seen; nothing else
/// follows from it.
void spin();

/// The doorbell register was written: the device will see that, and what the register accessor ordered before it.
void ring_doorbell();
/// The device sleeps until the doorbell has been rung since it slept last.
void wait_for_doorbell();

/// How the driver learns what the device did before it sent an interrupt.
enum class InterruptKind : std::uint8_t {
    message,  ///< MSI: stored behind the device's stores, so these are there
    line,     ///< nothing is ordered before the interrupt status register has been read
};
void send_interrupt();
void wait_for_interrupt(InterruptKind kind);

/// The program found what must not be.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};
void require(bool condition, char const* otherwise);

// --- mutants
// ----------------------------------------------------------------------------------------------------------

/// A place in a call of the queue where something is ordered.
struct OrderPoint {
    std::string function;  ///< that calls into platform/
    std::string call;      ///< of the queue
    unsigned occurrence;   ///< which time the call comes there
    std::string what;      ///< acquire, release, full fence, …
    std::string file;
    int line;
    Side side;

    [[nodiscard]] std::string name() const;
};

enum class Weakening : std::uint8_t {
    none,
    to_relaxed,         ///< an acquire or release becomes relaxed, a fence nothing
    to_acq_rel,         ///< a full fence becomes one of acquire and release
    to_order_of_stores  ///< the order of publish no longer orders earlier loads: `dmb oshst` in place of `dmb osh`
};

// --- exploring
// --------------------------------------------------------------------------------------------------------

/// A small program of two sides. Each function is run again and again from its start, so it must depend on nothing but
/// what it loads.
struct Program {
    void (*driver)(void const* parameter);
    void (*device)(void const* parameter);
    void const* parameter;
    bool hardware = false;
};

/// A plain store that the other side could read without order: both functions.
struct Race {
    std::string store;
    std::string load;
    auto operator<=>(Race const&) const = default;
};

struct Exploration {
    double executions = 0;     ///< complete ones: orders of the loads and fences times what each load could read
    std::uint64_t states = 0;  ///< different ones
    std::string failure;       ///< empty: none
    std::string trace;         ///< the execution that failed
    std::vector<Race> races;
    std::vector<std::size_t> points;  ///< that were come to, as indices of `order_points`
};

/// Goes through all executions of a program, or to the first that fails. `mutant` is an index of `order_points`.
[[nodiscard]] Exploration explore(Program const& program, std::size_t mutant = 0,
                                  Weakening weakening = Weakening::none);

/// All places that any exploration came to.
[[nodiscard]] std::vector<OrderPoint> const& order_points();

}  // namespace virtq::order
