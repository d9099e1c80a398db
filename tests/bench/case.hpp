// SPDX-License-Identifier: MIT
#pragma once

/// One thing to measure: a contender, how its queue is set up, and what it is given to do. No C++ library here: the
/// contenders are compiled as kernels are, with -mgeneral-regs-only, and most headers of a hosted library are not.
namespace bench {

struct Case {
    enum class Who { virtq, floor, floor_fence, linux_ring, linux_sgs };
    enum class Format { split, packed, negotiated_split, negotiated_packed, plain_split };
    /// Whether the compiler knows how many segments a request has. burst: it does, and a batch is one call.
    enum class Style { span, fixed, burst };

    Who who = Who::virtq;
    Format format = Format::split;
    Style style = Style::span;
    bool event_idx = false;
    bool indirect = false;
    bool in_order = false;
    bool notifications = false;  ///< the driver asks to be notified of each completion
    unsigned size = 256;
    unsigned batch = 1;     ///< requests published at once
    unsigned segments = 1;  ///< of a request: one device-readable, the others device-writable

    [[nodiscard]] bool is_packed() const { return format == Format::packed || format == Format::negotiated_packed; }
};

/// Reads the name of a case, WHO/FORMAT/STYLE/FEATURES/SIZE/BATCH/SEGMENTS as in virtq/split/span/e/256/16/3. FEATURES
/// are letters: e EVENT_IDX, i INDIRECT_DESC, o IN_ORDER, n notifications on; or - for none.
bool read_case(char const* name, Case& made);

/// A queue with its driver and its device, in one process.
class Contender {
public:
    virtual ~Contender() = default;

    /// A batch is added and published.
    virtual void submit() = 0;
    /// The device uses all that is there. Returns how many chains.
    virtual unsigned serve() = 0;
    /// Takes at most `most` completions, and returns how many there were.
    virtual unsigned take(unsigned most) = 0;
    /// Adds as many as the queue has room for, at most a batch, and publishes them. Returns how many.
    virtual unsigned submit_what_fits() = 0;
    /// `turns` times: submit, serve, take the batch.
    virtual void run(unsigned long turns) = 0;

    /// Sum of the tokens that came back; those of a batch are 1 … batch.
    [[nodiscard]] virtual unsigned long token_sum() const = 0;
    [[nodiscard]] virtual unsigned long notifications() const = 0;
    [[nodiscard]] virtual unsigned long private_bytes() const = 0;
};

/// Null when there is no such contender.
Contender* make_contender(Case const& which);

// Made in files of their own, so that they compile side by side.
template <class Kind, unsigned Segments>
Contender* make_virtq_256(Case const& which);
template <class Kind, unsigned Segments>
Contender* make_virtq_burst(Case const& which);
struct Split;
struct Packed;
struct NegotiatedSplit;
struct NegotiatedPacked;
struct PlainSplit;
Contender* make_virtq_of_size(Case const& which);
Contender* make_floor(Case const& which);
Contender* make_linux(Case const& which);

}  // namespace bench
