// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>

#include <device/disk_machine.hpp>
#include <device/echo_driver.hpp>
#include <device/entropy_machine.hpp>
#include <device/p9_machine.hpp>
#include <diag/queue_machine.hpp>

#include <string>

/// Calls of a kernel after a read has timed out.
namespace virtq::test {

using namespace virtq::detail;

namespace {

TEST(DiagnosisOfADriver, ReportsThatItIsNotInitialised) {
    DiskMachine<> machine;
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::driver_not_initialised);
    EXPECT_EQ(flattened(diagnose(machine.driver)).find("returned:"), std::string::npos);
}

TEST(DiagnosisOfADriver, ExplainsAReadTimeOut) {
    DiskMachine<> machine;
    machine.bring_up();
    EXPECT_TRUE(diagnose(machine.driver).is_healthy());
    sim::Buffer const data = machine.buffer(512);
    // The device does nothing, as if the notification were lost.
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}).error(), Error::timed_out);
    // The driver has notified the device, so the device probably does not see the memory.
    Diagnosis const found = diagnose(machine.driver);
    ASSERT_GE(found.findings().size(), 2u);
    EXPECT_EQ(found.cause(), Cause::ring_not_seen);
    EXPECT_EQ(found.findings()[1].cause, Cause::never_notified);
}

TEST(DiagnosisOfADriver, DetectsASecondDriver) {
    DiskMachine<> machine{{.disk = {.event_idx = true}}};
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    ASSERT_TRUE(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).ok());
    BlockDevice<Transport, 64> second;
    Transport same_slot;
    ASSERT_TRUE(same_slot.probe(machine.device.registers()).ok());
    ASSERT_TRUE(second.init(same_slot, machine.memory, {.reset_limit = PollLimit{100}}).ok());
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}, machine.stepping()).error(),
              Error::timed_out);
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::second_driver) << explained(found);
    EXPECT_NE(flattened(found).find("has answered from these pages before"), std::string::npos) << explained(found);
    EXPECT_EQ(flattened(found).find("Pages::phys"), std::string::npos) << explained(found);  // they were right
    ASSERT_TRUE(second.release(machine.memory).ok());
}

/// A driver with queues of two types. Nobody has initialised the second one.
struct TwoQueueTypes {
    [[nodiscard]] auto* transport() { return &machine.transport; }
    [[nodiscard]] Negotiation const& negotiation() const { return machine.negotiation; }
    template <class Visit>
    void visit_ring(std::uint16_t index, Visit const& visit) const {
        if (index == 0) {
            visit(machine.queue);
        } else if (index == 1) {
            visit(control);
        }
    }

    QueueMachine machine;
    VirtQueue<16, Packed> control;
};
static_assert(DiagnosableDriver<TwoQueueTypes>);

TEST(DiagnosisOfADriver, VisitsQueuesOfSeveralTypes) {
    TwoQueueTypes driver;
    driver.machine.bring_up();
    EXPECT_TRUE(diagnose(driver).is_healthy());
    driver.machine.add_read();
    static_cast<void>(driver.machine.queue.publish());
    Diagnosis const first = diagnose(driver, 0);
    EXPECT_EQ(first.cause(), Cause::ring_not_seen) << explained(first);
    EXPECT_EQ(first.queue_index, 0);
    Diagnosis const second = diagnose(driver, 1);
    EXPECT_EQ(second.cause(), Cause::queue_not_initialised) << explained(second);
    EXPECT_EQ(second.queue_index, 1);
}

TEST(DiagnosisOfADriver, ExaminesTheDeviceWithoutQueue) {
    TwoQueueTypes driver;
    driver.machine.bring_up();
    DiagnosisRecord record;
    EXPECT_TRUE(diagnose(record, driver, 1).has_queue);
    EXPECT_FALSE(diagnose(record, driver, 2).has_queue);
    EXPECT_TRUE(record.diagnosis.is_healthy());
    driver.machine.device.need_reset();
    EXPECT_EQ(diagnose(record, driver, 2).cause(), Cause::device_needs_reset);
}

