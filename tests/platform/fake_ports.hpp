// SPDX-License-Identifier: MIT
#pragma once

#if defined(__x86_64__) || defined(__i386__)

#include <signal.h>
#include <ucontext.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

/// Only a kernel may execute the port instructions of x86. In a process they fault, and the handler of that signal
/// performs them on an array.
namespace virtq::test {

struct PortAccess {
    char kind;  ///< 'r' or 'w'
    unsigned bits;
    std::uint16_t port;
    std::uint32_t value;

    friend bool operator==(PortAccess const&, PortAccess const&) = default;
};

class FakePorts {
public:
    FakePorts() {
        active = this;
        struct sigaction fault {};
        fault.sa_sigaction = &handle;
        fault.sa_flags = SA_SIGINFO;
        sigaction(SIGSEGV, &fault, &before_);
    }
    ~FakePorts() {
        sigaction(SIGSEGV, &before_, nullptr);
        active = nullptr;
    }
    FakePorts(FakePorts const&) = delete;
    FakePorts& operator=(FakePorts const&) = delete;

    std::array<std::uint8_t, 0x10000 + 4> bytes{};  ///< what the ports hold; the last access may begin at 0xffff
    std::vector<PortAccess> accesses;

private:
#if defined(__x86_64__)
    static constexpr int instruction = REG_RIP;
    static constexpr int number = REG_RDX;
    static constexpr int accumulator = REG_RAX;
#else
    static constexpr int instruction = REG_EIP;
    static constexpr int number = REG_EDX;
    static constexpr int accumulator = REG_EAX;
#endif

    /// Intel SDM 2: EC and ED read, EE and EF write; 66 before ED and EF makes 32 bits 16. The port is in DX.
    static void handle(int, siginfo_t*, void* context) {
        auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
        auto const* code = reinterpret_cast<std::uint8_t const*>(registers[instruction]);
        bool const is_half = *code == 0x66;
        std::uint8_t const operation = is_half ? code[1] : code[0];
        if (operation < 0xec || operation > 0xef) {
            sigaction(SIGSEGV, &active->before_, nullptr);  // not a port: it faults again, and ends the program
            return;
        }
        unsigned const width = (operation & 1) == 0 ? 1 : is_half ? 2 : 4;
        auto const port = static_cast<std::uint16_t>(registers[number]);
        auto accumulated = static_cast<std::uint32_t>(registers[accumulator]);
        for (unsigned i = 0; i < width; ++i) {
            std::uint8_t& byte = active->bytes[std::size_t{port} + i];
            if ((operation & 2) != 0) {
                byte = static_cast<std::uint8_t>(accumulated >> (8 * i));
            } else {
                accumulated = (accumulated & ~(0xffu << (8 * i))) | std::uint32_t{byte} << (8 * i);
            }
        }
        std::uint32_t const mask = width == 4 ? UINT32_MAX : (1u << (8 * width)) - 1;
        active->accesses.push_back({(operation & 2) != 0 ? 'w' : 'r', 8 * width, port, accumulated & mask});
        registers[accumulator] = static_cast<greg_t>(accumulated);
        registers[instruction] += is_half ? 2 : 1;
    }

    static inline FakePorts* active = nullptr;

    struct sigaction before_ {};
};

}  // namespace virtq::test

#endif
