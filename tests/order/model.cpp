// SPDX-License-Identifier: MIT
#include <order/model.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <map>
#include <set>
#include <sstream>
#include <tuple>
#include <unordered_map>

namespace virtq::order {
namespace {

constexpr std::size_t words_max = 96;
constexpr std::size_t late_max = 4;

/// For each word: the number of its stores that precede this point. For each side: the number of its loads that do.
struct View {
    std::array<std::uint8_t, words_max> at{};
    std::array<std::uint16_t, sides> loads{};

    void join(View const& other) {
        for (std::size_t i = 0; i < words_max; ++i) {
            at[i] = std::max(at[i], other.at[i]);
        }
        for (std::size_t i = 0; i < sides; ++i) {
            loads[i] = std::max(loads[i], other.loads[i]);
        }
    }
};

/// The index of a store. 0 is the initial value.
using StoreIndex = std::uint32_t;
struct Store {
    std::uint64_t value = 0;
    View carried{};
    StoreIndex before = 0;
    std::uint8_t time = 0;
    bool is_plain = false;
    char const* function = nullptr;
    std::uint64_t hash = 0;
};

/// The next step of a side, at which the other side may run. Stores are not steps: a store may happen at once and be
/// read late. Nor are loads of a word to which no side stores while the other could load it.
enum class Step : std::uint8_t { load, late_loads, full_fence, spin, doorbell, interrupt, end };
struct Pending {
    Step step = Step::end;
    std::uint8_t word = 0;
    bool is_strong = false;     ///< a load with acquire, or a fence stronger than acquire and release
    bool has_effect = true;     ///< false for a fence that a mutant removed
    bool takes_memory = false;  ///< an interrupt after which the device's stores are visible
    Site site{};
    char const* call = nullptr;
};

/// A load without a value yet: it may read any store from `from` on.
struct Late {
    std::uint8_t word = 0;
    std::uint8_t from = 0;
    std::uint64_t expected = 0;
    char const* otherwise = nullptr;
};

struct SideState {
    View now;            ///< stores before these may not be read any more
    View kept;           ///< what relaxed loads have seen, for the next fence
    View released;       ///< the view at the last fence
    View to_register;    ///< the view at the last fence before a register write
    View from_register;  ///< what an interrupt conveys, once the status register is read
    std::array<std::uint8_t, words_max> looked_at{};
    std::array<std::uint16_t, words_max> last_load{};  ///< for each word: number of the load; from the log
    std::array<Late, late_max> late{};
    std::size_t late_count = 0;
};

struct State {
    std::array<SideState, sides> side;
    View fenced;  ///< the views of all full fences
    View doorbell_view;
    View interrupt_view;
    bool doorbell = false;
    bool interrupt = false;
    std::array<StoreIndex, words_max> newest{};
    std::array<Pending, sides> pending;  ///< determined by the logs
};

struct Suspended {};
/// A word turned out to be contended. The exploration so far assumed that it is not.
struct Restart {};

/// Two independent 64-bit hashes.
struct Hash {
    std::uint64_t a = 0x243f6a8885a308d3;
    std::uint64_t b = 0x13198a2e03707344;

    void add(std::uint64_t value) {
        a = (a ^ value) * 0x9e3779b97f4a7c15;
        a ^= a >> 29;
        b = (b + value) * 0xc2b2ae3d27d4eb4f;
        b ^= b >> 31;
    }
    void add(View const& view) {
        static_assert(words_max % 8 == 0);
        for (std::size_t i = 0; i < words_max; i += 8) {
            std::uint64_t eight;
            std::memcpy(&eight, view.at.data() + i, 8);
            add(eight);
        }
        add(view.loads[0] + (std::uint64_t{view.loads[1]} << 32));
    }
    bool operator==(Hash const&) const = default;
};
struct HashOfHash {
    std::size_t operator()(Hash const& hash) const { return static_cast<std::size_t>(hash.a); }
};

/// The values that a side has got so far. They determine its next step.
struct Log {
    std::vector<std::uint64_t> values;
    std::vector<Hash> hashes{Hash{}};

