// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <sim/rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>

/// Feature negotiation (§2.2, §4.1.4.3, §4.2.2) through four registers: two select a word, two access its 32 bits.
namespace virtq::sim {

/// What differs between transports.
struct FeatureRules {
    Rule const* offered_unselected = &rule::device_features_sel;
    Rule const* accepted_unselected = &rule::driver_features_sel;
    bool is_pci = false;  ///< PCI has SR_IOV and ADMIN_VQ
};

class FeatureExchange {
public:
    /// `defined` holds the bits that the device type defines. A misbehaving device may offer more.
    FeatureExchange(ViolationLog& log, FeatureWords const& offered, FeatureWords const& defined, bool legacy,
                    FeatureRules const& rules = {})
        : log_(log), offered_(offered), defined_(defined), legacy_(legacy), rules_(rules) {}

    [[nodiscard]] FeatureWords const& offered() const { return offered_; }
    [[nodiscard]] FeatureWords const& accepted() const { return accepted_; }
    [[nodiscard]] bool negotiated(unsigned bit) const { return has_feature(accepted_, bit); }
    [[nodiscard]] bool were_read() const { return were_read_; }
    void offer(unsigned bit, bool on) { set_feature(offered_, bit, on); }

    void reset() {
        accepted_ = {};
        offered_selected_ = accepted_selected_ = were_read_ = false;
        offered_word_ = accepted_word_ = 0;
    }

    void select_offered(uint32_t word) {
        offered_word_ = word;
        offered_selected_ = true;
    }

    void select_accepted(uint32_t word) {
        accepted_word_ = word;
        accepted_selected_ = true;
    }

    [[nodiscard]] uint32_t read_offered() {
        if (!offered_selected_) {
            log_.report(*rules_.offered_unselected);
        }
        were_read_ = true;
        return offered_word_ < offered_.size() ? offered_[offered_word_] : 0;
    }

    [[nodiscard]] uint32_t offered_word() const { return offered_word_; }
    [[nodiscard]] uint32_t accepted_word() const { return accepted_word_; }
    /// What the driver wrote to the selected word.
    [[nodiscard]] uint32_t read_accepted() const {
        return accepted_word_ < accepted_.size() ? accepted_[accepted_word_] : 0;
    }

    void accept(uint32_t bits) {
        if (!accepted_selected_) {
            log_.report(*rules_.accepted_unselected, bits);
        }
        if (!were_read_) {
            log_.report(rule::init_features, bits);
        }
        for (unsigned i = 0; i < 32; ++i) {
            if (((bits >> i) & 1u) != 0) {
                check_bit(uint64_t{accepted_word_} * 32 + i);
            }
        }
        if (accepted_word_ < accepted_.size()) {
            accepted_[accepted_word_] = bits;
        }
    }

    /// Whether a device can work with what the driver accepted.
    [[nodiscard]] bool acceptable() {
        bool good = true;
        if (!legacy_ && has_feature(offered_, wire::feature::version_1) && !negotiated(wire::feature::version_1)) {
            log_.report(rule::version_1);
            good = false;
        }
        if (legacy_ && has_feature(offered_, wire::feature::any_layout) && !negotiated(wire::feature::any_layout)) {
            log_.report(rule::legacy_any_layout);
        }
        for (size_t i = 0; i < offered_.size(); ++i) {
            good = good && (accepted_[i] & ~offered_[i]) == 0;
        }
        return good;
    }

private:
    /// Reports at most one rule for each bit, the most specific one.
    void check_bit(uint64_t bit) {
        using namespace wire;
        bool const of_queue = bit >= 24 && bit <= 43 && bit != 41 && bit != 42;  // §2.2
        if (bit >= 128 || !has_feature(offered_, static_cast<unsigned>(bit))) {
            log_.report(rule::feature_not_offered, bit);
        } else if (bit >= feature::first_reserved && bit <= feature::last_reserved) {
            log_.report(rule::feature_reserved, bit);
        } else if (!rules_.is_pci && (bit == feature::sr_iov || bit == feature::admin_vq)) {  // §4.2.5, §6.1
            log_.report(rule::feature_transport, bit);
        } else if (!of_queue && !has_feature(defined_, static_cast<unsigned>(bit))) {
            log_.report(rule::feature_device, bit);
        }
    }

    ViolationLog& log_;
    FeatureWords offered_;
    FeatureWords defined_;
    bool legacy_;
    FeatureRules rules_;
    FeatureWords accepted_{};
    uint32_t offered_word_ = 0;
    uint32_t accepted_word_ = 0;
    bool offered_selected_ = false;
    bool accepted_selected_ = false;
    bool were_read_ = false;
};

}  // namespace virtq::sim