// Without an event index nobody can tell what the device has seen.
TEST(DiagnosisOfADriver, SuspectsASlowDeviceFirst) {
    DiskMachine<> machine{{.disk = {.event_idx = false}}};
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    ASSERT_TRUE(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{1}).error(), Error::timed_out);
    Diagnosis const found = diagnose(machine.driver);
    ASSERT_EQ(found.findings().size(), 2u) << explained(found);
    EXPECT_EQ(found.cause(), Cause::not_answered) << explained(found);
    EXPECT_EQ(found.findings()[1].cause, Cause::second_driver);
}

struct PackedDisk : BlockTraits {
    using Format = Packed;
};

template <class Traits>
void expect_budget_named(bool packed) {
    DiskMachine<64, Traits> machine{{.disk = {.event_idx = true, .packed = packed}}};
    machine.bring_up();
    machine.disk.swallow_next();
    sim::Buffer const data = machine.buffer(512);
    ASSERT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}, machine.stepping()).error(),
              Error::timed_out);
    Diagnosis const found = diagnose(machine.driver);
    ASSERT_EQ(found.findings().size(), 2u) << explained(found);
    EXPECT_EQ(found.cause(), Cause::poll_limit_too_small) << explained(found);
    EXPECT_EQ(found.findings()[1].cause, Cause::not_answered);
    EXPECT_NE(flattened(found).find("a larger poll limit"), std::string::npos) << explained(found);
}

// The event index has not moved, so the device has not seen the request. No poll limit is large enough.
TEST(DiagnosisOfADriver, AcquitsThePollLimitIfUnseen) {
    DiskMachine<64, PackedDisk> machine{{.disk = {.event_idx = true, .packed = true}}};
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    ASSERT_TRUE(machine.driver.read(0, machine.segment(data), PollLimit{10}, machine.stepping()).ok());
    ASSERT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}).error(), Error::timed_out);
    Diagnosis const found = diagnose(machine.driver);
    for (Finding const& finding : found.findings()) {
        EXPECT_NE(finding.cause, Cause::poll_limit_too_small) << explained(found);
    }
    EXPECT_EQ(found.cause(), Cause::second_driver) << explained(found);
}

// The event index has moved, so the device works on the request.
TEST(DiagnosisOfADriver, SuspectsThePollLimitOnceSeen) {
    expect_budget_named<BlockTraits>(false);
    expect_budget_named<PackedDisk>(true);
}

// The BARs of two disks were placed at one address.
TEST(DiagnosisOfADriver, DetectsRegistersOfAnotherDevice) {
    DiskMachine<> machine;
    machine.bring_up();
    EXPECT_TRUE(diagnose(machine.driver).is_healthy());
    machine.device.offer(static_cast<unsigned>(spec::block::Feature::ro));
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::offered_changed) << explained(found);
    EXPECT_NE(flattened(found).find("one PciWindow"), std::string::npos) << explained(found);
    DiskMachine<> above;
    above.bring_up();
    above.device.offer(static_cast<unsigned>(spec::Feature::ring_reset));  // in the second word
    EXPECT_EQ(diagnose(above.driver).cause(), Cause::offered_changed);
}

// The features may not be read before the status has DRIVER.
TEST(DiagnosisOfADriver, IgnoresFeaturesItMayNotRead) {
    DiskMachine<> machine;
    machine.hostile = true;
    machine.bring_up();
    machine.device.write(0x070, 0, 4);
    machine.device.write(0x070, 1, 4);  // ACKNOWLEDGE, as from another driver that has just started
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_FALSE(found.device.offered.has_value());
    EXPECT_FALSE(found.is_healthy());
    for (Finding const& finding : found.findings()) {
        EXPECT_NE(finding.cause, Cause::offered_changed) << explained(found);
    }
}