    void push(std::uint64_t value) {
        values.push_back(value);
        hashes.push_back(hashes.back());
        hashes.back().add(value + 1);
    }
    void cut(std::size_t length) {
        values.resize(length);
        hashes.resize(length + 1);
    }
};

/// One step of one side: the store that a load reads, or the word whose change ends a spin.
struct Choice {
    Side side;
    StoreIndex store;
    std::uint8_t word;
};

std::vector<OrderPoint> points;
std::map<std::tuple<char const*, char const*, char const*, char const*, unsigned>, std::size_t> known_points;

class Explorer {
public:
    Explorer(Program const& program, std::size_t mutant, Weakening weakening)
        : program_(program), mutant_(mutant), weakening_(weakening) {}

    Exploration run() {
        active = this;
        while (!is_complete()) {
        }
        active = nullptr;
        result_.states = visited_.size();
        result_.races.assign(races_.begin(), races_.end());
        result_.points.assign(points_.begin(), points_.end());
        return result_;
    }

    // --- actions of the running side ---

    void store(void* target, std::size_t bytes, std::uint64_t value, Access access, Site site) {
        bool const is_release = orders(access, site, "release");
        std::uint8_t const word = word_of(target, bytes);
        if (is_release) {
            wait_for_late_loads();
        }
        if (is_replayed()) {
            return;
        }
        SideState& me = state_.side[number(running_)];
        Store const& newest = store_at(word, state_.newest[word]);
        if (newest.time == UINT8_MAX) {
            throw Failure("the model has room for 255 stores to a word");
        }
        Side const other = running_ == Side::driver ? Side::device : Side::driver;
        if (state_.side[number(other)].last_load[word] > me.now.loads[number(other)]) {
            contend(word);
        }
        if (me.now.at[word] < newest.time) {
            throw Failure(std::string("two stores to one word without order, the later in ") + site.function);
        }
        auto const time = static_cast<std::uint8_t>(newest.time + 1);
        me.now.at[word] = time;
        Store made{value, is_release ? me.now : me.released, state_.newest[word],
                   time,  access == Access::plain,           site.function};
        made.carried.at[word] = time;
        Hash hash;
        hash.add(value);
        hash.add(made.carried);
        hash.add(made.is_plain);
        made.hash = hash.a ^ hash.b;
        state_.newest[word] = static_cast<StoreIndex>(stores_.size());
        stores_.push_back(made);
        say(site, "stores ", value, is_release ? " with release" : "");
    }

    std::uint64_t load(void const* source, std::size_t bytes, Access access, Site site) {
        Pending next{Step::load};
        next.is_strong = orders(access, site, "acquire");
        next.word = word_of(source, bytes);
        next.site = site;
        if (is_replayed() || is_contended_[next.word]) {
            return wait(next);
        }
        SideState& me = state_.side[number(running_)];
        Store const& newest = store_at(next.word, state_.newest[next.word]);
        if (newest.time > me.now.at[next.word]) {
            contend(next.word);
        }
        read(me, next, state_.newest[next.word]);
        log().push(newest.value);
        ++replayed_;
        return newest.value;
    }

    void load_late(void const* source, std::size_t bytes, std::uint64_t expected, char const* otherwise) {
        std::uint8_t const word = word_of(source, bytes);
        ++late_;
        if (is_replayed()) {
            return;
        }
        SideState& me = state_.side[number(running_)];
        require(me.late_count != late_max, "the model has room for 4 loads that are late");
        me.late[me.late_count++] = {word, me.now.at[word], expected, otherwise};
        say({}, "begins to load what shall be ", expected);
    }

    void fence(Fence kind, Site site) {
        static constexpr char const* names[] = {"full fence",    "full fence for hardware", "order of publish",
                                                "order of look", "register write",          "register read"};
        Weakening const weakening = weakening_at(site, names[static_cast<std::size_t>(kind)]);
        bool const is_lost = weakening == Weakening::to_relaxed;
        if (kind == Fence::full || kind == Fence::hardware_full) {
            Pending next{Step::full_fence};
            next.is_strong = weakening == Weakening::none;
            next.has_effect = !is_lost && (kind == Fence::hardware_full || !is_driver_of_hardware());
            next.site = site;
            late_ = next.has_effect ? 0 : late_;
            static_cast<void>(wait(next));
            return;
        }
        bool const orders_loads = kind == Fence::publish || kind == Fence::look;
        if (orders_loads && weakening == Weakening::none) {
            wait_for_late_loads();
        }
        if (is_replayed() || is_lost) {
            return;
        }
        SideState& me = state_.side[number(running_)];
        switch (kind) {
            case Fence::publish: me.released = me.now; break;
            case Fence::look: me.now.join(me.kept); break;
            case Fence::register_write: me.to_register = me.now; break;
            case Fence::register_read: me.now.join(me.from_register); break;
            case Fence::full:
            case Fence::hardware_full: break;
        }
        say(site, names[static_cast<std::size_t>(kind)]);
    }

