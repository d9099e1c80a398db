// SPDX-License-Identifier: MIT
//
// A kernel that describes everything. `prove` compiles it with VIRTQ_SENTENCES=names and numbers, because everything.cpp
// has sentences and takes longer to compile. Nothing but `describe` and `explain` depends on the wording.
#include <virtq/diag/diag.hpp>
#include <virtq/virtq.hpp>

char const* volatile global_text;
char volatile global_character;

namespace kernel {

struct Found {
    virtq::Diagnosis diagnosis;
    virtq::PciScan scan;
    virtq::PageReport report;
    virtq::Fault fault;
    virtq::DriverFault violation;
};

}  // namespace kernel

extern "C" void kernel_main(kernel::Found const& found);
void kernel_main(kernel::Found const& found) {
    global_text = virtq::describe(found.scan);
    global_text = virtq::describe(found.scan.trouble);
    global_text = virtq::describe(found.fault.reason);
    global_text = virtq::describe(found.violation.reason);
    global_text = virtq::describe(found.diagnosis.cause());
    global_text = found.report.sentence();
    virtq::explain(found.diagnosis, [](char character) { global_character = character; });
}