// A PCI core that clears the bus master bit after probe(): QEMU then clears DRIVER_OK.
TEST(DiagnosisOfADriver, DetectsAWithdrawnDriverOk) {
    DiskMachine<> machine;
    machine.hostile = true;
    machine.bring_up();
    struct {
        MmioTransport<sim::MmioRegisters>& behind;
        [[nodiscard]] spec::DeviceId device_id() const { return behind.device_id(); }
        [[nodiscard]] bool is_legacy() const { return behind.is_legacy(); }
        DeviceStatus status() { return DeviceStatus{0xb}; }
        std::uint32_t offered_features(unsigned word) { return behind.offered_features(word); }
        std::uint32_t queue_size_max(std::uint16_t queue) { return behind.queue_size_max(queue); }
        bool is_queue_in_use(std::uint16_t queue) { return behind.is_queue_in_use(queue); }
    } registers{machine.transport};
    struct {
        decltype(registers)* shown;
        DiskMachine<>& machine;
        [[nodiscard]] decltype(registers)* transport() const { return shown; }
        [[nodiscard]] auto const& ring(std::uint16_t queue) const { return machine.driver.ring(queue); }
        [[nodiscard]] Negotiation const& negotiation() const { return machine.driver.negotiation(); }
    } driver{&registers, machine};
    Diagnosis const found = diagnose(driver);
    EXPECT_EQ(found.cause(), Cause::driver_ok_lost) << explained(found);
    EXPECT_NE(flattened(found).find("bus mastering"), std::string::npos) << explained(found);
}

// The driver gave up before the answer came.
TEST(DiagnosisOfADriver, DetectsATooSmallPollLimit) {
    DiskMachine<> machine;
    machine.bring_up();
    Segment const data[] = {DiskMachine<>::segment(machine.buffer(512))};
    ASSERT_EQ(machine.driver.read(0, data[0], PollLimit{1}).error(), Error::timed_out);
    for (int i = 0; i < 10; ++i) {
        machine.device.step();
    }
    Diagnosis found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::answered_too_late) << explained(found);
    EXPECT_EQ(found.findings().size(), 1u) << explained(found);
    EXPECT_NE(flattened(found).find("larger poll limit"), std::string::npos) << explained(found);
    ASSERT_EQ(machine.driver.submit_read(0, data, Token{}).error(), Error::reset_needed);
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::answered_too_late);
    static_cast<void>(machine.driver.take_completed());  // takes the abandoned request
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::answered_too_late);
}

// The chain of the last request is valid, whatever its operation.
TEST(DiagnosisOfADriver, FindsNothingAfterAnyRequest) {
    for (sim::MmioVersion const version : {sim::MmioVersion::modern, sim::MmioVersion::legacy}) {
        DiskMachine<> machine{
            {.disk = {.discard = true, .write_zeroes = true, .event_idx = true}, .version = version}};
        machine.bring_up();
        AddressRange const ram[] = {{PhysAddr{sim::GuestMemory::default_phys_base}, sim::GuestMemory::default_bytes}};
        Segment const sector[] = {DiskMachine<>::segment(machine.buffer(512)),
                                  DiskMachine<>::segment(machine.buffer(1024))};
        Segment const id[] = {DiskMachine<>::segment(machine.buffer(20))};
        BlockRequest const requests[] = {
            {BlockOperation::read, 1, 0, sector, {}},     {BlockOperation::write, 1, 0, sector, {}},
            {BlockOperation::flush, 0, 0, {}, {}},        {BlockOperation::discard, 0, 8, {}, {}},
            {BlockOperation::write_zeroes, 0, 8, {}, {}}, {BlockOperation::get_id, 0, 0, id, {}}};
        for (BlockRequest const& request : requests) {
            ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
            for (Symptom const symptom : {Symptom::none, Symptom::hang}) {
                Diagnosis const found = diagnose(machine.driver, {.symptom = symptom, .ram = ram});
                EXPECT_TRUE(found.is_healthy()) << explained(found);
            }
        }
        EXPECT_NE(flattened(diagnose(machine.driver)).find("a read: The chain"), std::string::npos);
    }
}