    void begin_look() {
        if (!is_replayed()) {
            state_.side[number(running_)].looked_at = {};
        }
    }
    void spin() { static_cast<void>(wait({Step::spin})); }

    void ring_doorbell() {
        if (!is_replayed()) {
            state_.doorbell = true;
            state_.doorbell_view.join(state_.side[number(Side::driver)].to_register);
            say({}, "rings the doorbell");
        }
    }
    void wait_for_doorbell() { static_cast<void>(wait({Step::doorbell})); }

    void send_interrupt() {
        if (!is_replayed()) {
            state_.interrupt = true;
            state_.interrupt_view.join(state_.side[number(Side::device)].now);
            say({}, "sends an interrupt");
        }
    }
    void wait_for_interrupt(InterruptKind kind) {
        Pending next{Step::interrupt};
        next.takes_memory = kind == InterruptKind::message;
        static_cast<void>(wait(next));
    }

    void begin_call(char const* name) {
        call_ = name;
        occurrences_.clear();
    }

    inline static Explorer* active = nullptr;
    inline static unsigned setups = 0;

private:
    // --- one side, from its start to its next step ---

    [[nodiscard]] bool is_replayed() const { return replayed_ < log().values.size(); }
    [[nodiscard]] Log& log() { return logs_[number(running_)]; }
    [[nodiscard]] Log const& log() const { return logs_[number(running_)]; }

    std::uint64_t wait(Pending next) {
        if (is_replayed()) {
            return log().values[replayed_++];
        }
        next.call = call_;
        state_.pending[number(running_)] = next;
        throw Suspended{};
    }

    void proceed(Side side) {
        running_ = side;
        replayed_ = 0;
        late_ = 0;
        call_ = nullptr;
        try {
            (side == Side::driver ? program_.driver : program_.device)(program_.parameter);
            wait_for_late_loads();
            state_.pending[number(side)] = Pending{Step::end};
        } catch (Suspended const&) {
        }
    }

    [[nodiscard]] bool is_driver_of_hardware() const { return program_.hardware && running_ == Side::driver; }

    [[nodiscard]] bool orders(Access access, Site site, char const* what) {
        return access == Access::ordered && weakening_at(site, what) == Weakening::none && !is_driver_of_hardware();
    }

    Weakening weakening_at(Site site, char const* what) {
        unsigned occurrence = 1;
        if (call_ != nullptr) {
            auto const counted = std::find_if(occurrences_.begin(), occurrences_.end(), [&](auto const& each) {
                return each.first.first == site.function && each.first.second == what;
            });
            if (counted == occurrences_.end()) {
                occurrences_.push_back({{site.function, what}, 1});
            } else {
                occurrence = ++counted->second;
            }
        }
        std::size_t const point = point_of(site, what, occurrence);
        points_.insert(point);
        return point == mutant_ ? weakening_ : Weakening::none;
    }

    std::size_t point_of(Site site, char const* what, unsigned occurrence) const {
        auto const [known, is_new] = known_points.try_emplace({site.file, site.function, call_, what, occurrence}, 0);
        if (is_new) {
            OrderPoint const point{
                site.function, call_ == nullptr ? "" : call_, occurrence, what, site.file, site.line, running_};
            auto const same = std::find_if(points.begin(), points.end(),
                                           [&](OrderPoint const& each) { return each.name() == point.name(); });
            known->second = static_cast<std::size_t>(same - points.begin());
            if (same == points.end()) {
                points.push_back(point);
            }
        }
        return known->second;
    }

    // --- memory ---

    std::uint8_t word_of(void const* address, std::size_t bytes) {
        auto const [found, is_new] =
            words_.try_emplace(static_cast<unsigned char const*>(address), std::pair{words_.size(), bytes});
        auto const [word, width] = found->second;
        if (is_new) {
            auto const next = std::next(found);
            bool const overlaps =
                (next != words_.end() && next->first < found->first + bytes) ||
                (found != words_.begin() && std::prev(found)->first + std::prev(found)->second.second > found->first);
            if (overlaps || word == words_max) {
                throw Failure(overlaps ? "accesses overlap that are not of one word" : "the model has 96 words");
            }
            std::uint64_t value = 0;
            switch (bytes) {
                case 1: value = *static_cast<std::uint8_t const*>(address); break;
                case 2: value = *static_cast<std::uint16_t const*>(address); break;
                case 4: value = *static_cast<std::uint32_t const*>(address); break;
                default: value = *static_cast<std::uint64_t const*>(address); break;
            }
            Store first;
            first.value = value;
            first_.push_back(first);
        }
        if (width != bytes) {
            throw Failure("a word is accessed in two widths");
        }
        return static_cast<std::uint8_t>(word);
    }

