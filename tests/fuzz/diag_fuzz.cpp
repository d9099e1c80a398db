// SPDX-License-Identifier: MIT
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>
#include <virtq/transport/detail/transport_record.hpp>

// No coverage for functions that only read or print a word: it would take two thirds of the time.
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#include <virtq/diag/detail/packed/packed_inspector.hpp>
#include <virtq/diag/detail/split/split_inspector.hpp>
#include <virtq/diag/detail/text_writer.hpp>
#pragma clang attribute pop

#include <virtq/diag/diag.hpp>

#include <fuzz/input.hpp>
#include <fuzz/queue_device.hpp>
#include <fuzz/require.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

/// One input is a queue of any format in any state, a device that writes anything, and diagnoses of both: `diagnose`,
/// `explain`, `dump` and `take_snapshot`. The device goes on writing between any two reads of a diagnosis. These
/// properties are checked, whatever the device writes:
///
/// - a diagnosis reads only the queue's pages, each byte once or twice; it stores nothing, and it ends;
/// - each cause has a sentence, and the lines are not too long;
/// - for a correct device it finds nothing.
///
/// Nothing is allocated: an execution takes some microseconds.
namespace virtq::test {

using namespace virtq::detail;

static_assert(platform::ring_memory_is_replaced, "watched/ stands before include/ in the include path");

namespace {

constexpr std::uint16_t capacity = 16;
constexpr unsigned steps_most = 64;
constexpr unsigned looks_most = 4;  ///< of these steps

/// Memory for one ring and its tables: dirty, and above 4 GiB.
class Arena {
public:
    static constexpr std::uint64_t base = 0x1'2340'0000;

    Pages allocate_pages(std::size_t count) {
        require(used_ < 2 && count != 0 && count <= run_pages);
        std::size_t const at = (used_ * (run_pages + 1) + 1) * page_bytes;
        platform::watch.runs[used_] = {bytes_ + at, count * page_bytes};
        ++used_;
        std::memset(bytes_ + at, 0xa5, count * page_bytes);
        return {bytes_ + at, PhysAddr{base + at}, count};
    }
    void free_pages(Pages) {
        --used_;
        platform::watch.runs[used_] = {};
    }
    [[nodiscard]] bool is_empty() const { return used_ == 0; }

private:
    static constexpr std::size_t run_pages = 4;

    alignas(page_bytes) static inline std::uint8_t bytes_[(2 * run_pages + 3) * page_bytes];
    unsigned used_ = 0;
};

/// The registers of a device: mostly correct values, or bytes of the input.
struct Registers {
    static inline Input* in = nullptr;
    static inline bool misbehaves = false;
    static inline bool legacy = false;
    static inline std::uint8_t type = 0;
    static inline QueueAddresses at;

