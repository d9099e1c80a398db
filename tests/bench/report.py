# SPDX-License-Identifier: MIT
"""Makes tables and plots of results.json: README.md, tests/bench/README.md, tests/bench/plot/."""

import json

import build
import card
import cases
import dpdk
import drivers
import measure
import plot
import qemu
import targets
from cases import name_of

RESULTS = build.HERE / "results.json"
PLOTS = build.HERE / "plot"
README = build.ROOT / "README.md"
BENCH_README = build.HERE / "README.md"


def load():
    return json.loads(RESULTS.read_text())


def save(results):
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
                     + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


def put(path, what, made):
    """Between the markers of `what`."""
    begin, end = f"<!-- {what}: made by tests/bench/run -->\n", f"<!-- end of {what} -->\n"
    whole = path.read_text()
    if whole.count(begin) != 1 or whole.count(end) != 1:
        build.stop(f"{path.name} has no place for the table of {what}")
    head, rest = whole.split(begin)
    path.write_text(head + begin + made + end + rest.split(end)[1])


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}"


def title_of(who):
    return {"linux": "Linux", "fence": "FLOOR+fence", "floor": "FLOOR", "unchecked": "unchecked",
            "unchecked-fence": "unchecked+fence"}.get(who, who)


def of_all(stem):
    """(case of Linux, case of FLOOR+fence) to compare a case of virtq with."""
    _, format_, style, features = stem.split("/")
    format_ = format_.replace("negotiated-", "").replace("plain-", "")
    in_order = "o" if "o" in features else "-"
    return f"linux/{format_}/span/{features.replace('o', '') or '-'}", f"fence/{format_}/{style}/{in_order}"


# --- README.md -------------------------------------------------------------------------------------------------------

ROWS = [
    # title, case, format of the code, pages
    ("`Split`", "virtq/split/span/-", "Split", "split"),
    ("`Split`, EVENT_IDX", "virtq/split/span/e", "Split", "split"),
    ("`Split`, EVENT_IDX, lengths known to the compiler", "virtq/split/fixed/e", "Split", "split"),
    ("`Split`, EVENT_IDX, INDIRECT_DESC", "virtq/split/span/ei", "Split", "split-indirect"),
    ("`Split`, EVENT_IDX, IN_ORDER", "virtq/split/span/eo", "Split", "split"),
    ("`PlainSplit`, EVENT_IDX", "virtq/plain-split/span/e", "PlainSplit", "split"),
    ("`Packed`", "virtq/packed/span/-", "Packed", "packed"),
    ("`Packed`, EVENT_IDX", "virtq/packed/span/e", "Packed", "packed"),
    ("`Packed`, EVENT_IDX, lengths known to the compiler", "virtq/packed/fixed/e", "Packed", "packed"),
    ("`Packed`, EVENT_IDX, INDIRECT_DESC", "virtq/packed/span/ei", "Packed", "packed-indirect"),
    ("`Packed`, EVENT_IDX, IN_ORDER", "virtq/packed/span/eo", "Packed", "packed"),
    ("`AnyFormat`, split, EVENT_IDX", "virtq/negotiated-split/span/e", "AnyFormat", "split"),
    ("`AnyFormat`, packed, EVENT_IDX", "virtq/negotiated-packed/span/e", "AnyFormat", "packed"),
]


def cost_table(results):
    counts = results["instructions"]
    rows = []
    for title, stem, format_, pages in ROWS:
        linux, _ = of_all(stem)
        one, many = (counts[name_of(stem, batch, 3)] for batch in (1, 16))
        ring, tables = results["pages"][pages]
        rows.append([title, f"{one:.0f}", f"{many:.0f}", ratio(many, counts[name_of(linux, 16, 3)]),
                     results["code"][f"x86_64 -Os {format_} 1"], results["private"][f"{format_} 256"], f"{ring}, {tables}"])
    head = ["queue of 256", "instructions a request, 1 at a time", "16 at a time", "of Linux's", "code, -Os",
            "private bytes", "pages: ring, tables"]
    return table(head, rows) + (
        f"\nA request has 3 segments. Counted by callgrind in the driver and its loop alone, all checks on, assertions off, "
        f"{results['compiler']} -O2 -mgeneral-regs-only, x86_64. *of Linux's*: 16 at a time, against `virtio_ring.c` of "
        f"Linux {results['linux']} in a process, with the same features but IN_ORDER, which it does not have. Times, two "
        f"cores, other architectures: [`tests/bench`](tests/bench/README.md). Again: `tests/bench/run --quick` (a minute, "
        f"writes nothing), or `tests/bench/run` (five minutes, writes this table).\n")