    [[nodiscard]] Store const& store_at(std::uint8_t word, StoreIndex index) const {
        return index == 0 ? first_[word] : stores_[index];
    }

    void read(SideState& me, Pending const& what, StoreIndex index) {
        Store const& from = store_at(what.word, index);
        (what.is_strong ? me.now : me.kept).join(from.carried);
        me.now.at[what.word] = std::max(me.now.at[what.word], from.time);
        me.looked_at[what.word] = 1;
        say(what.site, "loads ", from.value, what.is_strong ? " with acquire" : "",
            index == state_.newest[what.word] ? "" : ", an old value");
        me.last_load[what.word] = ++me.now.loads[number(running_)];
    }

    /// Late loads must get their values here. The other side may run first: because of late loads it may see stores of
    /// this side that follow them.
    void wait_for_late_loads() {
        if (late_ != 0) {
            late_ = 0;
            static_cast<void>(wait({Step::late_loads}));
        }
    }

    /// Late loads get their values here at the latest, from any store that exists by now.
    void satisfy_late(SideState& me) {
        for (std::size_t i = 0; i < me.late_count; ++i) {
            Late const& late = me.late[i];
            for (StoreIndex index = state_.newest[late.word];; index = stores_[index].before) {
                Store const& each = store_at(late.word, index);
                if (each.time >= late.from) {
                    require(each.value == late.expected, late.otherwise);
                }
                if (each.time <= late.from) {
                    break;
                }
            }
        }
        me.late_count = 0;
    }

    void contend(std::uint8_t word) {
        if (!is_contended_[word]) {
            is_contended_[word] = true;
            throw Restart{};
        }
    }

    void look_for_race(SideState const& me, Pending const& what) {
        for (StoreIndex index = state_.newest[what.word]; index != 0; index = stores_[index].before) {
            Store const& each = stores_[index];
            if (each.time <= me.now.at[what.word]) {
                return;
            }
            if (each.is_plain) {
                races_.insert({each.function, what.site.function});
            }
        }
    }

    // --- all executions ---

    [[nodiscard]] bool is_complete() {
        visited_.clear();
        path_.clear();
        try {
            start();
            result_.executions = expand();
        } catch (Restart const&) {
            return false;
        } catch (std::exception const& failure) {
            result_.failure = failure.what();
            trace();
        }
        return true;
    }

    void start() {
        stores_.assign(1, Store{});
        state_ = State{};
        for (Log& each : logs_) {
            each = Log{};
        }
        proceed(Side::driver);
        proceed(Side::device);
    }

    [[nodiscard]] std::vector<Choice> choices() {
        std::vector<Choice> all;
        for (Side const side : {Side::driver, Side::device}) {
            Pending const& next = state_.pending[number(side)];
            SideState const& me = state_.side[number(side)];
            switch (next.step) {
                case Step::load:
                    look_for_race(me, next);
                    for (StoreIndex index = state_.newest[next.word];; index = stores_[index].before) {
                        std::uint8_t const time = store_at(next.word, index).time;
                        if (time >= me.now.at[next.word]) {
                            all.push_back({side, index, next.word});
                        }
                        if (time <= me.now.at[next.word]) {
                            break;
                        }
                    }
                    break;
                case Step::late_loads:
                case Step::full_fence: all.push_back({side, 0, 0}); break;
                case Step::spin:
                    for (std::uint8_t word = 0; word < first_.size(); ++word) {
                        if (me.looked_at[word] != 0 && store_at(word, state_.newest[word]).time > me.now.at[word]) {
                            all.push_back({side, 0, word});
                        }
                    }
                    break;
                case Step::doorbell:
                    if (state_.doorbell) {
                        all.push_back({side, 0, 0});
                    }
                    break;
                case Step::interrupt:
                    if (state_.interrupt) {
                        all.push_back({side, 0, 0});
                    }
                    break;
                case Step::end: break;
            }
        }
        return all;
    }