// A scan for other devices reuses the transport of this one.
TEST(DiagnosisOfADriver, DetectsAnotherDeviceBehindItsTransport) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::MmioDevice other{machine.memory, machine.disk};
    other.set_device_id(4);
    EXPECT_BREACH(machine.transport.probe(other.registers()), "a transport of its own");
    machine.transport.set_status(DeviceStatus{});  // bypasses the driver
    ASSERT_TRUE(machine.transport.probe(other.registers()).ok());
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::device_type_differs);
    EXPECT_EQ(found.findings().size(), 1u);
    EXPECT_NE(flattened(found).find("Found 0x4, expected 0x2."), std::string::npos) << explained(found);
    ASSERT_TRUE(machine.transport.probe(machine.device.registers()).ok());
}

TEST(DiagnosisOfADriver, DefaultsToTheFirstQueue) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(0, segments, Token{1}).ok());
    AddressRange const ram[] = {{PhysAddr{0x1000}, 0x1000}};
    machine.driver.kick_device();
    EXPECT_EQ(diagnose(machine.driver, {.ram = ram}).cause(), diagnose(machine.driver, 0, {.ram = ram}).cause());
    EXPECT_EQ(diagnose(machine.driver, {.ram = ram}).cause(), Cause::ring_outside_ram);
    EXPECT_EQ(printed([&](auto sink) { dump(machine.driver, sink); }),
              printed([&](auto sink) { dump(machine.driver.ring(0), sink); }));
}

TEST(DiagnosisOfATransport, ReportsThatItWasNotProbed) {
    MmioTransport<sim::MmioRegisters> transport;
    Diagnosis const found = diagnose(transport);
    EXPECT_EQ(found.cause(), Cause::transport_not_probed);
    EXPECT_EQ(explained(found).find("virtq: no device was read\n"), 0u);
}

TEST(DiagnosisOfATransport, ReportsOnlyThatDriverGaveUp) {
    DiskMachine<> machine;
    machine.memory.fail_all();
    ASSERT_EQ(machine.init().error(), Error::no_pages);
    Transport transport;
    ASSERT_TRUE(transport.probe(machine.device.registers()).ok());
    DeviceInit<Transport> init{transport};
    Negotiation negotiation;
    SpinRelax relax;
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{100}, relax).ok());
    static_cast<void>(init.fail(Error::no_pages));
    Diagnosis const found = diagnose(transport);
    EXPECT_EQ(found.cause(), Cause::driver_gave_up);
    EXPECT_EQ(found.findings().size(), 1u);
}

