# SPDX-License-Identifier: MIT
"""Each measurement, as a function that returns figures."""

import concurrent.futures
import json
import os
import re
import statistics
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import build

# --- instructions ----------------------------------------------------------------------------------------------------


DRIVE = re.compile(r"bench::Drive<.*>::(submit|take)\(")


def phases_of(text):
    """(instructions of submit, of take) from callgrind's dump, each with its callees."""
    names, costs, phase = {}, {"submit": 0, "take": 0}, None
    for line in text.splitlines():
        if line.startswith(("fn=", "cfn=")):
            number, _, name = line.partition("=")[2].partition(" ")
            names.setdefault(number, name)  # callgrind gives a name only once
            if line.startswith("fn="):
                found = DRIVE.match(names[number])
                phase = found[1] if found else None
        elif phase and line[:1] in "0123456789+-*":
            # The cost of this line, or of the call that the previous line names. callgrind leaves out a cost of 0.
            costs[phase] += sum(map(int, line.split()[1:]))
    return costs["submit"], costs["take"]


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
                phases, all_ = phases_of(text), int(total[1])
                if not 0.99 * all_ < sum(phases) <= all_:  # only the total has the stubs of malloc, which Linux's shim calls
                    build.stop(f"{name[1]}: submit and take are {sum(phases)} instructions, and callgrind counted {all_}")
                counts[name[1]] = ((all_ - phases[1]) / requests[name[1]], phases[1] / requests[name[1]])
    missing = [name for name in names if not counts.get(name)]
    if missing:
        build.stop(f"callgrind counted nothing of {', '.join(missing)}")
    return counts


def instruction_phases(names, with_linux):
    """{case: (submit, take)}: the driver's instructions for one request."""
    program = build.program("count", with_linux)
    names = list(names)
    jobs = os.cpu_count()
    counts = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for some in pool.map(lambda part: count_some(program, part), [names[i::jobs] for i in range(jobs) if names[i:]]):
            counts.update(some)
    return {name: counts[name] for name in names}


def instructions(names, with_linux):
    """{case: the driver's instructions for one request}"""
    return {name: sum(phases) for name, phases in instruction_phases(names, with_linux).items()}


# --- bytes of code ---------------------------------------------------------------------------------------------------

KERNEL = ["-std=c++20", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
          "-fno-asynchronous-unwind-tables", "-fno-stack-protector", "-fno-pic", "-DVIRTQ_ASSERTIONS=0"]
TARGETS = {
    "x86_64": ["g++", "-mgeneral-regs-only", "-fcf-protection=none"],
    "aarch64": ["aarch64-linux-gnu-g++", "-mgeneral-regs-only", "-mno-outline-atomics"],
    "riscv64": ["riscv64-unknown-elf-g++", "-march=rv64imac", "-mabi=lp64", "-mcmodel=medany"],
    "riscv32": ["clang++-19", "--target=riscv32-unknown-elf", "-march=rv32imac", "-mabi=ilp32"],
    "arm": ["clang++-19", "--target=armv7-none-eabi", "-mfloat-abi=soft"],
}
TIERS = {1: "chain tier, polled", 2: "chain tier", 3: "both tiers"}


def text_bytes(path):
    """The bytes of code and constants of an ELF object."""
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


WITH_DESCRIPTOR_TIER = ("Split",)


def code_sizes(targets, levels=("-Os", "-O2"), formats=("Split", "PlainSplit", "Packed", "AnyFormat")):
    """{(target, level, format, tier): bytes of .text and .rodata}"""
    wanted = [(target, level, format_, tier) for target in targets for level in levels for format_ in formats
              for tier in TIERS if tier < 3 or format_ in WITH_DESCRIPTOR_TIER]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(wanted, pool.map(lambda one: text_bytes(code_object(*one)), wanted)))


# A kernel's first disk, smaller in each step: (step, format, what describe() returns, further definitions of first_disk.cpp)
FIRST_DISK_STEPS = (("sentences", "Split", "sentences", ()), ("names", "Split", "names", ()), ("numbers", "Split", "numbers", ()),
                    ("plain", "PlainSplit", "numbers", ()), ("smallest", "PlainSplit", "numbers", ("-DSIZE_REFUSES",)))
FIRST_DISK_TRANSPORTS = {"mmio": (1, "riscv64"), "any": (2, "x86_64")}


def first_disk_sizes():
    """{"mmio names": bytes of a kernel's first disk, -Os}"""
    sizes = {}
    for name, (transport, target) in FIRST_DISK_TRANSPORTS.items():
        for step, format_, words, more in FIRST_DISK_STEPS:
            made = build.OUT / "size" / f"first_disk-{name}-{step}.o"
            sizes[f"{name} {step}"] = text_bytes(build.compile_one(
                build.HERE / "size" / "first_disk.cpp", made, *TARGETS[target], *KERNEL, "-Os",
                f"-DSIZE_TRANSPORT={transport}", f"-DSIZE_FORMAT={format_}", f"-DVIRTQ_SENTENCES={words}", *more,
                f"-I{build.ROOT}/include"))
    return sizes