FIRST_DISK_TITLES = {
    "sentences": "as it is: `describe` returns sentences",
    "names": "`-DVIRTQ_SENTENCES=names`",
    "numbers": "`-DVIRTQ_SENTENCES=numbers`",
    "plain": "and `PlainSplit` as `Format` of its traits: no indirect tables",
    "smallest": "and `LongRequest::refuse` there: the kernel splits requests",
}


def first_disk_table(results):
    rows = [[title, *(results["first_disk"][f"{transport} {step}"] for transport in ("mmio", "any"))]
            for step, title in FIRST_DISK_TITLES.items()]
    return (table(["a first disk, bytes of code and constants", "virtio-mmio, riscv64", "`AnyTransport` on PCI, x86_64"], rows) +
            f"\n-Os, assertions off; {results['compiler']}. The kernel finds the disk, initialises it, reads a sector, and "
            "describes what failed. Made by `tests/bench/run`.\n")


# --- tests/bench/README.md -------------------------------------------------------------------------------------------

VARIANTS = [("", "span/e"), (", fixed shape", "fixed/e"), (", indirect", "span/ei"), (", in order", "span/eo")]
SHAPES = [(1, 1), (1, 3), (16, 1), (16, 3), (64, 1), (16, 8), (1, 64)]


WITHOUT_CHECKS = [("fence", "-"), ("fence", "o"), ("floor", "-"), ("unchecked-fence", "-")]


def compared(ours, others, form):
    """A figure, and its ratio to each of the others that were measured."""
    if ours is None:
        return ""
    ratios = ", ".join(ratio(ours, other) for other in others if other is not None)
    return f"{form(ours)} ({ratios})" if ratios else form(ours)


def compared_table(values, form):
    """virtq / Linux / FLOOR+fence, for each variant and shape that was measured."""
    rows = []
    for format_ in cases.FORMATS:
        for title, variant in VARIANTS:
            stem = f"virtq/{format_}/{variant}"
            rows.append([format_ + title, *(compared(values.get(name_of(stem, *shape)),
                                                     [values.get(name_of(other, *shape)) for other in of_all(stem)], form)
                                            for shape in SHAPES)])
        for who, features in [("linux", "e"), *WITHOUT_CHECKS]:
            found = [values.get(name_of(f"{who}/{format_}/span/{features}", *shape)) for shape in SHAPES]
            if any(found):
                order = ", in order" if features == "o" else ""
                rows.append([f"{title_of(who)} {format_}{order}", *("" if one is None else form(one) for one in found)])
    return table(["", *(f"b{batch} n{segments}" for batch, segments in SHAPES)], rows)


def architecture_table(results):
    """Instructions by architecture, one at a time and 16 at a time."""
    shapes = [(1, 1), (1, 3), (16, 1), (16, 3)]
    stems = list(dict.fromkeys(name.rsplit("/", 3)[0] for name in cases.of_other_architectures()))
    counts = {"x86_64": results["instructions"], **results["other_instructions"]}
    rows = [[f"`{stem.removeprefix('virtq/')}`", *(" / ".join(whole(some[name_of(stem, *shape)]) for some in counts.values())
                                                   for shape in shapes)] for stem in stems]
    return table([" / ".join(counts), *(f"b{batch} n{segments}" for batch, segments in shapes)], rows)


PHASES = [
    # title, case
    ("virtq", "virtq/{}/span/e"), ("virtq, fixed shape", "virtq/{}/fixed/e"), ("virtq, in order", "virtq/{}/span/eo"),
    ("virtq, in order, fixed shape", "virtq/{}/fixed/eo"),
    ("virtq, bursts of spans", "virtq/{}/burst-span/e"), ("virtq, bursts, fixed shape", "virtq/{}/burst/e"),
    ("virtq, in order, bursts of spans", "virtq/{}/burst-span/eo"),
    ("virtq, in order, bursts, fixed shape", "virtq/{}/burst/eo"), ("Linux", "linux/{}/span/e"),
    ("FLOOR+fence", "fence/{}/span/-"), ("FLOOR+fence, fixed shape", "fence/{}/fixed/-"),
    ("FLOOR+fence, in order", "fence/{}/span/o"), ("FLOOR+fence, in order, fixed shape", "fence/{}/fixed/o"),
    ("unchecked+fence", "unchecked-fence/{}/span/-"), ("unchecked+fence, fixed shape", "unchecked-fence/{}/fixed/-"),
]
PHASE_SEGMENTS = (1, 3)