    void make(Choice const& choice) {
        running_ = choice.side;
        Pending const what = state_.pending[number(choice.side)];
        SideState& me = state_.side[number(choice.side)];
        std::uint64_t told = 0;
        replayed_ = log().values.size();
        call_ = what.call;
        switch (what.step) {
            case Step::load:
                told = store_at(what.word, choice.store).value;
                read(me, what, choice.store);
                break;
            case Step::late_loads:
                satisfy_late(me);
                say({}, "has loaded");
                break;
            case Step::full_fence:
                say(what.site, what.has_effect ? "full fence" : "no fence");
                if (what.has_effect) {
                    satisfy_late(me);
                    me.now.join(me.kept);
                    if (what.is_strong) {
                        me.now.join(state_.fenced);
                        state_.fenced = me.now;
                    }
                    me.released = me.now;
                }
                break;
            case Step::spin:
                ++me.now.at[choice.word];
                me.looked_at = {};
                say({}, "looks again");
                break;
            case Step::doorbell:
                state_.doorbell = false;
                me.now.join(state_.doorbell_view);
                say({}, "hears the doorbell");
                break;
            case Step::interrupt:
                state_.interrupt = false;
                (what.takes_memory ? me.now : me.from_register).join(state_.interrupt_view);
                say({}, "is interrupted");
                break;
            case Step::end: break;
        }
        log().push(told);
        proceed(choice.side);
    }

    [[nodiscard]] Hash hash() const {
        Hash sum;
        for (std::size_t i = 0; i < sides; ++i) {
            SideState const& each = state_.side[i];
            for (View const* view : {&each.now, &each.kept, &each.released, &each.to_register, &each.from_register}) {
                sum.add(*view);
            }
            sum.add(View{each.looked_at, {}});
            sum.add(logs_[i].hashes.back().a);
            sum.add(logs_[i].hashes.back().b);
            for (std::size_t late = 0; late < each.late_count; ++late) {  // the log determines their values
                sum.add(each.late[late].word + (std::uint64_t{each.late[late].from} << 8) + 0x10000);
            }
        }
        sum.add(state_.fenced);
        sum.add(state_.doorbell_view);
        sum.add(state_.interrupt_view);
        sum.add((state_.doorbell ? 1u : 0u) + (state_.interrupt ? 2u : 0u));
        for (std::uint8_t word = 0; word < first_.size(); ++word) {
            std::uint8_t const oldest = oldest_that_counts(word);
            for (StoreIndex index = state_.newest[word]; index != 0; index = stores_[index].before) {
                if (stores_[index].time < oldest) {
                    break;
                }
                sum.add(stores_[index].hash);
            }
            sum.add(store_at(word, state_.newest[word]).time);
        }
        return sum;
    }

    /// The oldest store to a word that a side may still read.
    [[nodiscard]] std::uint8_t oldest_that_counts(std::uint8_t word) const {
        std::uint8_t oldest = UINT8_MAX;
        for (SideState const& each : state_.side) {
            oldest = std::min(oldest, each.now.at[word]);
            for (std::size_t i = 0; i < each.late_count; ++i) {
                oldest = each.late[i].word == word ? std::min(oldest, each.late[i].from) : oldest;
            }
        }
        return oldest;
    }

    [[nodiscard]] bool is_over() const {
        return std::all_of(state_.pending.begin(), state_.pending.end(),
                           [](Pending const& each) { return each.step == Step::end; });
    }

    /// The number of executions from the current state.
    double expand() {
        Hash const here = hash();
        if (auto const known = visited_.find(here); known != visited_.end()) {
            return known->second;
        }
        std::vector<Choice> const all = choices();
        double executions = 0;
        if (all.empty()) {
            require(is_over(), "both sides wait for ever");
            executions = 1;
        }
        if (!all.empty()) {
            State const before = state_;
            std::size_t const stores_before = stores_.size();
            std::array<std::size_t, sides> const logged{logs_[0].values.size(), logs_[1].values.size()};
            for (Choice const& choice : all) {
                path_.push_back(choice);
                make(choice);
                executions += expand();
                path_.pop_back();
                logs_[number(choice.side)].cut(logged[number(choice.side)]);
                state_ = before;
                stores_.resize(stores_before);
            }
        }
        visited_.emplace(here, executions);
        return executions;
    }