TEST(DiagnosisOfATransport, ReportsTheLastInitialisationStep) {
    {
        DiskMachine<> machine;
        ASSERT_TRUE(machine.probe().ok());
        DeviceInit<Transport> init{machine.transport};
        Negotiation negotiation;
        negotiation.required.set(spec::Feature::event_idx);
        SpinRelax relax;
        ASSERT_EQ(init.negotiate(negotiation, PollLimit{100}, relax).error(), Error::feature_required_not_offered);
        Diagnosis const found = diagnose(machine.transport);
        EXPECT_EQ(found.cause(), Cause::driver_gave_up);
        EXPECT_EQ(found.findings().size(), 1u) << explained(found);  // the driver never set FEATURES_OK
        EXPECT_NE(flattened(found).find("step 4 of §3.1.1: a feature that the driver requires is not among"),
                  std::string::npos)
            << explained(found);
        // The registers alone do not show that.
        auto registers = machine.device.registers();
        Diagnosis const guess = diagnose(registers);
        ASSERT_EQ(guess.findings().size(), 2u) << explained(guess);
        EXPECT_EQ(guess.cause(), Cause::driver_gave_up);
        EXPECT_EQ(guess.findings()[1].cause, Cause::features_not_accepted);
        EXPECT_NE(flattened(guess).find("It reached the features, steps 4 to 6"), std::string::npos);
    }
    {
        DiskMachine<> machine;
        ASSERT_TRUE(machine.probe().ok());
        DeviceInit<Transport> init{machine.transport};
        Negotiation negotiation;
        SpinRelax relax;
        ASSERT_TRUE(init.negotiate(negotiation, PollLimit{100}, relax).ok());
        static_cast<void>(init.fail(Error::no_pages));
        EXPECT_NE(flattened(diagnose(machine.transport)).find("It reached step 7"), std::string::npos);
    }
    {
        DiskMachine<> machine{{.version = sim::MmioVersion::legacy}};
        machine.memory.fail_all();
        ASSERT_EQ(machine.init().error(), Error::no_pages);
        Diagnosis const found = diagnose(machine.transport);
        EXPECT_EQ(found.cause(), Cause::driver_gave_up);
        EXPECT_NE(flattened(found).find("It reached the features or the queues"), std::string::npos);
    }
    {
        DiskMachine<> machine;
        machine.bring_up();
        machine.transport.set_status(machine.transport.status().with(spec::StatusBit::failed));
        EXPECT_NE(flattened(diagnose(machine.transport)).find("The device was live before"), std::string::npos);
    }
}

TEST(DiagnosisOfATransport, DetectsADeviceWithoutVersion1) {
    DiskMachine<> machine;
    machine.device.offer(32, false);
    ASSERT_EQ(machine.init().error(), Error::feature_required_not_offered);
    Diagnosis const found = diagnose(machine.transport);
    ASSERT_EQ(found.findings().size(), 2u) << explained(found);
    EXPECT_EQ(found.cause(), Cause::version_1_not_offered);
    EXPECT_EQ(found.findings()[1].cause, Cause::driver_gave_up);
    // The driver has released the transport, but knows the missing feature.
    Diagnosis const of_driver = diagnose(machine.driver);
    EXPECT_EQ(of_driver.cause(), Cause::driver_not_initialised);
    std::string const text = flattened(of_driver);
    EXPECT_NE(text.find("init() returned: The driver needs a feature that the device does not offer"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("missing     VIRTIO_F_VERSION_1"), std::string::npos) << text;
}

/// A BAR that maps RAM: it keeps the status, and offers no feature.
struct Memory {
    DeviceStatus kept;
    [[nodiscard]] spec::DeviceId device_id() const { return spec::DeviceId::block; }
    [[nodiscard]] bool is_legacy() const { return false; }
    DeviceStatus status() { return kept; }
    std::uint32_t offered_features(unsigned) { return 0; }
    std::uint32_t queue_size_max(std::uint16_t) { return 0; }
    bool is_queue_in_use(std::uint16_t) { return false; }
};

TEST(DiagnosisOfATransport, DetectsMemoryInsteadOfRegisters) {
    for (std::uint8_t const status : {std::uint8_t{0x83}, std::uint8_t{0x0f}}) {  // abandoned, or driven by hand
        Memory memory{DeviceStatus{status}};
        Diagnosis const found = diagnose(memory);
        EXPECT_EQ(found.cause(), Cause::registers_are_memory) << explained(found);
        EXPECT_NE(flattened(found).find("overlaps RAM"), std::string::npos) << explained(found);
        EXPECT_EQ(flattened(found).find("configured on the host"), std::string::npos) << explained(found);
    }
}

TEST(DiagnosisOfATransport, ShowsWhereItsRegistersAreMapped) {
    alignas(4) std::uint32_t words[64] = {};
    words[0] = little_endian(spec::mmio::magic);
    words[1] = little_endian(spec::mmio::version_modern);
    words[2] = little_endian(std::uint32_t{2});
    MmioSpace space{reinterpret_cast<std::uintptr_t>(words)};
    Diagnosis const found = diagnose(space);
    EXPECT_EQ(found.device.registers, reinterpret_cast<std::uintptr_t>(words));
    EXPECT_NE(explained(found).find("registers   at 0x"), std::string::npos) << explained(found);
    MmioTransport<> transport;
    ASSERT_TRUE(transport.probe(space).ok());
    EXPECT_EQ(diagnose(transport).device.registers, reinterpret_cast<std::uintptr_t>(words));
}

// The kernel ignored the error of a call, and waits.
TEST(DiagnosisOfADriver, ReportsWhatTheDriverRejected) {
    DiskMachine<> machine{{.disk = {.sectors = 10}}};
    machine.bring_up();
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::nothing_asked);
    Segment const data[] = {DiskMachine<>::segment(machine.buffer(512))};
    ASSERT_FALSE(machine.driver.submit_read(10, data, Token{}).ok());
    Diagnosis found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::request_refused);
    EXPECT_EQ(found.findings().size(), 1u);
    EXPECT_FALSE(found.is_healthy());
    EXPECT_NE(flattened(found).find("It returned: The request reaches beyond the end of the disk"), std::string::npos)
        << explained(found);
    EXPECT_EQ(explained(found).find("WRITE"), std::string::npos) << explained(found);
    ASSERT_TRUE(machine.driver.read(0, data[0], patience, machine.stepping()).ok());
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::nothing_in_flight);
}

