// SPDX-License-Identifier: MIT
#include <virtq/base/assert.hpp>
#include <virtq/virtq.hpp>

#include <sim/block_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/pci_bus.hpp>
#include <sim/pci_device.hpp>
#include <sim/pci_layout.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

/// Runs calls concurrently that VirtQueue and BlockDevice allow to run concurrently, under the thread sanitizer. Two
/// cores share a queue with a lock and notify outside of it, while a third reads its addresses. Two cores use two
/// queues of one disk without a lock. Each core serves as the device for what it has submitted. For each transport two
/// cores make the calls that are allowed at any time, while a third makes those of diag/.
extern "C" [[noreturn]] void virtq_assertion_failed(char const* rule, char const* file, int line) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, rule);
    std::abort();
}

namespace virtq::order {
namespace {

constexpr unsigned rounds = 20000;
constexpr std::uint16_t size = 8;

void require(bool condition, char const* otherwise) {
    if (!condition) {
        std::printf("FAILED: %s\n", otherwise);
        std::exit(EXIT_FAILURE);
    }
}

class Memory {
public:
    Pages allocate_pages(std::size_t count) {
        Pages const run{bytes_ + taken_ * page_bytes, PhysAddr{base + taken_ * page_bytes}, count};
        taken_ += count;
        return taken_ * page_bytes <= sizeof(bytes_) ? run : Pages{};
    }
    void free_pages(Pages) {}

    template <class Word>
    [[nodiscard]] Word* at(PhysAddr address, std::size_t offset) {
        return reinterpret_cast<Word*>(bytes_ + (address.value - base) + offset);
    }

private:
    static constexpr std::uint64_t base = 0x180000000;

    alignas(page_bytes) unsigned char bytes_[16 * page_bytes] = {};
    std::size_t taken_ = 0;
};

/// The device's side of one split queue (§2.7): it ends every chain with a status of 0 in the last byte.
class Answerer {
public:
    void begin(QueueAddresses const& at) { at_ = at; }
    void answer_all(Memory& memory) {
        while (platform::load_acquire(memory.at<std::uint16_t>(at_.driver_area, 2)) != taken_) {
            std::size_t const slot = taken_ % size;
            auto const head = platform::load_relaxed(memory.at<std::uint16_t>(at_.driver_area, 4 + 2 * slot));
            std::uint16_t last = head;
            std::uint32_t written = 0;
            for (std::uint16_t next = head, flags = 1; (flags & 1) != 0;) {
                last = next;
                flags = *memory.at<std::uint16_t>(at_.descriptor_area, 16u * last + 12);
                next = *memory.at<std::uint16_t>(at_.descriptor_area, 16u * last + 14);
                written += (flags & 2) != 0 ? *memory.at<std::uint32_t>(at_.descriptor_area, 16u * last + 8) : 0;
            }
            *memory.at<unsigned char>(PhysAddr{*memory.at<std::uint64_t>(at_.descriptor_area, 16u * last)}, 0) = 0;
            platform::store_plain(memory.at<std::uint32_t>(at_.device_area, 4 + 8 * slot), std::uint32_t{head});
            platform::store_plain(memory.at<std::uint32_t>(at_.device_area, 8 + 8 * slot), written);
            platform::store_release(memory.at<std::uint16_t>(at_.device_area, 2), ++taken_);
        }
    }

private:
    QueueAddresses at_;
    std::uint16_t taken_ = 0;
};

// --- one queue, with a lock ---

void share_a_queue() {
    static Memory memory;
    static VirtQueue<size> queue;
    std::mutex lock;
    Answerer device;
    std::atomic<unsigned> notified{0};
    std::atomic<bool> over{false};
    PhysAddr const buffer = memory.allocate_pages(1).phys;
    require(queue.init(memory, size, Features::of(spec::Feature::version_1)).ok(), "no queue");
    queue.attach();
    device.begin(queue.addresses());

    auto const core = [&] {
        for (unsigned round = 0; round < rounds; ++round) {
            Notification notification{};
            {
                std::lock_guard const held(lock);
                Segment const writable[] = {{buffer, 4}};
                require(queue.add({}, writable, Token{std::uintptr_t{round}}).ok(), "a chain was refused");
                notification = queue.publish();
                device.answer_all(memory);
                require(queue.take_used().state == CompletionState::ready, "nothing was used");
                require(queue.num_free() == size, "a descriptor is lost");
            }
            if (notification) {
                notified.fetch_add(notification.next != 0 ? 1 : 0, std::memory_order_relaxed);
            }
        }
    };
    std::thread looker([&] {
        while (!over.load(std::memory_order_relaxed)) {
            require(queue.size() == size && queue.addresses().size == size, "the queue has moved");
            require(queue.pages().virt != nullptr && queue.phys_used().value != 0, "the queue has moved");
            std::this_thread::yield();
        }
    });
    std::thread other(core);
    core();
    other.join();
    over.store(true, std::memory_order_relaxed);
    looker.join();
    require(notified.load() != 0, "nobody was notified");
    std::printf("one queue, a lock, notifications outside of it: good\n");
}

// --- one disk, a queue for each core ---

class Disk {
public:
    explicit Disk(Memory& memory) : memory_(memory) {}