def measured_phases():
    return [row for row in PHASES if "burst" not in row[1] or cases.of_bursts()]


def phase_table(results):
    """Instructions of submit + take; nanoseconds of submit + device + take."""
    times = results["phase_times"].get("g++", {})
    rows = []
    for format_ in cases.FORMATS:
        for title, stem in measured_phases():
            row = [f"{title} {format_}" if "," not in title else title.replace(",", f" {format_},", 1)]
            for segments in PHASE_SEGMENTS:
                name = name_of(stem.format(format_), 16, segments)
                counts, phases = results["phases"][name], times.get(name)
                row.append(f"{whole(sum(counts))} = {' + '.join(map(whole, counts))}")
                row.append("" if phases is None else f"{tenths(sum(phases[:3]))} = {' + '.join(map(tenths, phases[:3]))}")
            rows.append(row)
    return table(["", *(f"{what}, b16 n{segments}" for segments in PHASE_SEGMENTS for what in ("instructions", "ns"))], rows)


def driver_ns(phases):
    """Nanoseconds of the driver, from what phase_times has for a case."""
    return phases[0] + phases[2]


def compiler_table(results):
    """Nanoseconds of the driver: clang / g++ = ratio."""
    ours, theirs = (results["phase_times"].get(compiler, {}) for compiler in ("g++", "clang"))
    rows = []
    for format_ in cases.FORMATS:
        for title, stem in PHASES:
            names = [name_of(stem.format(format_), 16, segments) for segments in PHASE_SEGMENTS]
            if not stem.startswith("linux") and all(name in ours and name in theirs for name in names):
                pairs = [(driver_ns(theirs[name]), driver_ns(ours[name])) for name in names]
                rows.append([f"{title} {format_}" if "," not in title else title.replace(",", f" {format_},", 1),
                             *(f"{clang:.1f} / {gcc:.1f} = {ratio(clang, gcc)}" for clang, gcc in pairs)])
    return table(["", *(f"b16 n{segments}" for segments in PHASE_SEGMENTS)], rows) if rows else NOT_MEASURED


NOT_MEASURED = "Not measured yet: `tests/bench/run` on an idle machine.\n"


def whole(value):
    return f"{value:.0f}"


def tenths(value):
    return f"{value:.1f}"


def figure(value):
    """Blank if it was not measured."""
    return "" if value is None else tenths(value)


def two_core_table(results):
    rows = []
    for format_ in cases.FORMATS:
        for mode in ("lockstep", "pipelined"):
            runs = results["two_cores"][mode]
            cells = []
            for batch in cases.BATCHES:
                ours, linux, fence = (runs.get(name_of(stem, batch, 3)) for stem in
                                      (f"virtq/{format_}/span/e", f"linux/{format_}/span/e", f"fence/{format_}/span/-"))
                cells.append(f"{compared(ours['ns'], [linux['ns'], fence and fence['ns']], whole)}; {ours['ping_pong']:.0f}")
            rows.append([f"{format_}, {mode}", *cells])
    return table(["", *(f"b{batch} n3" for batch in cases.BATCHES)], rows)


def queue_table(results):
    rows = []
    for cores in ("1", "2"):
        for format_ in cases.FORMATS:
            for who, features in (("virtq", "e"), ("linux", "e"), ("fence", "-")):
                runs = results["queues"][cores]
                name = name_of(f"{who}/{format_}/span/{features}", 16, 3)
                found = [runs[count].get(name) for count in results["queues"]["counts"]]
                rows.append([f"{cores} core{'s' if cores == '2' else ''}, {title_of(who)} {format_}", *map(figure, found)])
    rows.append(["what a loop without memory gains by the second core",
                 *(f"{results['queues']['2'][count].get('spin', 1):.2f}" for count in results["queues"]["counts"])])
    return table(["", *(f"{count} queues" if count != "1" else "1 queue" for count in results["queues"]["counts"])], rows)


