// SPDX-License-Identifier: MIT
//
// Prints what both files call an error, and a diagnosis.
#include <virtq/diag/diag.hpp>
#include <virtq/virtq.hpp>

#include <cstdio>

char const* described_elsewhere(virtq::Error error);

extern "C" void virtq_assertion_failed(char const*, char const*, int) {
    __builtin_trap();
}

int main() {
    virtq::Error const error = virtq::Error::queue_full;
    std::printf("%s\n%s\n", virtq::describe(error), described_elsewhere(error));
    virtq::Diagnosis diagnosis;
    diagnosis.add({virtq::Cause::slot_empty});
    virtq::explain(diagnosis, [](char character) { std::putchar(character); });
}