    std::array<Answerer, 2> queues;
    void answer_all(std::uint16_t queue) { queues[queue].answer_all(memory_); }

    [[nodiscard]] spec::DeviceId device_id() const { return spec::DeviceId::block; }
    [[nodiscard]] bool is_legacy() const { return false; }
    [[nodiscard]] Features possible_features() const { return offered(); }
    [[nodiscard]] DeviceStatus status() { return DeviceStatus{status_.load(std::memory_order_relaxed)}; }
    void set_status(DeviceStatus status) { status_.store(status.bits(), std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t offered_features(unsigned word) { return offered().word(word); }
    void accept_features(unsigned, std::uint32_t) {}
    [[nodiscard]] std::uint32_t queue_size_max(std::uint16_t) { return size; }
    [[nodiscard]] bool is_queue_size_fixed() { return false; }
    [[nodiscard]] std::uint32_t choose_queue_size(std::uint16_t, std::uint32_t chosen) { return chosen; }
    [[nodiscard]] bool is_queue_in_use(std::uint16_t) { return false; }
    [[nodiscard]] Status enable_queue(std::uint16_t queue, QueueAddresses const& at) {
        queues[queue].begin(at);
        return {};
    }
    void notify(std::uint16_t, std::uint16_t) { notified_.fetch_add(1, std::memory_order_relaxed); }
    void reset_queue(std::uint16_t) {}
    [[nodiscard]] bool is_queue_reset(std::uint16_t) { return true; }
    [[nodiscard]] InterruptCause on_interrupt() { return {}; }
    [[nodiscard]] std::uint8_t read_config8(std::uint16_t) { return 0; }
    [[nodiscard]] std::uint16_t read_config16(std::uint16_t) { return 2; }  // the number of queues
    [[nodiscard]] std::uint32_t read_config32(std::uint16_t offset) { return offset == 0 ? 1000 : 0; }
    void write_config8(std::uint16_t, std::uint8_t) {}
    void write_config16(std::uint16_t, std::uint16_t) {}
    void write_config32(std::uint16_t, std::uint32_t) {}
    [[nodiscard]] std::uint32_t config_generation() { return 0; }

private:
    [[nodiscard]] static Features offered() {
        Features features = Features::of(spec::Feature::version_1);
        features.set(spec::block::Feature::mq);
        return features;
    }

    Memory& memory_;
    std::atomic<std::uint8_t> status_{0};
    std::atomic<unsigned> notified_{0};
};

struct TwoQueues : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 2;
};

void share_a_disk() {
    static Memory memory;
    static BlockDevice<Disk, size, TwoQueues> driver;
    Disk disk{memory};
    PhysAddr const buffer{0x9'0000'0000};
    require(driver.init(disk, memory).ok() && driver.queue_count() == 2, "no disk");

    auto const core = [&](std::uint16_t queue) {
        for (unsigned round = 0; round < rounds; ++round) {
            Segment const data[] = {{buffer, 512}};
            BlockRequest const request{BlockOperation::read, round % 1000, 0, {data, 1}, Token{std::uintptr_t{round}}};
            require(driver.submit(request, queue).ok(), "a request was refused");
            driver.kick_device(queue);
            disk.answer_all(queue);
            require(driver.check_alive(queue).ok(), "the disk has died");
            BlockCompletion const done = driver.take_completed(queue);
            require(done.state == CompletionState::ready && done.error == Error::none, "a request went wrong");
            require(done.token.value() == round, "another request ended");
            require(driver.in_flight(queue) == 0 && driver.capacity_sectors() == 1000, "the disk has changed");
            require(driver
                        .perform(
                            request, PollLimit{2}, [&] { disk.answer_all(queue); }, queue)
                        .ok(),
                    "a read failed");
            static_cast<void>(driver.enable_used_notifications(queue));
            driver.disable_used_notifications(queue);
        }
    };
    std::thread other(core, std::uint16_t{1});
    core(0);
    other.join();
    std::printf("one disk, two queues, no lock: good\n");
}

// --- interrupts and notifications, of every transport ---

/// Registers in plain memory, with relaxed accesses: no lock of a simulated device orders the cores.
class Registers {
public:
    Registers() = default;
    explicit Registers(std::uintptr_t base) : base_(base) {}

