// SPDX-License-Identifier: MIT
#pragma once

/// One thing to measure: a contender, its queue and its load. This header uses no C++ library: the contenders are
/// compiled with -mgeneral-regs-only, as kernels are, and most headers of a hosted library do not compile so.
namespace bench {

struct Case {
    enum class Who {
        virtq,
        before,   ///< the library of an earlier commit
        checked,  ///< with assertions on
        floor,
        floor_fence,
        unchecked,
        unchecked_fence,
        linux_ring,
        linux_sgs
    };
    enum class Format {
        split,
        packed,
        negotiated_split,
        negotiated_packed,
        plain_split,
        disk_split,  ///< reads by BlockDevice; `segments` counts those of the data
        disk_packed,
    };
    /// `fixed`, `burst`: the compiler knows how many segments a request has. `span`, `burst_span`: it does not. `publish`:
    /// only `publish()` is measured.
    enum class Style { span, fixed, burst_span, burst, publish };

    Who who = Who::virtq;
    Format format = Format::split;
    Style style = Style::span;
    bool event_idx = false;
    bool indirect = false;
    bool in_order = false;
    bool notifications = false;  ///< the driver asks to be notified of each completion
    unsigned size = 256;
    unsigned batch = 1;     ///< requests published at once
    unsigned segments = 1;  ///< segments of a request: one device-readable, the others device-writable

    [[nodiscard]] bool is_packed() const {
        return format == Format::packed || format == Format::negotiated_packed || format == Format::disk_packed;
    }
};

/// Reads the name of a case, WHO/FORMAT/STYLE/FEATURES/SIZE/BATCH/SEGMENTS as in virtq/split/span/e/256/16/3. FEATURES
/// are letters: e EVENT_IDX, i INDIRECT_DESC, o IN_ORDER, n notifications on; or - for none.
bool read_case(char const* name, Case& made);

/// A queue with its driver and its device, in one process.
class Contender {
public:
    /// Adds and publishes a batch.
    virtual void submit() = 0;
    /// The device uses all chains that it has got. Returns how many.
    virtual unsigned serve() = 0;
    /// Takes at most `most` completions, and returns how many there were.
    virtual unsigned take(unsigned most) = 0;
    /// Adds a batch and publishes it, if the queue has room. Returns the number of requests.
    virtual unsigned submit_what_fits() = 0;
    /// `turns` times: submit, serve, take the batch.
    virtual void run(unsigned long turns) = 0;

    /// Sum of the tokens that came back. A batch has the tokens 1 to `batch`.
    [[nodiscard]] virtual unsigned long token_sum() const = 0;
    [[nodiscard]] virtual unsigned long notifications() const = 0;
    [[nodiscard]] virtual unsigned long private_bytes() const = 0;

protected:
    ~Contender() = default;  // contenders are never destroyed
};

/// Null if there is no such contender.
Contender* make_contender(Case const& which);

// Each is in a file of its own, so that they compile in parallel.
template <class Kind, unsigned Segments>
Contender* make_virtq_256(Case const& which);
struct Split;
struct Packed;
struct NegotiatedSplit;
struct NegotiatedPacked;
struct PlainSplit;
template <class Kind, unsigned Segments>
Contender* make_virtq_burst(Case const& which);
template <class Kind>
Contender* make_virtq_publish(Case const& which);
template <class Kind>
Contender* make_virtq_disk(Case const& which);
// Defined in the same files, which build.py compiles again with these names.
template <class Kind, unsigned Segments>
Contender* make_before_256(Case const& which);
template <class Kind>
Contender* make_checked_disk(Case const& which);
Contender* make_virtq_of_size(Case const& which);
Contender* make_floor(Case const& which);
Contender* make_unchecked(Case const& which);
Contender* make_linux(Case const& which);

}  // namespace bench