TEST(DiagnosisOfADriver, ReportsARejectedMessage) {
    P9Machine<> machine;
    machine.bring_up();
    std::uint8_t answer[10];  // an error would not fit
    ASSERT_FALSE(machine.driver.submit({machine.ask(1), answer}, Token{}).ok());
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::request_refused);
    EXPECT_NE(flattened(found).find("It returned: The 9P message cannot be sent."), std::string::npos)
        << explained(found);
}

TEST(DiagnosisOfADriver, ReportsAForgottenKick) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(0, segments, Token{1}).ok());
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::not_published);
}

/// An entropy device that returned an empty buffer, which §5.4.6.2 forbids.
struct EmptyAnswer : EntropyMachine<> {
    EmptyAnswer() {
        bring_up();
        EXPECT_TRUE(diagnose(driver).is_healthy());
        source.report_next_length(0);
        EXPECT_EQ(read(answer), Error::answer_invalid);
    }

    sim::Buffer answer = buffer(8);
};

TEST(DiagnosisOfADriver, NamesAViolationOfTheDeviceType) {
    EmptyAnswer machine;
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::device_type_violated) << explained(found);
    EXPECT_STREQ(found.violation.sentence, describe(DriverReason::entropy_empty));
    std::string const text = flattened(found);
    EXPECT_NE(text.find("queue 0, value 0: The device returned a buffer without"), std::string::npos)
        << explained(found);
    EXPECT_NE(text.find("§5.4.6.2"), std::string::npos);
    EXPECT_FALSE(diagnose(machine.driver, {.symptom = Symptom::none}).is_healthy());
}

TEST(DiagnosisOfADriver, SaysWhyAnyDriverIsNotUp) {
    DiskMachine<> machine;  // a disk, where the kernel expects entropy
    ASSERT_TRUE(machine.probe().ok());
    EntropyDevice<Transport> driver;
    EXPECT_EQ(driver.init(machine.transport, machine.memory).error(), Error::wrong_device_type);
    Diagnosis const found = diagnose(driver);
    EXPECT_EQ(found.cause(), Cause::driver_not_initialised);
    EXPECT_NE(flattened(found).find("init() returned: "), std::string::npos) << explained(found);
}

