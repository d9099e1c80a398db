// SPDX-License-Identifier: MIT
//
// The calls of a kernel to one driver, each in its own function. DRIVER is the driver's number in drivers.py. Compiled to
// measure code and stack, never run. The kernel's own functions are only declared, so that they are not counted.
#include <virtq/virtq.hpp>

struct Pages {
    virtq::Pages allocate_pages(size_t count);
    void free_pages(virtq::Pages pages);
};
extern Pages pages;

using Transport = virtq::MmioTransport<>;
extern Transport transport;
constexpr virtq::PollLimit limit{1'000'000};

void keep(virtq::Token token);
void take(virtq::RequestCompletion const& completion);
void look(virtq::NetPacket const& packet);
void note(uint32_t port);

extern "C" {

#if DRIVER == 1
extern virtq::BlockDevice<Transport, 64> driver;
void finish(virtq::BlockCompletion const& completion);
virtq::Error driver_submit(virtq::Segment const& data) {
    return driver.submit_read(0, data, virtq::Token{1}).error();
}
bool driver_kick() {
    return driver.kick_device();
}
void driver_take() {
    driver.for_each_completed(finish);
}
virtq::Error driver_blocking(virtq::Segment const& data) {
    return driver.read(0, data, limit).error();
}
virtq::Error driver_reset() {
    return driver.reset(finish).error();
}
#elif DRIVER == 2
extern virtq::EntropyDevice<Transport> driver;
virtq::Error driver_submit(virtq::Segment const& data) {
    return driver.submit(data, virtq::Token{1}).error();
}
bool driver_kick() {
    return driver.kick_device();
}
void driver_take() {
    take(driver.take_completed());
}
virtq::Error driver_blocking(virtq::Segment const& data) {
    return driver.read(data, limit).error();
}
virtq::Error driver_reset() {
    return driver.reset(take).error();
}
#elif DRIVER == 8
extern virtq::P9Device<Transport> driver;
virtq::Error driver_submit(virtq::P9Request const& request) {
    return driver.submit(request, virtq::Token{1}).error();
}
bool driver_kick() {
    return driver.kick_device();
}
void driver_take() {
    take(driver.take_completed());
}
virtq::Error driver_blocking(virtq::P9Request const& request) {
    return driver.call(request, limit).error();
}
virtq::Error driver_reset() {
    return driver.reset(take).error();
}
#elif DRIVER == 3
extern virtq::ConsoleDevice<Transport, 16> driver;
virtq::Error driver_submit(virtq::Span<uint8_t const> bytes) {
    return driver.write(bytes).error();
}
virtq::Error driver_take(virtq::Span<uint8_t> bytes) {
    return driver.read(bytes).error();
}
virtq::Error driver_events() {
    return driver.on_events([](uint32_t port, auto const&) { note(port); }).error();
}
virtq::Error driver_reset() {
    return driver.reset(take).error();
}
#elif DRIVER == 7
extern virtq::GpuDevice<Transport> driver;
virtq::Error driver_submit(virtq::GpuPicture const& picture, virtq::GpuRect const& rect) {
    return driver.submit_flush(picture, rect, virtq::Token{1}).error();
}
bool driver_kick() {
    return driver.kick_device();
}
void driver_take() {
    take(driver.take_completed());
}
virtq::Error driver_blocking(virtq::GpuPicture const& picture, virtq::GpuRect const& rect) {
    return driver.flush(picture, rect, limit).error();
}
virtq::Result<virtq::GpuPicture> driver_create(virtq::Span<virtq::Segment const> memory) {
    return driver.create({640, 480}, memory, limit);
}
virtq::Error driver_show(virtq::GpuPicture const& picture) {
    return driver.show(0, picture, limit).error();
}
virtq::Error driver_destroy(virtq::GpuPicture const& picture) {
    return driver.destroy(picture, limit).error();
}
virtq::Error driver_display(uint32_t number) {
    return driver.display(number, limit).error();
}
virtq::Error driver_cursor(virtq::GpuPoint const& place) {
    return driver.move_cursor(0, place).error();
}
virtq::Error driver_reset() {
    return driver.reset(take).error();
}
#elif DRIVER == 5
extern virtq::InputDevice<Transport> driver;
void driver_take() {
    driver.take_each([](virtq::InputEvent event) { note(event.code); });
}
virtq::Error driver_send(virtq::InputEvent const& event) {
    return driver.send(event).error();
}
virtq::Error driver_describe() {
    return driver.name().error();
}
virtq::Error driver_reset() {
    return driver.reset(take).error();
}
#elif DRIVER == 6
extern virtq::BalloonDevice<Transport> driver;
virtq::Error driver_submit(virtq::Span<virtq::PhysAddr const> given) {
    return driver.submit_inflate(given, virtq::Token{1}).error();
}
virtq::Error driver_deflate(virtq::Span<virtq::PhysAddr const> taken) {
    return driver.submit_deflate(taken, virtq::Token{2}).error();
}
virtq::Error driver_report(virtq::Span<virtq::Segment const> memory) {
    return driver.submit_report(memory, virtq::Token{3}).error();
}
void driver_kick() {
    driver.kick_device();
}
void driver_take() {
    take(driver.take_completed());
}
virtq::Error driver_blocking(virtq::Span<virtq::PhysAddr const> given) {
    return driver.inflate(given, limit).error();
}
virtq::Error driver_stats(virtq::Span<virtq::BalloonStat const> stats) {
    return driver.answer_stats(stats).error();
}
virtq::Error driver_change() {
    return driver.on_config_change().error();
}
virtq::Error driver_reset() {
    return driver.reset(take).error();
}
#else
extern virtq::NetDevice<Transport, 256> driver;
virtq::Error driver_submit(virtq::Span<virtq::Segment const> packet) {
    return driver.submit(packet, virtq::Token{1}).error();
}
bool driver_kick() {
    return driver.kick_device();
}
void driver_take() {
    driver.for_each_sent(keep);
}
void driver_receive() {
    driver.receive_each(look);
}
virtq::Error driver_blocking(virtq::MacAddress const& address) {
    return driver.set_mac(address, limit).error();
}
virtq::Error driver_reset() {
    return driver.reset(take).error();
}
#endif

virtq::Error driver_init() {
    return driver.init(transport, pages).error();
}
virtq::Error driver_release() {
    return driver.release(pages).error();
}
}