    [[nodiscard]] static std::uint32_t say(std::uint32_t truth) {
        if (!misbehaves) {
            return truth;
        }
        std::uint8_t const how = in->byte();
        return how < 0xc0 ? truth : how < 0xe0 ? truth ^ (1u << how % 32) : in->word();
    }
};

/// A transport that does not expose its registers.
struct AskedTransport {
    [[nodiscard]] spec::DeviceId device_id() const {
        return static_cast<spec::DeviceId>(Registers::say(Registers::type));
    }
    [[nodiscard]] bool is_legacy() const { return Registers::legacy; }
    [[nodiscard]] DeviceStatus status() {
        return DeviceStatus{static_cast<std::uint8_t>(Registers::say(Registers::legacy ? 7 : 15))};
    }
    [[nodiscard]] std::uint32_t offered_features(unsigned) { return Registers::say(UINT32_MAX); }
    [[nodiscard]] std::uint32_t queue_size_max(std::uint16_t) { return Registers::say(spec::queue_size_max); }
    [[nodiscard]] bool is_queue_in_use(std::uint16_t) { return (Registers::say(1) & 1) != 0; }
    [[nodiscard]] QueueAddresses configured_addresses(std::uint16_t) {
        QueueAddresses told = Registers::at;
        told.device_area = PhysAddr{told.device_area.value ^ (Registers::say(0) & 1)};
        return told;
    }
    /// The record of its own calls.
    struct Record {
        [[nodiscard]] bool has_asked_features_ok() const { return true; }
        [[nodiscard]] LastNotify last_notify() const { return {}; }
        [[nodiscard]] std::uint16_t interrupt_calls() const { return static_cast<std::uint16_t>(Registers::say(1)); }
        [[nodiscard]] std::uint16_t vector_calls() const { return static_cast<std::uint16_t>(Registers::say(0)); }
    };
    [[nodiscard]] Record record() const { return {}; }
    [[nodiscard]] bool uses_vectors() const { return (Registers::say(0) & 1) != 0; }
    [[nodiscard]] PciLine interrupt_line() const { return {static_cast<std::uint8_t>(Registers::say(11)), 1}; }
    [[nodiscard]] std::uint16_t queue_vector(std::uint16_t) { return static_cast<std::uint16_t>(Registers::say(0)); }
};

/// The registers of virtio-mmio.
struct MmioRegisters {
    [[nodiscard]] std::uint8_t read8(std::uint16_t offset) { return static_cast<std::uint8_t>(read32(offset)); }
    [[nodiscard]] std::uint16_t read16(std::uint16_t offset) { return static_cast<std::uint16_t>(read32(offset)); }
    [[nodiscard]] std::uint32_t read32(std::uint16_t offset) {
        switch (offset) {
            case spec::mmio::magic_value.offset: return Registers::say(spec::mmio::magic);
            case spec::mmio::version.offset: return Registers::say(Registers::legacy ? 1 : 2);
            case spec::mmio::device_id.offset: return Registers::say(Registers::type);
            case spec::mmio::status.offset: return Registers::say(Registers::legacy ? 7 : 15);
            case spec::mmio::device_features.offset: return Registers::say(UINT32_MAX);
            case spec::mmio::queue_size_max.offset: return Registers::say(spec::queue_size_max);
            case spec::mmio::legacy_queue_pfn.offset: return Registers::say(Registers::at.pfn());
            case spec::mmio::queue_ready.offset: return Registers::say(1);
            default: return Registers::say(0);
        }
    }
    void write8(std::uint16_t, std::uint8_t) {}
    void write16(std::uint16_t, std::uint16_t) {}
    void write32(std::uint16_t, std::uint32_t) {}
};

/// Receives the printed text and checks its size.
struct Paper {
    VIRTQ_FUZZ_UNCOUNTED void operator()(char character) {
        bool const is_start = (static_cast<unsigned char>(character) & 0xc0u) != 0x80u;
        column = character == '\n' ? 0 : column + (is_start ? 1 : 0);
        if (++characters > 40'000 || column > 79) {
            std::abort();
        }
    }
    unsigned characters = 0;
    unsigned column = 0;
};

/// One execution.
template <class Format>
class Machine {
    static constexpr bool has_tier = Format::has_descriptor_tier;
    static constexpr bool has_in_order = Format::wanted.has(spec::Feature::in_order);

    struct Chain {
        std::uintptr_t token;
        std::uint32_t writable;
        std::uint16_t id;
        std::uint16_t descriptors;
        bool is_published;
        bool is_used;
    };

public:
    explicit Machine(Input& input) : in_(input) {
        self = this;
        platform::watch.reach = [] { self->scribble_in_a_look(); };
    }

    void run() {
        look();  // before the queue has memory
        if (!bring_up()) {
            return;
        }
        for (unsigned i = 0; i < steps_most && !in_.at_end(); ++i) {
            step();
        }
        look();
        queue_.detach();
        require(queue_.drain([](Token) {}).ok());
        look();
        require(queue_.release(arena_).ok() && arena_.is_empty());
        look();
    }

private:
    // --- life ---

