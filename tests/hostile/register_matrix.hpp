// SPDX-License-Identifier: MIT
#pragma once

#include <support/contract.hpp>
#include <virtq/device/block.hpp>
#include <virtq/queue/any_format.hpp>

#include <hostile/interceptor.hpp>
#include <sim/guest_memory.hpp>
#include <sim/rule.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// Injects every register fault from every access on of each call: a disk is probed, brought up, used, reset and
/// released. Each cell requires the following. The call returns no error, or one that fits the fault. Accesses are
/// bounded, each token is returned once, and no memory is used without permission. The disk works again once the
/// device behaves correctly.
namespace virtq::test {

/// A disk on a `Machine` whose registers a `Interceptor` intercepts. Besides `memory` and the like the machine has `Device`,
/// `Kind`, `heal()` and `watched_rules()`. The last are the rules of the standard that a driver keeps whatever its
/// device does.
template <class Machine>
class FaultyDisk : public Machine {
public:
    explicit FaultyDisk(typename Machine::Kind const& kind) : Machine(kind) {
        data = this->memory.allocate_buffer(512, 512);
    }
    ~FaultyDisk() {
        this->heal();
        static_cast<void>(this->driver.release(this->pages, poll_limit));
    }
    FaultyDisk(FaultyDisk const&) = delete;
    FaultyDisk& operator=(FaultyDisk const&) = delete;

    Error find() { return this->probe().error(); }
    Error bring_up() {
        Error const found = find();
        return found != Error::none ? found : this->init({.reset_limit = poll_limit}).error();
    }
    Error read(std::uint64_t sector) {
        std::memset(data.virt, 0, 512);
        Segment const segment{data.phys, 512};
        Error const error = this->driver.read(sector, segment, poll_limit, [this] { this->device.step(); }).error();
        wrong_data =
            error == Error::none && std::memcmp(data.virt, this->disk.current().data() + sector * 512, 512) != 0;
        return error;
    }
    /// Submits three requests in each queue.
    void submit() {
        std::uintptr_t token = 0;
        for (std::uint16_t queue = 0; queue < this->driver.queue_count(); ++queue) {
            for (unsigned i = 0; i < 3; ++i) {
                ++token;
                Segment const segments[] = {{data.phys, 512}};
                if (this->driver.submit({BlockOperation::read, token, 0, segments, Token{token}}, queue)) {
                    waiting[token] = true;
                }
            }
            this->driver.kick_device(queue);
        }
    }
    /// Takes all completions.
    void collect() {
        for (std::uint16_t queue = 0; queue < this->driver.queue_count(); ++queue) {
            for (BlockCompletion done = this->driver.take_completed(queue); done.state == CompletionState::ready;
                 done = this->driver.take_completed(queue)) {
                take(done);
            }
        }
    }
    Error reset() {
        return this->driver.reset([this](BlockCompletion const& done) { take(done); }).error();
    }
    Error release() { return this->driver.release(this->pages, poll_limit).error(); }

    static constexpr PollLimit poll_limit{20};