    [[nodiscard]] std::uint8_t read8(std::uint16_t offset) const { return read<std::uint8_t>(offset); }
    [[nodiscard]] std::uint16_t read16(std::uint16_t offset) const { return read<std::uint16_t>(offset); }
    [[nodiscard]] std::uint32_t read32(std::uint16_t offset) const { return read<std::uint32_t>(offset); }
    void write8(std::uint16_t offset, std::uint8_t value) { write(offset, value); }
    void write16(std::uint16_t offset, std::uint16_t value) { write(offset, value); }
    void write32(std::uint16_t offset, std::uint32_t value) { write(offset, value); }
    [[nodiscard]] Registers at(std::uint32_t offset) const { return Registers{base_ + offset}; }

private:
    template <class Word>
    [[nodiscard]] Word read(std::uint16_t offset) const {
        return __atomic_load_n(reinterpret_cast<Word*>(base_ + offset), __ATOMIC_RELAXED);
    }
    template <class Word>
    void write(std::uint16_t offset, Word value) {
        __atomic_store_n(reinterpret_cast<Word*>(base_ + offset), value, __ATOMIC_RELAXED);
    }

    std::uintptr_t base_ = 0;
};

class Ports : public Registers {
public:
    static constexpr bool is_port_space = true;

    using Registers::Registers;
    explicit Ports(Registers registers) : Registers(registers) {}
    [[nodiscard]] Ports at(std::uint32_t offset) const { return Ports{Registers::at(offset)}; }
};

/// Maps each structure of a device to a page of its own.
class RegisterPages {
public:
    std::uintptr_t map_device_memory(PhysAddr, std::uint64_t) {
        require(taken_ != count, "no page for registers is left");
        return reinterpret_cast<std::uintptr_t>(pages_[taken_++]);
    }
    std::uintptr_t map_device_ports(std::uint32_t, std::uint32_t) { return map_device_memory({}, 0); }

private:
    static constexpr std::size_t count = 8;