    void choose_features() {
        std::uint8_t const bits = in_.byte();
        negotiated_ = Features::of(spec::Feature::version_1);
        packed_ = SameAs<Format, Packed> || (SameAs<Format, AnyFormat> && (bits & 1) != 0);
        Registers::legacy = !packed_ && (bits & 2) != 0;
        in_order_ = has_in_order && !Registers::legacy && (bits & 16) != 0;
        if (Registers::legacy) {
            negotiated_ = Features{};
        }
        packed_ ? negotiated_.set(spec::Feature::ring_packed) : void();
        (bits & 4) != 0 ? negotiated_.set(spec::Feature::event_idx) : void();
        (bits & 8) != 0 ? negotiated_.set(spec::Feature::indirect_desc) : void();
        in_order_ ? negotiated_.set(spec::Feature::in_order) : void();
    }
    [[nodiscard]] QueueOption choose_option(std::uint16_t size) {
        QueueOption option;
        std::uint8_t const bits = in_.byte();
        option.over_reported = (bits & 1) != 0 ? OverReportedLength::clamp : OverReportedLength::break_queue;
        if ((bits & 2) != 0) {  // start shortly before the indices wrap
            unsigned const before = 1u + (bits >> 4) % size;
            option.first_index = RingIndex{static_cast<std::uint16_t>(
                packed_ ? ((bits & 4) != 0 ? 0x8000u : 0u) | (size - before) : 0u - before)};
        }
        if ((bits & 8) != 0) {
            option.indirect = {static_cast<std::uint16_t>(in_.byte() % 20),
                               static_cast<std::uint16_t>(in_.byte() % 20),
                               static_cast<std::uint16_t>(in_.byte() % 4)};
        }
        first_ = number(option.first_index);
        return option;
    }
    [[nodiscard]] std::uint16_t choose_size() {
        std::uint8_t const byte = in_.byte();
        std::uint16_t const odd = static_cast<std::uint16_t>(1u + byte % capacity);
        return Format::needs_power_of_two || byte < 0x80 ? static_cast<std::uint16_t>(1u << byte % 5) : odd;
    }

    [[nodiscard]] bool bring_up() {
        Registers::type = in_.byte() % 32;
        std::uint8_t const index = in_.byte();
        queue_index_ = index % 8;
        has_dirty_padding_ = (index & 0x80) != 0;
        std::uint16_t const size = choose_size();
        choose_features();
        QueueOption const option = choose_option(size);
        require(queue_.init(arena_, size, negotiated_, option).ok());
        begin(size);
        return true;
    }
    void begin(std::uint16_t size) {
        size_ = size;
        chains_ = 0;
        own_ = 0;
        is_honest_ = true;
        Registers::at = queue_.addresses();
        device_ = QueueDevice(static_cast<std::uint8_t*>(queue_.pages().virt), queue_.addresses(), packed_, first_);
        queue_.attach();
        if (has_dirty_padding_) {
            dirty_padding();
        }
    }
    /// The check of padding ends at the first word that is not 0. Half of all executions put one at the start of the
    /// padding, because reading thousands of unused words takes long.
    void dirty_padding() {
        is_honest_ = false;
        auto* const run = static_cast<std::uint8_t*>(queue_.pages().virt);
        SplitLayout const split{size_};
        std::uint32_t const first =
            packed_ ? PackedLayout{size_}.total_bytes() : split.available_ring_offset() + split.available_ring_bytes();
        run[first] = 1;
        run[packed_ ? first : split.total_bytes()] = 1;
    }
    void restart() {
        queue_.detach();
        require(queue_.drain([](Token) {}).ok());
        (in_.byte() & 1) != 0 && looks_++ < looks_most ? look() : void();
        bool const was_packed = packed_;
        std::uint16_t const size = choose_size();
        do {
            choose_features();
        } while (packed_ != was_packed && !in_.at_end());
        if (packed_ != was_packed) {
            packed_ = was_packed;
            packed_ ? negotiated_.set(spec::Feature::ring_packed) : negotiated_.clear(spec::Feature::ring_packed);
            Registers::legacy = false;
            negotiated_.set(spec::Feature::version_1);
        }
        QueueOption const option = choose_option(size);
        require(queue_.restart(size, negotiated_, option).ok());
        begin(size);
    }

    // --- one step of the driver, or of the device ---