    sim::Buffer data;
    std::map<std::uintptr_t, bool> waiting;
    bool double_hand_back = false;
    bool wrong_data = false;

private:
    void take(BlockCompletion const& done) {
        double_hand_back = double_hand_back || waiting.erase(done.token.value()) != 1;
    }
};

template <class Device>
struct RegisterFault {
    char const* name = nullptr;
    std::function<void(Interceptor&, Device&)> inject;
    std::vector<Error> named;  ///< errors that a call may return, besides none
    /// A reset that did not really happen leaves memory with the device, and so with the simulated kernel.
    bool fakes_reset = false;
    bool exists = true;  ///< whether this kind of device can have the fault; if not, no call notices it
};

/// The errors that may be returned for a device whose registers are all unreliable.
inline std::vector<Error> const& any_reason() {
    static std::vector<Error> const reasons{Error::device_gone,
                                            Error::not_virtio,
                                            Error::version_unknown,
                                            Error::no_device,
                                            Error::reset_timed_out,
                                            Error::reset_refused,
                                            Error::queue_survived_reset,
                                            Error::init_needs_reset,
                                            Error::reset_needed,
                                            Error::feature_required_not_offered,
                                            Error::nothing_offered,
                                            Error::status_not_kept,
                                            Error::features_refused,
                                            Error::config_unstable,
                                            Error::queue_absent,
                                            Error::queue_in_use,
                                            Error::queue_not_accepted,
                                            Error::queue_size_zero,
                                            Error::queue_size_not_power_of_two,
                                            Error::queue_size_fixed_no_power_of_two,
                                            Error::queue_size_above_maximum,
                                            Error::queue_size_above_capacity,
                                            Error::queue_size_not_taken,
                                            Error::queue_too_small,
                                            Error::pci_structure_invalid,
                                            Error::vector_refused,
                                            Error::wrong_device_type,
                                            Error::timed_out,
                                            Error::queue_broken,
                                            Error::beyond_capacity,
                                            Error::pfn_zero,
                                            Error::ring_packed_not_negotiated,
                                            Error::feature_prerequisite_missing,
                                            Error::length_not_block_multiple,
                                            Error::device_limits_too_small,
                                            Error::request_above_queue,
                                            Error::status_invalid,
                                            Error::feature_not_supported_by_queue,
                                            Error::io_error};
    return reasons;
}

template <class Machine>
class RegisterMatrix {
public:
    using Kind = typename Machine::Kind;
    using Fault = RegisterFault<typename Machine::Device>;
    using Disk = FaultyDisk<Machine>;

    RegisterMatrix(Kind kind, std::vector<Fault> faults) : kind_(std::move(kind)), faults_(std::move(faults)) {}

    /// Runs every fault from every access of every call on. Returns the number of cells.
    std::size_t run() {
        std::size_t cells = 0;
        for (Call const& call : calls()) {
            std::size_t const steps = steps_of(call);
            EXPECT_GE(steps, call.least_steps) << call.name;
            for (Fault const& fault : faults_) {
                for (std::size_t step = 0; step < steps; ++step) {
                    std::string const verdict = judge_cell(fault, call, step);
                    ++cells;
                    if (!verdict.empty()) {
                        ADD_FAILURE() << fault.name << " from access " << step << " of " << call.name
                                      << " on: " << verdict;
                        break;
                    }
                }
            }
        }
        testing::Test::RecordProperty("cells", static_cast<int>(cells));
        std::cout << kind_.name << ": " << cells << " cells of fault, call and access\n";
        expect_noticed();
        return cells;
    }

private:
    /// The most register accesses of a call: two resets of 20 polls each and 16 attempts to read a configuration take
    /// some 300.
    static constexpr std::size_t access_limit = 500;

    struct Call {
        char const* name;
        std::function<void(Disk&)> prepare;
        std::function<Error(Disk&)> call;
        std::size_t least_steps;
    };

    static std::vector<Call> const& calls() {
        static auto const nothing = [](Disk&) {};
        static auto const up = [](Disk& d) { EXPECT_EQ(d.bring_up(), Error::none); };
        static auto const busy = [](Disk& d) {
            up(d);
            d.submit();
        };
        static std::vector<Call> const all{
            {"probe", nothing, [](Disk& d) { return d.find(); }, 1},
            {"probe_and_init", nothing, [](Disk& d) { return d.bring_up(); }, 20},
            {"probe_init_and_read", nothing,
             [](Disk& d) {
                 Error const up_to_here = d.bring_up();
                 return up_to_here != Error::none ? up_to_here : d.read(3);
             },
             20},
            {"read", up, [](Disk& d) { return d.read(3); }, 1},
            {"read_with_others_in_flight", busy, [](Disk& d) { return d.read(3); }, 0},
            {"check_alive", up, [](Disk& d) { return d.driver.check_alive().error(); }, 1},
            {"on_config_change", up, [](Disk& d) { return d.driver.on_config_change().error(); }, 3},
            {"on_interrupt", busy,
             [](Disk& d) {
                 d.device.step();
                 static_cast<void>(d.transport.on_interrupt());
                 return Error::none;
             },
             1},
            {"reset", busy, [](Disk& d) { return d.reset(); }, 20},
            {"release", busy, [](Disk& d) { return d.release(); }, 2},
        };
        return all;
    }