def linux_size(level):
    flags = ["-mgeneral-regs-only", "-fno-pie", "-fcf-protection=none", "-fno-stack-protector", *build.linux_flags()]
    made = build.compile_one(build.linux_source() / "virtio_ring.c", build.OUT / "size" / f"linux{level}.o", "gcc",
                             level, *flags)
    return text_bytes(made)


# --- private memory, stack, compile time -----------------------------------------------------------------------------


def private_memory():
    """({(format, N): bytes}, {features: (pages of the ring, pages of tables)})"""
    made = build.compile_one(build.HERE / "size" / "bytes.cpp", build.OUT / "size" / "bytes.o", "g++", "-O1",
                             "-fno-pie", *build.CXX_FLAGS)
    bytes_, pages = {}, {}
    for line in build.run(build.link(build.OUT / "size" / "bytes", [made])).splitlines():
        words = line.split()
        if words[0] == "pages":
            pages[words[1]] = (int(words[2]), int(words[3]))
        else:
            bytes_[words[0], int(words[1])] = int(words[2])
    return bytes_, pages


class CallGraph:
    """GCC's -fcallgraph-info=su: which function calls which, and the bytes of stack that each takes by itself."""

    def __init__(self, path):
        text = path.read_text()
        self.own, self.names, self.calls = {"__indirect_call": 0}, {}, {}
        for title, label in re.findall(r'node: \{ title: "([^"]*)" label: "([^"]*)"', text):
            lines = label.split("\\n")
            size = re.search(r"(\d+) bytes \(([a-z,]+)\)", label)
            if size and size[2] == "dynamic":
                build.stop(f"{lines[0]} takes stack without a bound")
            self.own[title] = int(size[1]) if size else 0
            self.names[title] = lines[0]
        for source, target in re.findall(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', text):
            self.calls.setdefault(source, set()).add(target)
        # virtq calls through a pointer only its own functions without a capture (PciKeptAccess).
        self.calls["__indirect_call"] = {title for title in self.own if "_FUNE" in title}

    def deepest(self, title, above=()):
        """(bytes, the functions on the way) of the call and its callees, with return addresses and without the kernel's
        own functions, such as its allocator."""
        if title in above:
            build.stop(f"{title} calls itself: there is no recursion in virtq")
        below = [self.deepest(called, (*above, title)) for called in self.calls.get(title, ())]
        depth, way = max(below, default=(0, []))
        return self.own.get(title, 0) + depth, [title, *way] if depth or self.own.get(title, 0) else []


def call_graph(source, name, target, *flags):
    path = build.OUT / "size" / f"{name}.o"
    build.compile_one(build.HERE / "size" / source, path, *TARGETS[target], *KERNEL, "-fcallgraph-info=su", *flags,
                      f"-I{build.ROOT}/include")
    return CallGraph(path.with_suffix(".ci"))


def stack_depths(level, format_):
    """{call of a queue: bytes of stack}"""
    tier = 3 if format_ == "Split" else 2
    graph = call_graph("code.cpp", f"stack{level}-{format_}", "x86_64", level, f"-DSIZE_FORMAT={format_}",
                       f"-DSIZE_TIER={tier}")
    found = {}
    for title in graph.own:
        name = re.match(r"_Z\d+drive_(\w+?)(?:R|RK|PK|P)N5virtq", title)
        if name:
            found[name[1]] = graph.deepest(title)[0]
    return found


CALL_STACKS = {
    "x86_64 -O2": ("x86_64", "-O2"),
    "x86_64 -Os": ("x86_64", "-Os"),
    "x86_64 -O2, assertions": ("x86_64", "-O2", "-UVIRTQ_ASSERTIONS"),
    "aarch64 -O2": ("aarch64", "-O2"),
    "riscv64 -O2": ("riscv64", "-O2"),
}


def function_name(signature):
    """The name in a C++ signature, without type, scope and arguments."""
    signature = signature.split(" [with ")[0]
    plain, depth = "", 0
    for character in signature.replace("operator()", "lambda"):
        depth += character in "<("
        plain += character if depth == 0 else "(" if character == "(" and depth == 1 else ""
        depth -= character in ">)"
    return plain.split("(")[0].split("::")[-1].split(" ")[-1]


def call_stacks(column):
    """{call of a transport, a disk or diag/: (bytes of stack, the deepest way)}"""
    target, *flags = CALL_STACKS[column]
    graph = call_graph("stack.cpp", f"stack-{column.replace(' ', '').replace(',', '')}", target, *flags)
    found = {}
    for title in graph.own:
        if title.startswith("stack_"):
            depth, way = graph.deepest(title)
            found[title.removeprefix("stack_")] = (depth, [function_name(graph.names[one]) for one in way[1:]])
    return found


def all_stacks():
    """All results of the stack, as results.json has them."""
    calls = {column: call_stacks(column) for column in CALL_STACKS}
    return {"stack": {f"{format_} {level}": stack_depths(level, format_)
                      for format_ in ("Split", "Packed", "AnyFormat") for level in ("-Os", "-O2")},
            "call_stack": {column: {call: depth for call, (depth, _) in found.items()} for column, found in calls.items()},
            "usual_stack": usual_stack(),
            "call_way": {call: " › ".join(way) for call, (_, way) in calls["x86_64 -O2"].items()}}


def usual_stack():
    """Bytes that a submit_read of one segment touches, x86_64 -O2."""
    folder = build.OUT / "size"
    objects = build.compile_all([(build.HERE / "size" / "usual_stack.cpp", folder / "usual_stack.o", "g++",
                                  *build.KERNEL_FLAGS, *build.CXX_FLAGS),
                                 (build.HERE / "hosted.cpp", folder / "hosted.o", "g++", "-O2", "-fno-pie", *build.CXX_FLAGS)])
    return int(build.run(build.link(folder / "usual_stack", objects)))


def compile_times(rounds=5):
    """Seconds to compile the umbrella header alone, and a file that uses a disk: medians."""
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        sources = {"`virtq.hpp` alone": "", "`size/code.cpp`, split, both tiers": None}
        for name, text in sources.items():
            source = build.HERE / "size" / "code.cpp"
            if text is not None:
                source = Path(folder) / "umbrella.cpp"
                source.write_text(f"#include <virtq/virtq.hpp>\n{text}")
            taken = []
            for _ in range(rounds):
                start = time.monotonic()
                build.run(*TARGETS["x86_64"], *KERNEL, "-O2", "-DSIZE_FORMAT=Split", "-DSIZE_TIER=3",
                          f"-I{build.ROOT}/include", "-c", source, "-o", f"{folder}/made.o")
                taken.append(time.monotonic() - start)
            times[name] = statistics.median(taken)
    return times


# --- times -----------------------------------------------------------------------------------------------------------


def core_pair():
    """The last two cores. Most interrupts go to the first one."""
    cores = sorted(os.sched_getaffinity(0))
    return (cores[-1], cores[-2]) if len(cores) > 1 else (cores[0], None)


def times_of(names, repetitions, seconds):
    """{case: [nanoseconds a request of each repetition]}, driver and device in one thread. The cases are
    interleaved, so that a disturbance meets all of them. CPU time, which leaves out other processes on the core."""
    program = build.program("time", True, "-lbenchmark", "-lpthread")
    core, _ = core_pair()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        build.run(program, f"--benchmark_repetitions={repetitions}", "--benchmark_enable_random_interleaving=true",
                  f"--benchmark_min_time={seconds}", f"--benchmark_out={out}", "--benchmark_out_format=json", *names,
                  preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        rows = json.loads(out.read_text())["benchmarks"]
    times = {name: [] for name in names}
    for row in rows:
        if row["run_type"] == "iteration":
            times[row["run_name"]].append(1e9 / row["requests"])
    return times


def phase_times(names, rounds, compiler):
    """{case: [nanoseconds a request of submit, device, take, and of the clock]}: medians of interleaved rounds, in one
    thread. The first three do not contain the clock."""
    program = build.program("phases", True, compiler=compiler)
    core, _ = core_pair()
    printed = build.run(program, rounds, *names, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    runs = {name: [] for name in names}
    for line in printed.splitlines():
        name, *phases = line.split()
        runs[name].append([float(phase) for phase in phases])
    return {name: [round(statistics.median(phase), 2) for phase in zip(*all_)] for name, all_ in runs.items()}


def two_core_times(mode, names, rounds, milliseconds):
    """{case: [(ping-pong, nanoseconds a request) of each round]}"""
    program = build.program("cores", True, "-lpthread")
    first, second = core_pair()
    printed = build.run(program, mode, first, second, rounds, milliseconds, *names)
    times = {name: [] for name in names}
    for line in printed.splitlines():
        name, ping_pong, each = line.split()
        times[name].append((float(ping_pong), float(each)))
    return times


def queue_times(queues, cores, names, rounds, milliseconds):
    """{case: [nanoseconds a request of each round]} of so many queues, on one core or on two. With two, `spin` is the
    work of two threads that share nothing, divided by that of one: what the second core of this machine is worth."""
    program = build.program("cores", True, "-lpthread")
    first, second = core_pair()
    printed = build.run(program, "queues", first, second if cores == 2 else "-", rounds, milliseconds, queues, *names)
    times = {name: [] for name in names}
    for line in printed.splitlines():
        name, _, each = line.split()
        times.setdefault(name, []).append(float(each))
    return times