    void step() {
        switch (std::uint8_t const what = in_.byte(); what % 16) {
            case 0:
            case 1:
            case 2: add(); break;
            case 3:
            case 4: publish(); break;
            case 5:
            case 6: take(); break;
            case 7:
            case 8: use(); break;
            case 9: use_raw(); break;
            case 10:
            case 11: scribble(); break;
            case 12: restart(); break;
            case 13: looks_++ < looks_most ? look() : void(); break;
            case 14:
                what < 128 ? static_cast<void>(queue_.enable_used_notifications())
                           : queue_.disable_used_notifications();
                break;
            default:
                if constexpr (has_tier) {
                    if (!in_order_) {
                        tier_step();
                    }
                }
        }
    }

    void add() {
        std::uint8_t const shape = in_.byte();
        std::array<Segment, 8> segments;
        std::size_t const readable = shape % 4;
        std::size_t const writable = (shape >> 4) % 4;
        for (std::size_t i = 0; i < readable + writable; ++i) {
            segments[i] = {PhysAddr{next_buffer_}, 16};
            next_buffer_ += 4096;
        }
        std::uint16_t const before = queue_.num_free();
        Span<Segment const> const in{segments.data(), readable};
        Span<Segment const> const out{segments.data() + readable, writable};
        if (queue_.add(in, out, Token{next_token_})) {
            note(static_cast<std::uint16_t>(before - queue_.num_free()), static_cast<std::uint32_t>(16 * writable));
        }
    }
    void note(std::uint16_t descriptors, std::uint32_t writable) {
        all_[chains_++] = {next_token_++, writable, device_.id_of_added(descriptors), descriptors, false, false};
    }
    void publish() {
        static_cast<void>(queue_.publish());
        for (unsigned i = 0; i < chains_; ++i) {
            all_[i].is_published = true;
        }
    }
    void take() {
        if (Completion const done = queue_.take_used()) {
            forget([&](Chain const& chain) { return chain.token == done.token.value(); });
        }
    }
    template <class Which>
    void forget(Which which) {
        for (unsigned i = 0; i < chains_; ++i) {
            if (which(all_[i])) {
                for (--chains_; i < chains_; ++i) {
                    all_[i] = all_[i + 1];
                }
                return;
            }
        }
    }

    void use() {
        std::uint8_t const which = in_.byte();
        Chain* waiting[capacity];
        unsigned count = 0;
        for (unsigned i = 0; i < chains_; ++i) {
            if (all_[i].is_published && !all_[i].is_used) {
                waiting[count++] = &all_[i];
            }
        }
        if (count == 0) {
            return;
        }
        unsigned const chosen = which % count;
        unsigned chains = 1, descriptors = waiting[chosen]->descriptors;
        waiting[chosen]->is_used = true;
        for (unsigned i = 0; in_order_ && i < chosen; ++i, ++chains) {
            waiting[i]->is_used = true;
            descriptors += waiting[i]->descriptors;
        }
        device_.use(waiting[chosen]->id, waiting[chosen]->writable, chains, descriptors);
    }
    void use_raw() {
        is_honest_ = false;
        std::uint32_t const id = special();
        device_.use(id, special(), in_.byte() % 4, in_.byte() % 8);
    }

    // --- the descriptor tier ---