    std::size_t steps_of(Call const& call) const {
        Disk disk{kind_};
        call.prepare(disk);
        disk.interceptor.accesses = 0;
        EXPECT_EQ(call.call(disk), Error::none) << call.name;
        EXPECT_EQ(broken_rule(disk, Fault{}), "") << call.name;
        return disk.interceptor.accesses;
    }

    std::string judge_cell(Fault const& fault, Call const& call, std::size_t step) {
        Disk disk{kind_};
        call.prepare(disk);
        disk.interceptor.accesses = 0;
        disk.interceptor.limit = access_limit;
        disk.interceptor.step = step;
        disk.interceptor.at_step = [&] { fault.inject(disk.interceptor, disk.device); };
        try {
            Error const result = call.call(disk);
            noticed_[fault.name] = noticed_[fault.name] || result != Error::none;
            std::string const verdict = judge(fault, disk, result);
            return verdict.empty() ? recover(fault, disk) : verdict;
        } catch (Endless const&) {
            return "too many accesses";
        } catch (ContractBreach const& breach) {
            return breach.what();
        }
    }

    /// `not_restarted` is the error of a reset too: of the second one, with which the new initialisation begins.
    static bool names(Fault const& fault, Error result) {
        return std::any_of(fault.named.begin(), fault.named.end(), [result](Error error) {
            return error == result || (result == Error::not_restarted && is_reset_incomplete(error));
        });
    }
    static std::string judge(Fault const& fault, Disk& disk, Error result) {
        bool const named = result == Error::none || names(fault, result);
        std::string verdict = named ? "" : std::string{"answered: "} + describe(result) + " ";
        verdict += disk.double_hand_back ? "a token twice; " : "";
        verdict += disk.wrong_data ? "wrong data without an error; " : "";
        verdict += broken_rule(disk, fault);
        return verdict;
    }

    /// The device behaves correctly again: checks that all resources are returned and that the disk works.
    static std::string recover(Fault const& fault, Disk& disk) {
        disk.heal();
        disk.collect();
        if (Error const again = disk.reset(); again == Error::none && !disk.waiting.empty()) {
            return "reset() forgot a token";
        }
        if (disk.double_hand_back) {
            return "a token twice";
        }
        if (Error const error = disk.release(); error != Error::none) {
            return std::string{"release: "} + describe(error);
        }
        if (disk.memory.pages_outstanding() != 0 && !fault.fakes_reset) {
            return "pages are lost";
        }
        if (Error const error = disk.bring_up(); error != Error::none) {
            return std::string{"init: "} + describe(error);
        }
        if (Error const error = disk.read(5); error != Error::none) {
            return std::string{"read: "} + describe(error);
        }
        return disk.wrong_data ? "wrong data" : broken_rule(disk, fault);
    }

    /// The rules that a driver keeps whatever its device does: those of memory, and those of the machine.
    static std::vector<sim::Rule> watched_rules() {
        using namespace sim::rule;
        std::vector<sim::Rule> rules = Machine::watched_rules();
        for (sim::Rule const& rule :
             {free_unknown_run, free_other_run, leak_unknown_run, translate_foreign, area_outside_ram,
              buffer_outside_ram, packed_area_outside_ram, packed_buffer_outside_ram, queue_size_invalid,
              packed_size_invalid, head_range, next_range, memory_in_use}) {
            rules.push_back(rule);
        }
        return rules;
    }

    static std::string broken_rule(Disk const& disk, Fault const& fault) {
        static std::vector<sim::Rule> const watched = watched_rules();
        for (sim::Violation const& found : disk.memory.violations().entries()) {
            bool const excused = fault.fakes_reset && found.id == sim::rule::memory_in_use.id;
            auto const is_it = [&](sim::Rule const& rule) { return found.id == rule.id; };
            if (!excused && std::any_of(watched.begin(), watched.end(), is_it)) {
                return "the driver broke " + found.id + ": " + found.sentence;
            }
        }
        return "";
    }

    /// Every fault must make some call fail, or it was not injected.
    void expect_noticed() const {
        for (Fault const& fault : faults_) {
            EXPECT_EQ(noticed_.at(fault.name), fault.exists && !fault.named.empty()) << fault.name;
        }
    }

    Kind kind_;
    std::vector<Fault> faults_;
    std::map<std::string, bool> noticed_;
};

}  // namespace virtq::test