def code_table(results):
    rows = []
    for target in measure.TARGETS:
        for level in ("-Os", "-O2"):
            cells = [results["code"].get(f"{target} {level} {format_} {tier}", "")
                     for format_, tier in CODE_COLUMNS]
            rows.append([f"{target} {level}", *cells])
    for level in ("-Os", "-O2"):
        rows.append([f"Linux, both formats, x86_64 {level}", results["code"][f"linux {level}"], *[""] * (len(CODE_COLUMNS) - 1)])
    return table(["", *(f"{format_}, {measure.TIERS[tier]}" for format_, tier in CODE_COLUMNS)], rows)


def qemu_table(results):
    rows = []
    for format_ in cases.FORMATS:
        for way in ("polled", "sleeping"):
            cells = []
            for depth in qemu.DEPTHS:
                run = results["qemu"][f"{format_} {way} {depth}"]
                cells.append(f"{run['reads'] / 1000:.0f} k; {run['notifications']:.0f}, {run['interrupts']:.0f}")
            rows.append([f"{format_}, {way}", *cells])
    return table(["", *(f"depth {depth}" for depth in qemu.DEPTHS)], rows)


def packet_table(results):
    seen = results.get("packets")
    if seen is None:
        return "Not measured yet: `tests/bench/run --packets` on an idle machine.\n"
    made = (f"{seen['machine']}, {seen['cores']} cores; {seen['compiler']}, -O2; QEMU {seen['qemu']}; {seen['date']}. "
            f"Medians of {seen['rounds']} boots or more.\n\n")
    if seen["busy"] > card.BUSY:
        made += f"**The machine was busy**: other processes had up to {100 * seen['busy']:.0f} % of it. The figures are noise.\n\n"
    rows = []
    for format_ in cases.FORMATS:
        runs = [seen["runs"][f"{format_} {mode}"] for mode in card.MODES]
        rows.append([format_, *(f"{run['virtq'] / 1000:.0f} / {run['unchecked'] / 1000:.0f} = {run['ratio']:.2f}" for run in runs)])
    return made + table(["thousand packets a second, virtq / unchecked", "received", "sent", "sent back"], rows)


CODE_COLUMNS = [("Split", 1), ("Split", 2), ("Split", 3), ("PlainSplit", 1), ("Packed", 1),
                ("Packed", 2), ("AnyFormat", 1), ("AnyFormat", 2)]


def private_table(results):
    sizes = [str(size) for size in cases.SIZES]
    rows = [[format_, *(results["private"][f"{format_} {size}"] for size in sizes)]
            for format_ in ("Split", "PlainSplit", "Packed", "AnyFormat")]
    rows.append(["18 bytes a descriptor, and 128", *(18 * int(size) + 128 for size in sizes)])
    return table(["", *(f"N = {size}" for size in sizes)], rows)


def stack_table(results):
    calls = sorted({call for depths in results["stack"].values() for call in depths})
    rows = [[f"`{call}`", *(depths.get(call, "") for depths in results["stack"].values())] for call in calls]
    return table(["", *results["stack"]], rows)


def call_stack_table(results):
    """Rows with the most stack come first."""
    columns = results["call_stack"]
    usual = columns["x86_64 -O2"]
    rows = [[f"`{call}`", *(calls[call] for calls in columns.values()), results["call_way"][call]]
            for call in sorted(usual, key=lambda call: -usual[call])]
    return table(["", *columns, "the deepest way, x86_64 -O2"], rows)


STACK_SUMMARY = [
    # what, calls
    ("blocking call of a disk", ["disk_read", "disk_perform"]),
    ("`submit`, `kick_device` or `take_completed`", ["disk_submit", "disk_kick", "disk_take_completed", "disk_for_each_completed"]),
    ("`init`, `reset` or `release`", ["disk_init", "disk_reset", "disk_release"]),
    ("`probe_pci`, `use_msix` or `number_buses`", ["probe_pci", "use_msix", "number_buses"]),
    ("`on_interrupt` or `on_vector`", ["on_interrupt", "on_vector"]),
    ("`diagnose`", ["diagnose"]),
    ("`diagnose` in a record of yours", ["diagnose_with_record"]),
]