    void tier_step() requires has_tier {
        std::uint8_t const how = in_.byte();
        if ((how & 3) == 0 && own_ < 4) {
            Result<DescIndex> const got = queue_.alloc_desc();
            own_ += got.ok() ? 1 : 0;  // and is never freed
        } else if ((how & 3) == 1) {
            poll(how);
        } else {
            push(1u + (how >> 4) % 3, how);
        }
    }
    void push(unsigned length, std::uint8_t how) requires has_tier {
        std::array<DescIndex, 3> descs;
        if (queue_.num_free() < length || queue_.fault()) {
            return;
        }
        for (unsigned i = 0; i < length; ++i) {
            descs[i] = *queue_.alloc_desc();
        }
        bool const writable = (how & 4) != 0;
        for (unsigned i = 0; i < length; ++i) {
            bool const last = i + 1 == length;
            auto const flags = static_cast<std::uint16_t>((last ? 0 : 1) | (writable ? 2 : 0));
            queue_.write_desc(descs[i], PhysAddr{next_buffer_}, 16, flags, last ? DescIndex{0} : descs[i + 1]);
            next_buffer_ += 4096;
        }
        require(queue_.push_avail(descs[0], Token{next_token_}).ok());
        note(static_cast<std::uint16_t>(length), writable ? 16 * length : 0);
        publish();
    }
    void poll(std::uint8_t how) requires has_tier {
        UsedChain const used = queue_.poll_used();
        if (!used) {
            return;
        }
        forget([&](Chain const& chain) { return chain.id == number(used.head); });
        if ((how & 4) != 0) {
            queue_.free_chain(used.head);
        } else {
            own_ += 4;  // the caller keeps the descriptors
        }
    }

    // --- what a device may write ---

    [[nodiscard]] std::uint32_t special() {
        std::uint8_t const byte = in_.byte();
        switch (byte % 8) {
            case 0: return 0;
            case 1: return UINT32_MAX;
            case 2: return byte;
            case 3: return in_.half();
            case 4: return (byte / 8u) % (2u * size_);
            case 5: return byte / 8u;                                         // flags NEXT, WRITE, INDIRECT
            case 6: return 0x8080u ^ (byte & 0x80u) ^ ((byte & 0x40u) << 9);  // AVAIL and USED
            default: return in_.word();
        }
    }
    [[nodiscard]] std::uint64_t special_address() {
        std::uint8_t const byte = in_.byte();
        Pages const run = (byte & 1) != 0 ? queue_.table_pages() : queue_.pages();
        switch (byte % 5) {
            case 0: return run.phys.value + 16 * in_.byte();
            case 1: return run.phys.value + special();
            case 2: return special();
            case 3: return UINT64_MAX - special();
            default: return reinterpret_cast<std::uintptr_t>(run.virt);
        }
    }
    void scribble() {
        is_honest_ = false;
        std::uint8_t const byte = in_.byte();
        Pages const tables = queue_.table_pages();
        bool const in_table = (byte & 1) != 0 && tables.count != 0;
        auto* const run = static_cast<std::uint8_t*>(in_table ? tables.virt : queue_.pages().virt);
        std::size_t const bytes = (in_table ? tables.count : queue_.pages().count) * page_bytes;
        if (byte < 0x60) {  // a field of a descriptor
            std::uint8_t* const descriptor = run + 16 * (in_.byte() % (in_table ? 256u : size_));
            switch ((byte >> 1) % 4) {
                case 0: put(descriptor, special_address()); break;
                case 1: put(descriptor + 8, special()); break;
                case 2: put(descriptor + 12, static_cast<std::uint16_t>(special())); break;
                default: put(descriptor + 14, static_cast<std::uint16_t>(special()));
            }
            return;
        }
        QueueAddresses const at = queue_.addresses();
        PhysAddr const area = byte < 0xb0 ? at.device_area : at.driver_area;
        if (byte < 0xf0) {  // the first words of an area, or its entries
            std::size_t const offset = area.value - at.descriptor_area.value + 2 * (in_.byte() % (2u + 8u * size_));
            auto* const ring = static_cast<std::uint8_t*>(queue_.pages().virt);
            put(ring + offset % (queue_.pages().count * page_bytes - 2), static_cast<std::uint16_t>(special()));
            return;
        }
        run[in_.half() % bytes] = in_.byte();
    }
    template <class Word>
    static void put(std::uint8_t* at, Word value) {
        std::memcpy(at, &value, sizeof value);
    }

    // --- diagnoses ---

