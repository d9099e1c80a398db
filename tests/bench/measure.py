# SPDX-License-Identifier: MIT
"""What is exact: instructions, bytes of code, private memory, stack."""

import concurrent.futures
import os
import re
import struct
import tempfile
from pathlib import Path

import build

# --- instructions ----------------------------------------------------------------------------------------------------


def count_some(program, names):
    with tempfile.TemporaryDirectory() as folder:
        printed = build.run("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                            "--collect-atstart=no", "--toggle-collect=bench::Drive<*", program, *names)
        requests = {name: int(number) for name, number in (line.split() for line in printed.splitlines())}
        counts = {}
        for path in Path(folder).glob("out.*"):
            text = path.read_text()
            name = re.search(r"^desc: Trigger: Client Request: (\S+)", text, re.M)
            total = re.search(r"^totals: (\d+)", text, re.M)
            if name and total:
                counts[name[1]] = int(total[1]) / requests[name[1]]
    missing = [name for name in names if not counts.get(name)]
    if missing:
        build.stop(f"callgrind counted nothing of {', '.join(missing)}")
    return counts


def instructions(names, with_linux):
    """Of the driver's side, for one request, by name of the case."""
    program = build.program("count", with_linux)
    names = list(names)
    jobs = os.cpu_count()
    counts = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for some in pool.map(lambda part: count_some(program, part), [names[i::jobs] for i in range(jobs) if names[i:]]):
            counts.update(some)
    return {name: counts[name] for name in names}


# --- bytes of code ---------------------------------------------------------------------------------------------------

KERNEL = ["-std=c++20", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
          "-fno-asynchronous-unwind-tables", "-fno-stack-protector", "-fno-pic", "-DVIRTQ_ASSERTIONS=0"]
TARGETS = {
    "x86_64": ["g++", "-mgeneral-regs-only", "-fcf-protection=none"],
    "aarch64": ["aarch64-linux-gnu-g++", "-mgeneral-regs-only", "-mno-outline-atomics"],
    "riscv64": ["riscv64-unknown-elf-g++", "-march=rv64imac", "-mabi=lp64", "-mcmodel=medany"],
    "riscv32": ["clang++-19", "--target=riscv32-unknown-elf", "-march=rv32imac", "-mabi=ilp32"],
    "arm": ["clang++-19", "--target=armv7-none-eabi", "-mgeneral-regs-only", "-mfloat-abi=soft"],
}
TIERS = {1: "chain tier, polled", 2: "chain tier", 3: "both tiers"}


def text_bytes(path):
    """Of an ELF object: what is loaded and not written, code and constants."""
    data = path.read_bytes()
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    table = struct.unpack_from(order + ("Q" if wide else "I"), data, 0x28 if wide else 0x20)[0]
    entry_bytes, count = struct.unpack_from(order + "HH", data, 0x3A if wide else 0x2E)
    total = 0
    for i in range(count):
        kind, flags, _, _, size = struct.unpack_from(order + ("IQQQQ" if wide else "IIIII"), data,
                                                     table + i * entry_bytes + 4)
        loaded, written, bits = flags & 2, flags & 1, 1
        total += size if loaded and not written and kind == bits else 0
    return total


def code_object(target, level, format_, tier):
    path = build.OUT / "size" / f"{target}{level}-{format_}-{tier}.o"
    return build.compile_one(build.HERE / "size" / "code.cpp", path, *TARGETS[target], *KERNEL, level,
                             f"-DSIZE_FORMAT={format_}", f"-DSIZE_TIER={tier}", f"-I{build.ROOT}/include")


def code_sizes(targets, levels=("-Os", "-O2"), formats=("Split", "Packed", "Negotiated")):
    """{(target, level, format, tier): bytes of .text and .rodata}"""
    wanted = [(target, level, format_, tier) for target in targets for level in levels for format_ in formats
              for tier in TIERS if tier < 3 or format_ == "Split"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(wanted, pool.map(lambda one: text_bytes(code_object(*one)), wanted)))


def linux_size(level):
    flags = ["-mgeneral-regs-only", "-fno-pie", "-fcf-protection=none", "-fno-stack-protector", *build.linux_flags()]
    made = build.compile_one(build.linux_source() / "virtio_ring.c", build.OUT / "size" / f"linux{level}.o", "gcc",
                             level, *flags)
    return text_bytes(made)