def stack_summary(results):
    """The largest of all columns."""
    most = {what: max(calls[call] for calls in results["call_stack"].values() for call in its)
            for what, its in STACK_SUMMARY}
    return table(["call", "bytes of stack at most"], [list(row) for row in most.items()])


def dpdk_table(results):
    seen = results.get("dpdk")
    if seen is None:
        return "Not measured yet: `tests/bench/run --dpdk`.\n"
    rows = [[ring.replace("_", " "), *(f"{one[name]:.2f}" for name in dpdk.CONTENDERS), f"{1 / one['ratio']:.2f}"]
            for ring, one in seen["rings"].items()]
    made = (f"DPDK {seen['version']}; {seen['machine']}, {seen['cores']} cores; {seen['compiler']}, -O2; {seen['date']}. "
            f"Million packets a second, medians of windows of 4096 packets.\n\n")
    return made + table(["ring", *dpdk.CONTENDERS, "virtq / DPDK"], rows)


DRIVER_NAMES = {"block": "disk", "entropy": "random bytes", "console": "console", "net": "network card", "gpu": "GPU",
                "p9": "9P transport", "input": "keyboard", "balloon": "balloon"}


def driver_table(results):
    seen = results.get("drivers")
    if seen is None:
        return "Not measured yet: `tests/bench/run --exact`.\n"
    rows = []
    for driver, title in DRIVER_NAMES.items():
        if driver not in seen["facts"]:
            continue  # measured the next time
        size, pages = seen["facts"][driver]
        stack = seen["stack"][driver]
        ways = {call: depth for call, depth in stack.items() if call not in ("init", "reset", "release")}
        deepest = max(ways, key=ways.get)
        rows.append([title, seen["text"][driver]["-Os"], seen["text"][driver]["-O2"], size, pages, stack["init"],
                     f"{ways[deepest]} ({deepest})"])
    return table(["", "code -Os", "code -O2", "object", "pages", "stack of `init`", "of another call, at most"], rows)


def driver_request_table(results):
    counts = results.get("drivers", {}).get("instructions", {})
    whats = list(dict.fromkeys(name.split("/")[0] for name in counts))
    whats.sort(key=lambda what: [what.startswith(driver) for driver in drivers.CASES].index(True))
    batches = (1, 16)
    rows = [[what, *(whole(counts[name]) if (name := f"{what}/{format_}/{batch}") in counts else ""
                     for format_ in cases.FORMATS for batch in batches)] for what in whats]
    return table(["instructions", *(f"{format_}, {batch} at a time" for format_ in cases.FORMATS for batch in batches)], rows)


def growth_table(results):
    counts, times = results["instructions"], results["times"]
    rows = []
    for format_ in cases.FORMATS:
        for who, features in (("virtq", "e"), ("linux", "e"), ("fence", "-")):
            by_size, by_length = cases.growth(f"{who}/{format_}/span/{features}")
            title = f"{title_of(who)} {format_}"
            rows.append([title, *(f"{counts[name]:.0f} / {figure(times.get(name))}" for name in (*by_size, *by_length))])
    return table(["instructions / ns a request", *(f"N = {size}" for size in cases.SIZES),
                  *(f"n{count}" for count in cases.SEGMENTS)], rows)


def target_table(results):
    def form(value):
        return "" if value is None else whole(value) if abs(value) > 3 or value == 0 else f"{value:.2f}"

    missed = list(targets.tried(results))
    return (table(["", "now", "must be at most", "aim", ""],
                  [[what, form(now), form(must), form(aim), targets.verdict(now, must, aim)]
                   for what, now, must, aim in targets.rows(results)]) +
            ("\nWhat was tried for rows that are missed:\n\n" if missed else "") +
            "".join(f"- *{what}*: {text}\n" for what, text in missed))


# --- plots -----------------------------------------------------------------------------------------------------------


