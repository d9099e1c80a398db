// SPDX-License-Identifier: MIT
//
// A plugin of QEMU's user mode that counts the driver's instructions. A file lists the functions, one a line: FIRST END
// KIND, with hexadecimal addresses and the kind submit, take or other. A function that is not listed counts as part of
// its caller. Each time the program writes, the plugin prints SUBMIT TAKE: the counts since the previous write.
#include <stddef.h>
#include <stdint.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

extern "C" {

// QEMU's interface, version 1. Debian has no header for it.
struct qemu_plugin_tb;
struct qemu_plugin_insn;
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*call)(uint64_t id, qemu_plugin_tb* block));
void qemu_plugin_register_vcpu_tb_exec_cb(qemu_plugin_tb* block, void (*call)(unsigned cpu, void* with), int flags,
                                          void* with);
void qemu_plugin_register_vcpu_syscall_cb(uint64_t id,
                                          void (*call)(uint64_t id, unsigned cpu, int64_t number, uint64_t, uint64_t,
                                                       uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));
size_t qemu_plugin_tb_n_insns(qemu_plugin_tb const* block);
uint64_t qemu_plugin_tb_vaddr(qemu_plugin_tb const* block);

[[gnu::visibility("default")]] int qemu_plugin_version = 1;

}  // extern "C"

namespace {

constexpr int no_registers = 0;
constexpr int64_t write_number = 64;

enum Kind { submit, take, other, as_before };

struct Function {
    uint64_t first;
    uint64_t end;
    Kind kind;
};
std::vector<Function> functions;

Kind current = other;
unsigned long counts[as_before];

/// A translation block: if its first instruction runs, all of them do.
struct Block {
    Kind kind;
    size_t instructions;
};

Kind kind_of(uint64_t address) {
    for (Function const& one : functions) {
        if (address >= one.first && address < one.end) {
            return one.kind;
        }
    }
    return as_before;
}

void run_block(unsigned, void* with) {
    Block const& block = *static_cast<Block const*>(with);
    if (block.kind != as_before) {
        current = block.kind;
    }
    counts[current] += block.instructions;
}

void translate(uint64_t, qemu_plugin_tb* translated) {
    auto* const block = new Block{kind_of(qemu_plugin_tb_vaddr(translated)), qemu_plugin_tb_n_insns(translated)};
    qemu_plugin_register_vcpu_tb_exec_cb(translated, run_block, no_registers, block);
}

void print_counts(uint64_t, unsigned, int64_t number, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                  uint64_t, uint64_t) {
    if (number == write_number) {
        std::fprintf(stderr, "%lu %lu\n", counts[submit], counts[take]);
        counts[submit] = counts[take] = 0;
    }
}

bool read_functions(char const* path) {
    std::FILE* const file = std::fopen(path, "r");
    if (file == nullptr) {
        return false;
    }
    unsigned long first, end;
    char kind[8];
    while (std::fscanf(file, "%lx %lx %7s", &first, &end, kind) == 3) {
        functions.push_back({first, end,
                             std::strcmp(kind, "submit") == 0 ? submit
                             : std::strcmp(kind, "take") == 0 ? take
                                                              : other});
    }
    std::fclose(file);
    return !functions.empty();
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int qemu_plugin_install(uint64_t id, void const*, int argc, char** argv) {
    constexpr char option[] = "functions=";
    if (argc != 1 || std::strncmp(argv[0], option, sizeof option - 1) != 0 ||
        !read_functions(argv[0] + sizeof option - 1)) {
        std::fprintf(stderr, "counting: it wants functions=FILE\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_vcpu_syscall_cb(id, print_counts);
    return 0;
}