    // --- replay of the failed execution ---

    void trace() {
        std::ostringstream text;
        says_ = &text;
        try {
            start();
            for (Choice const& choice : path_) {
                make(choice);
            }
        } catch (std::exception const&) {
            // the same failure again
        }
        says_ = nullptr;
        result_.trace = text.str();
    }

    template <class... Parts>
    void say(Site site, Parts const&... parts) {
        if (says_ == nullptr) {
            return;
        }
        *says_ << (running_ == Side::driver ? "driver  " : "                                device  ");
        if (call_ != nullptr) {
            *says_ << call_ << ": ";
        }
        if (site.function != nullptr) {
            *says_ << site.function << ' ';
        }
        (*says_ << ... << parts) << '\n';
    }

    Program program_;
    std::size_t mutant_;
    Weakening weakening_;
    Exploration result_;

    State state_;
    std::vector<Store> stores_;
    std::array<Log, sides> logs_;
    std::map<unsigned char const*, std::pair<std::size_t, std::size_t>> words_;  ///< by address: number and width
    std::vector<Store> first_;                                                   ///< the initial value of each word

    std::array<bool, words_max> is_contended_{};

    Side running_ = Side::driver;
    std::size_t replayed_ = 0;
    unsigned late_ = 0;  ///< late loads of the running side, also during a replay
    char const* call_ = nullptr;
    std::vector<std::pair<std::pair<char const*, char const*>, unsigned>> occurrences_;

    std::unordered_map<Hash, double, HashOfHash> visited_;
    std::vector<Choice> path_;
    std::set<Race> races_;
    std::set<std::size_t> points_;
    std::ostringstream* says_ = nullptr;
};

[[nodiscard]] Explorer* model() {
    return Explorer::setups == 0 ? Explorer::active : nullptr;
}

template <class Word>
void store_directly(void* target, std::uint64_t value) {
    *static_cast<Word*>(target) = static_cast<Word>(value);
}

}  // namespace

void store(void* target, std::size_t bytes, std::uint64_t value, Access access, Site site) {
    if (model() != nullptr) {
        model()->store(target, bytes, value, access, site);
        return;
    }
    switch (bytes) {
        case 1: store_directly<std::uint8_t>(target, value); break;
        case 2: store_directly<std::uint16_t>(target, value); break;
        case 4: store_directly<std::uint32_t>(target, value); break;
        default: store_directly<std::uint64_t>(target, value); break;
    }
}

std::uint64_t load(void const* source, std::size_t bytes, Access access, Site site) {
    require(model() != nullptr, "nothing is loaded before the device knows of the queue");
    return model()->load(source, bytes, access, site);
}

void fence(Fence kind, Site site) {
    if (model() != nullptr) {
        model()->fence(kind, site);
    }
}

void load_late(void const* source, std::size_t bytes, std::uint64_t expected, char const* otherwise) {
    Explorer::active->load_late(source, bytes, expected, otherwise);
}

Setup::Setup() {
    ++Explorer::setups;
}
Setup::~Setup() {
    --Explorer::setups;
}

Call::Call(char const* name) {
    Explorer::active->begin_call(name);
}
Call::~Call() {
    Explorer::active->begin_call(nullptr);
}

void begin_look() {
    Explorer::active->begin_look();
}
void spin() {
    Explorer::active->spin();
}
void ring_doorbell() {
    Explorer::active->ring_doorbell();
}
void wait_for_doorbell() {
    Explorer::active->wait_for_doorbell();
}
void send_interrupt() {
    Explorer::active->send_interrupt();
}
void wait_for_interrupt(InterruptKind kind) {
    Explorer::active->wait_for_interrupt(kind);
}

void require(bool condition, char const* otherwise) {
    if (!condition) {
        throw Failure(otherwise);
    }
}

std::string OrderPoint::name() const {
    std::ostringstream text;
    std::size_t const folder = file.find_last_of('/');
    text << what << " in " << (folder == std::string::npos ? file : file.substr(folder + 1)) << ' ' << function;
    if (!call.empty()) {
        text << ", called by " << call;
    }
    if (occurrence > 1) {
        text << ", time " << occurrence;
    }
    return text.str();
}

Exploration explore(Program const& program, std::size_t mutant, Weakening weakening) {
    return Explorer(program, mutant, weakening).run();
}

std::vector<OrderPoint> const& order_points() {
    return points;
}

}  // namespace virtq::order