def write_plots(results):
    PLOTS.mkdir(exist_ok=True)
    note = f"{results['machine']}, {results['compiler']} -O2 -mgeneral-regs-only, Linux {results['linux']}, {results['date']}"
    names = ["virtq", "virtq, fixed shape", "Linux", "FLOOR+fence", "FLOOR"]

    def group(values, format_, batch, segments):
        stems = [f"virtq/{format_}/span/e", f"virtq/{format_}/fixed/e", f"linux/{format_}/span/e",
                 f"fence/{format_}/span/-", f"floor/{format_}/span/-"]
        found = {name: values.get(name_of(stem, batch, segments)) for name, stem in zip(names, stems)}
        return {name: one["ns"] if isinstance(one, dict) else one for name, one in found.items() if one is not None}

    shapes = [(format_, batch) for format_ in cases.FORMATS for batch in (1, 16, 64)]
    for file, title, unit, values in (
            ("instructions", "Instructions of the driver, chains of 3", "instructions a request", results["instructions"]),
            ("time", "Driver and device in one thread, chains of 3", "ns a request", results["times"]),
            ("pipelined", "Driver and device on a core each, pipelined, chains of 3", "ns a request",
             results["two_cores"]["pipelined"]),
            ("lockstep", "Driver and device on a core each, in lockstep, chains of 3", "ns a request",
             results["two_cores"]["lockstep"])):
        groups = [(f"{format_} b{batch}", group(values, format_, batch, 3)) for format_, batch in shapes]
        if file == "lockstep":
            # One request at a time takes a round trip between the cores, with any ring.
            groups = [one for one in groups if not one[0].endswith(" b1")]
        (PLOTS / f"{file}.svg").write_text(plot.bars(title, unit, note, groups, names, "Linux"))

    series = {"virtq": "virtq/split/span/e", "Linux": "linux/split/span/e", "FLOOR+fence": "fence/split/span/-",
              "virtq packed": "virtq/packed/span/e", "Linux packed": "linux/packed/span/e",
              "FLOOR+fence packed": "fence/packed/span/-"}
    times = results["times"]
    (PLOTS / "size.svg").write_text(plot.lines(
        "By size of the queue: 2 requests of 3 at a time", "ns a request", note, cases.SIZES,
        {name: [times.get(case) for case in cases.growth(stem)[0]] for name, stem in series.items()}, "descriptors"))
    (PLOTS / "length.svg").write_text(plot.lines(
        "By length of the chain: 4 requests at a time", "ns a request", note, cases.SEGMENTS,
        {name: [times.get(case) for case in cases.growth(stem)[1]] for name, stem in series.items()}, "segments of a request"))
    queues = results["queues"]
    (PLOTS / "queues.svg").write_text(plot.lines(
        "Many queues on one core: 16 requests of 3 at a time, each in turn", "ns a request", note, queues["counts"],
        {name: [queues["1"][count].get(name_of(stem, 16, 3)) for count in queues["counts"]] for name, stem in series.items()},
        "queues"))


def write(results):
    put(README, "cost", cost_table(results))
    put(README, "first-disk", first_disk_table(results))
    about = (f"{results['machine']}, {results['cores']} cores; {results['compiler']}, -O2 -mgeneral-regs-only; Linux "
             f"{results['linux']}; {results['date']}.\n")
    if results["load"] > results["cores"] + 0.5:
        about += (f"\n**The machine was busy** (load {results['load']}): the reads in QEMU are noise. Instructions and bytes are "
                  f"exact, times in one thread are CPU time, runs on two cores are those without interference.\n")
    put(BENCH_README, "machine", about)
    put(BENCH_README, "targets", target_table(results))
    put(BENCH_README, "instructions", compared_table(results["instructions"], whole))
    put(BENCH_README, "architectures", architecture_table(results))
    put(BENCH_README, "phases", phase_table(results))
    put(BENCH_README, "times", compared_table(results["times"], tenths))
    put(BENCH_README, "compilers", compiler_table(results))
    put(BENCH_README, "cores", two_core_table(results))
    put(BENCH_README, "queues", queue_table(results))
    put(BENCH_README, "qemu", qemu_table(results))
    put(BENCH_README, "packets", packet_table(results))
    put(BENCH_README, "drivers", driver_table(results) + "\n" + driver_request_table(results))
    put(BENCH_README, "dpdk", dpdk_table(results))
    put(BENCH_README, "growth", growth_table(results))
    put(BENCH_README, "code", code_table(results))
    put(BENCH_README, "private", private_table(results))
    put(BENCH_README, "stack", stack_table(results))
    put(BENCH_README, "call stack", call_stack_table(results))
    put(README, "stack", stack_summary(results))
    put(BENCH_README, "compile", table(["", "seconds"], [[name, f"{value:.2f}"] for name, value in
                                                        results["compile"].items()]))
    write_plots(results)