    alignas(page_bytes) unsigned char pages_[count][page_bytes] = {};
    std::size_t taken_ = 0;
};

using Any = AnyTransport<Registers, Ports>;

/// Calls of diag/ while the handler of the transport runs.
template <class T>
[[nodiscard]] unsigned count_calls(T& transport) {
    unsigned calls = transport.record().interrupt_calls();
    if constexpr (requires { transport.uses_vectors(); }) {
        calls += transport.record().vector_calls();
        calls += transport.uses_vectors() ? 1 : 0;
    }
    return transport.record().last_notify().any ? calls : 0;
}
[[nodiscard]] unsigned count_calls(Any& transport) {
    return transport.visit([](auto& behind) { return count_calls(behind); });
}

/// Several CPUs notify, and count interrupts, while another one looks (faults B6).
template <class T>
void share_a_transport(char const* name, T& transport) {
    std::atomic<bool> over{false};
    require(transport.enable_queue(0, {size, PhysAddr{0x1000}, PhysAddr{0x2000}, PhysAddr{0x3000}}).ok(), name);
    auto const core = [&] {
        for (unsigned round = 0; round < rounds; ++round) {
            transport.notify(0, static_cast<std::uint16_t>(round));
            static_cast<void>(transport.on_interrupt());
            if constexpr (requires { transport.on_vector(0); }) {
                static_cast<void>(transport.on_vector(static_cast<std::uint16_t>(round % 2)));
            }
        }
    };
    std::thread looker([&] {
        while (!over.load(std::memory_order_relaxed)) {
            static_cast<void>(count_calls(transport));
            std::this_thread::yield();
        }
    });
    std::thread other(core);
    core();
    other.join();
    over.store(true, std::memory_order_relaxed);
    looker.join();
    require(count_calls(transport) != 0, "calls were not counted");
    std::printf("%s, two handlers: good\n", name);
}

void share_mmio() {
    static RegisterPages pages;
    Registers registers{pages.map_device_memory({}, 0)};
    registers.write32(spec::mmio::magic_value.offset, spec::mmio::magic);
    registers.write32(spec::mmio::version.offset, spec::mmio::version_modern);
    registers.write32(spec::mmio::device_id.offset, static_cast<std::uint32_t>(spec::DeviceId::block));
    static MmioTransport<Registers> transport;
    require(transport.probe(registers).ok(), "no device on MMIO");
    share_a_transport("MmioTransport", transport);
    static Any any;
    require(any.probe_mmio(registers).ok(), "no device on MMIO");
    share_a_transport("AnyTransport, MMIO", any);
}

/// Provides a function with a simulated configuration space, and with registers in plain memory.
template <class Use>
void with_function(sim::PciLayout const& layout, Use use) {
    sim::GuestMemory memory;
    sim::BlockDevice disk(memory.violations());
    sim::PciDevice device(memory, disk, layout);
    sim::PciBus bus(memory.violations());
    bus.add(sim::PciSlot{0, 3, 0}, device);
    bus.assign();
    use(PciFunction<sim::PciBus>{bus, {0, 3, 0}});
}

template <class T, class Function>
[[nodiscard]] Status probe(T& transport, Function const& function, RegisterPages& pages) {
    return transport.probe(function, pages);
}
template <class Function>
[[nodiscard]] Status probe(Any& transport, Function const& function, RegisterPages& pages) {
    return transport.probe_pci(function, pages);
}

template <class T>
void share_pci(char const* name, sim::PciLayout const& layout, T& transport) {
    static RegisterPages pages;
    with_function(layout, [&](auto const& function) {
        require(probe(transport, function, pages).ok(), name);
        share_a_transport(name, transport);
    });
}

[[nodiscard]] sim::PciLayout legacy_in_memory() {
    sim::PciLayout layout = sim::PciLayout::legacy();
    layout.bars[0] = {sim::PciBarKind::memory32, 0x80};
    return layout;
}

void share_every_transport() {
    share_mmio();
    static PciModernTransport<Registers> modern;
    share_pci("PciModernTransport", sim::PciLayout::modern(), modern);
    static PciLegacyTransport<Ports> ports;
    share_pci("PciLegacyTransport, ports", sim::PciLayout::legacy(), ports);
    static PciLegacyTransport<Registers> registers;
    share_pci("PciLegacyTransport, memory", legacy_in_memory(), registers);
    static Any any;
    share_pci("AnyTransport, PCI", sim::PciLayout::modern(), any);
    static Any any_legacy;
    share_pci("AnyTransport, legacy PCI", sim::PciLayout::legacy(), any_legacy);
}

}  // namespace
}  // namespace virtq::order

int main() {
    virtq::order::share_a_queue();
    virtq::order::share_a_disk();
    virtq::order::share_every_transport();
    return EXIT_SUCCESS;
}
