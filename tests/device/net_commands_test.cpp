// SPDX-License-Identifier: MIT
#include <virtq/device/net_commands.hpp>

#include <device/net_machine.hpp>

#include <set>
#include <utility>

namespace virtq::test {
namespace {

using namespace sim::wire::net;

TEST(NetCommands, SetsFilters) {
    NetMachine<> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    auto& driver = machine.driver;
    PollLimit const limit{10};
    auto const relax = machine.stepping();
    using Mode = spec::net::RxCommand;
    EXPECT_TRUE(driver.set_receive_mode(Mode::promisc, NetSwitch::on, limit, relax).ok());
    EXPECT_TRUE(driver.set_receive_mode(Mode::no_bcast, NetSwitch::on, limit, relax).ok());
    EXPECT_TRUE(machine.card.is_on(0));
    EXPECT_TRUE(machine.card.is_on(5));
    EXPECT_TRUE(driver.set_receive_mode(Mode::promisc, NetSwitch::off, limit, relax).ok());
    EXPECT_FALSE(machine.card.is_on(0));
    MacAddress const unicast[] = {{{2, 0, 0, 0, 0, 1}}};
    MacAddress const multicast[] = {{{3, 0, 0, 0, 0, 1}}, {{3, 0, 0, 0, 0, 2}}};
    EXPECT_TRUE(driver.set_mac_table(unicast, multicast, limit, relax).ok());
    EXPECT_EQ(machine.card.unicast().size(), 1u);
    EXPECT_EQ(machine.card.multicast().size(), 2u);
    EXPECT_EQ(machine.card.multicast()[1][5], 2u);
    EXPECT_TRUE(driver.set_mac_table({}, {}, limit, relax).ok());
    EXPECT_TRUE(machine.card.multicast().empty());
    std::vector<MacAddress> const many(9);
    EXPECT_EQ(driver.set_mac_table(many, many, limit, relax).error(), Error::not_supported);
    EXPECT_TRUE(driver.set_mac({{2, 9, 9, 9, 9, 9}}, limit, relax).ok());
    EXPECT_EQ(machine.card.mac()[1], 9u);
    EXPECT_EQ(driver.mac().bytes[5], 9u);
    EXPECT_TRUE(driver.set_vlan(77, NetSwitch::on, limit, relax).ok());
    EXPECT_EQ(machine.card.vlans(), (std::set<std::uint16_t>{77}));
    EXPECT_TRUE(driver.set_vlan(77, NetSwitch::off, limit, relax).ok());
    EXPECT_TRUE(machine.card.vlans().empty());
    EXPECT_TRUE(driver.set_receive_offloads(Features::of(spec::net::Feature::guest_csum), limit, relax).ok());
    EXPECT_EQ(machine.card.offloads(), std::uint64_t{2});
    EXPECT_TRUE(driver.set_coalescing(spec::net::CoalescingCommand::rx_set, 32, 100, limit, relax).ok());
    EXPECT_EQ(machine.card.coalescing()[1], (std::pair<std::uint32_t, std::uint32_t>{32, 100}));
}

TEST(NetCommands, SaysWhyACommandFailed) {
    NetMachine<> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    auto const command = [&] {
        return machine.driver.set_vlan(1, NetSwitch::on, PollLimit{10}, machine.stepping()).error();
    };
    machine.card.answer_with(err);
    EXPECT_EQ(command(), Error::command_refused);
    machine.card.answer_with(9);
    EXPECT_EQ(command(), Error::answer_invalid);
    EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::net_answer_unknown);
    EXPECT_EQ(machine.driver.driver_fault().value, 9u);
    machine.card.ignore_commands();
    EXPECT_EQ(command(), Error::timed_out);
    EXPECT_EQ(command(), Error::reset_needed);
    NetMachine<> plain;
    plain.bring_up();
    EXPECT_EQ(plain.driver.set_vlan(1, NetSwitch::on, PollLimit{10}).error(), Error::not_supported);
}

TEST(NetCommands, AcknowledgesAnAnnouncement) {
    NetMachine<> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    EXPECT_FALSE(machine.driver.wants_announcement());
    machine.device.change_config([&] { machine.card.ask_for_announcement(); });
    ASSERT_TRUE(machine.driver.on_config_change().ok());
    EXPECT_TRUE(machine.driver.wants_announcement());
    ASSERT_TRUE(machine.driver.acknowledge_announcement(PollLimit{10}, machine.stepping()).ok());
    ASSERT_TRUE(machine.driver.on_config_change().ok());
    EXPECT_FALSE(machine.driver.wants_announcement());
}

TEST(NetCommands, SendsCommandsToLegacyCards) {
    NetMachine<> machine(
        {.card = {.features = {mac, ctrl_vq, ctrl_rx, ctrl_vlan}}, .version = sim::MmioVersion::legacy});
    machine.bring_up();
    MacAddress const one[] = {{{2, 0, 0, 0, 0, 1}}};
    EXPECT_TRUE(machine.driver.set_mac_table(one, one, PollLimit{10}, machine.stepping()).ok());
    EXPECT_EQ(machine.card.multicast().size(), 1u);
    EXPECT_TRUE(machine.driver.set_vlan(258, NetSwitch::on, PollLimit{10}, machine.stepping()).ok());
    EXPECT_EQ(machine.card.vlans(), (std::set<std::uint16_t>{258}));
}

}  // namespace
}  // namespace virtq::test