TEST(DiagnosisOfADriver, DrawsAnyDriver) {
    EmptyAnswer machine;
    std::string const drawn = printed([&](auto sink) { dump(machine.driver, sink); });
    std::string same;
    machine.driver.visit_ring(0, [&](auto const& ring) { same = printed([&](auto sink) { dump(ring, sink); }); });
    EXPECT_FALSE(drawn.empty());
    EXPECT_EQ(drawn, same);
    EXPECT_EQ(printed([&](auto sink) { dump(machine.driver, 0, sink, Lines{64}); }), same);
    EXPECT_EQ(printed([&](auto sink) { dump(machine.driver, 1, sink); }), "");
}

TEST(DiagnosisOfADriver, NamesWhatElseMayBeWrong) {
    EmptyAnswer machine;
    machine.source.swallow_next();
    machine.submit(machine.answer, 1);
    ASSERT_TRUE(machine.driver.kick_device());
    machine.device.step();
    Diagnosis const silent = diagnose(machine.driver);
    ASSERT_GE(silent.findings().size(), 2u) << explained(silent);
    EXPECT_EQ(silent.findings()[0].cause, Cause::device_type_violated);
    EXPECT_EQ(silent.findings()[1].cause, Cause::not_answered) << explained(silent);
    machine.device.need_reset();
    Diagnosis const stopped = diagnose(machine.driver);
    EXPECT_EQ(stopped.cause(), Cause::device_needs_reset);
    EXPECT_NE(flattened(stopped).find("queue 0, value 0:"), std::string::npos) << explained(stopped);
}

TEST(DiagnosisOfADriver, SaysThatTheHostMayHaveNoRandomBytes) {
    sim::GuestMemory memory;
    sim::EntropyDevice source{memory.violations()};
    sim::MmioDevice device{memory, source};
    Transport transport;
    EntropyDevice<Transport> driver;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    ASSERT_TRUE(driver.init(transport, memory, {.reset_limit = PollLimit{100}}).ok());
    source.wait_for_feed();
    Segment const buffer{memory.allocate_buffer(8).phys, 8};
    EXPECT_EQ(driver.read(buffer, PollLimit{10}, [&] { device.step(); }).error(), Error::timed_out);
    Diagnosis const found = diagnose(driver);
    EXPECT_FALSE(found.is_healthy()) << explained(found);
    EXPECT_NE(flattened(found).find("random bytes), and perhaps it has nothing"), std::string::npos)
        << explained(found);
    EXPECT_TRUE(driver.release(memory).ok());
}

TEST(DiagnosisOfADriver, KeepsTheViolationAfterRelease) {
    EmptyAnswer machine;
    ASSERT_TRUE(machine.driver.release(machine.memory).ok());
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::driver_not_initialised);
    EXPECT_TRUE(found.violation);
}

TEST(DiagnosisOfADriver, ExaminesEachQueueOfADriver) {
    EchoMachine machine;
    machine.bring_up();
    ASSERT_TRUE(machine.driver.send(1, Token{1}).ok());
    EXPECT_TRUE(diagnose(machine.driver, 2).is_healthy());
    EXPECT_FALSE(diagnose(machine.driver, 2).has_queue);
    Diagnosis const commands = diagnose(machine.driver, 1);
    EXPECT_EQ(commands.cause(), Cause::not_published) << explained(commands);
    EXPECT_EQ(commands.queue_index, 1u);
    machine.backend.answer_bytes = 1;
    machine.driver.kick();
    machine.device.step();
    EXPECT_EQ(machine.driver.take_completed().error, Error::answer_invalid);
    EXPECT_EQ(diagnose(machine.driver, 2).violation.queue, 1u);  // also without a queue
    EXPECT_FALSE(diagnose(machine.driver, 2).is_healthy());
    machine.device.need_reset();
    EXPECT_EQ(diagnose(machine.driver, 2).cause(), Cause::device_needs_reset);
}

}  // namespace
}  // namespace virtq::test