    void scribble_in_a_look() {
        scribble();
        --scribbles_;
        plan_next();
    }
    void plan_next() {
        platform::Watch& watch = platform::watch;
        std::uint8_t const distance = scribbles_ != 0 ? in_.byte() : 0;
        watch.stop_at =
            scribbles_ == 0 ? SIZE_MAX : watch.made + 1 + (distance < 0xf0 ? distance % 64 : in_.half() % 5000);
    }
    /// Each byte is read once, and a few words twice.
    void begin_look() {
        platform::Watch& watch = platform::watch;
        watch.made = 0;
        watch.most = watch.runs[0].bytes + watch.runs[1].bytes + 64;
        watch.may_store = false;
        plan_next();
    }
    static void end_look() {
        platform::Watch& watch = platform::watch;
        watch.may_store = true;
        watch.most = watch.stop_at = SIZE_MAX;
    }

    void look() {
        std::uint8_t const how = in_.byte();
        scribbles_ = queue_.size() == 0 || how < 0x80 ? 0 : how % 4;
        Registers::in = &in_;
        Registers::misbehaves = (how & 0x40) != 0;
        static constexpr AddressRange ram[] = {{PhysAddr{Arena::base}, std::uint64_t{1} << 32}};
        DiagnoseOption option;
        option.symptom = (how & 4) != 0 ? Symptom::hang : Symptom::none;
        option.ram = (how & 8) != 0 ? Span<AddressRange const>{ram} : Span<AddressRange const>{};
        option.use = static_cast<QueueUse>(how % 4 % 3);
        bool const is_block = Registers::type == static_cast<std::uint8_t>(spec::DeviceId::block);
        bool const is_device = Registers::type != 0 && !is_block && !Registers::misbehaves;
        bool const is_sound = is_honest_ && own_ == 0 && scribbles_ == 0 && is_device && queue_.size() != 0 &&
                              queue_.is_live() && option.ram.empty() && option.symptom == Symptom::none &&
                              option.use == QueueUse::requests;
        begin_look();
        if ((how & 16) != 0) {
            AskedTransport transport;
            diagnose(record, transport, queue_index_, queue_, negotiated_, option);
        } else {
            MmioRegisters registers;
            diagnose(record, registers, queue_index_, queue_, negotiated_, option);
        }
        require(!is_sound || record.diagnosis.is_healthy());
        judge(record.diagnosis, (how & 32) != 0);
        begin_look();
        if ((how & 32) != 0) {
            dump(queue_, Paper{}, Lines{how % 32u});
        }
        begin_look();
        QueueSnapshot const seen = take_snapshot(queue_);
        require(seen.size == queue_.size() && seen.num_free == queue_.num_free());
        end_look();
    }
    static void judge(Diagnosis const& found, bool prints) {
        require(found.findings().size() <= Diagnosis::capacity);
        for (Finding const& finding : found.findings()) {
            require(finding.cause != Cause::none && finding.cause <= Cause::descriptors_not_freed);
        }
        if (prints) {
            explain(found, Paper{});
        }
    }

    static inline Machine* self = nullptr;
    static inline DiagnosisRecord record;
    static inline VirtQueue<capacity, Format> queue_;

    Input& in_;
    Arena arena_;
    QueueDevice device_;
    Features negotiated_;
    std::array<Chain, capacity + 1> all_;
    unsigned chains_ = 0;
    unsigned own_ = 0;  ///< descriptors that the caller holds
    unsigned scribbles_ = 0;
    unsigned looks_ = 0;
    std::uint64_t next_buffer_ = Arena::base + 0x10'0000;
    std::uintptr_t next_token_ = 1;
    std::uint16_t size_ = 1, first_ = 0, queue_index_ = 0;
    bool has_dirty_padding_ = false;
    bool packed_ = false, in_order_ = false, is_honest_ = true;
};

template <class Format>
void run(Input& input) {
    Machine<Format> machine{input};
    machine.run();
}

}  // namespace
}  // namespace virtq::test

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace virtq;
    test::Input input{data, size};
    switch (input.byte() % 5) {
        case 0: test::run<Split>(input); break;
        case 1: test::run<Packed>(input); break;
        case 2: test::run<AnyFormat>(input); break;
        case 3: test::run<PlainSplit>(input); break;
        default: test::run<Split>(input);  // twice, so that old inputs keep their meaning
    }
    return 0;
}
