# SPDX-License-Identifier: MIT
"""Makes tables and plots of results.json: README.md, tests/bench/README.md, tests/bench/plot/."""

import json

import build
import cases
import measure
import plot
import qemu
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
    return {"linux": "Linux", "fence": "FLOOR+fence", "floor": "FLOOR"}.get(who, who)


def of_all(stem):
    """A case of FLOOR+fence or Linux that is to be compared with one of ours: (Linux's, FLOOR+fence's)."""
    _, format_, style, features = stem.split("/")
    format_ = format_.replace("negotiated-", "").replace("plain-", "")
    return f"linux/{format_}/span/{features.replace('o', '') or '-'}", f"fence/{format_}/{style}/-"


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


# --- tests/bench/README.md -------------------------------------------------------------------------------------------

VARIANTS = [("", "span/e"), (", fixed shape", "fixed/e"), (", indirect", "span/ei"), (", in order", "span/eo")]
SHAPES = [(1, 1), (1, 3), (16, 1), (16, 3), (64, 1), (16, 8), (1, 64)]


def compared_table(values, form):
    """virtq / Linux / FLOOR+fence, for each variant and shape that was measured."""
    rows = []
    for format_ in cases.FORMATS:
        for title, variant in VARIANTS:
            stem = f"virtq/{format_}/{variant}"
            cells = []
            for batch, segments in SHAPES:
                ours = values.get(name_of(stem, batch, segments))
                linux, fence = (values.get(name_of(other, batch, segments)) for other in of_all(stem))
                cells.append("" if None in (ours, linux, fence) else
                             f"{form(ours)} ({ratio(ours, linux)}, {ratio(ours, fence)})")
            rows.append([format_ + title, *cells])
        for who, title in (("linux", "Linux"), ("fence", "FLOOR+fence"), ("floor", "FLOOR")):
            stem = f"{who}/{format_}/span/{'e' if who == 'linux' else '-'}"
            found = [values.get(name_of(stem, *shape)) for shape in SHAPES]
            rows.append([f"{title} {format_}", *("" if one is None else form(one) for one in found)])
    return table(["", *(f"b{batch} n{segments}" for batch, segments in SHAPES)], rows)


def whole(value):
    return f"{value:.0f}"


def tenths(value):
    return f"{value:.1f}"


def two_core_table(results):
    rows = []
    for format_ in cases.FORMATS:
        for mode in ("lockstep", "pipelined"):
            runs = results["two_cores"][mode]
            cells = []
            for batch in cases.BATCHES:
                ours, linux, fence = (runs[name_of(stem, batch, 3)] for stem in
                                      (f"virtq/{format_}/span/e", f"linux/{format_}/span/e", f"fence/{format_}/span/-"))
                cells.append(f"{ours['ns']:.0f} ({ratio(ours['ns'], linux['ns'])}, {ratio(ours['ns'], fence['ns'])}); "
                             f"{ours['ping_pong']:.0f}")
            rows.append([f"{format_}, {mode}", *cells])
    return table(["", *(f"b{batch} n3" for batch in cases.BATCHES)], rows)


def queue_table(results):
    rows = []
    for cores in ("1", "2"):
        for format_ in cases.FORMATS:
            for who, features in (("virtq", "e"), ("linux", "e"), ("fence", "-")):
                runs = results["queues"][cores]
                name = name_of(f"{who}/{format_}/span/{features}", 16, 3)
                rows.append([f"{cores} core{'s' if cores == '2' else ''}, {title_of(who)} {format_}",
                             *(tenths(runs[count][name]) for count in results["queues"]["counts"])])
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
    """Most stack first."""
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
    """The most of all columns."""
    most = {what: max(calls[call] for calls in results["call_stack"].values() for call in its)
            for what, its in STACK_SUMMARY}
    return table(["call", "bytes of stack at most"], [list(row) for row in most.items()])


def growth_table(results):
    counts, times = results["instructions"], results["times"]
    rows = []
    for format_ in cases.FORMATS:
        for who, features in (("virtq", "e"), ("linux", "e"), ("fence", "-")):
            by_size, by_length = cases.growth(f"{who}/{format_}/span/{features}")
            title = f"{title_of(who)} {format_}"
            rows.append([title, *(f"{counts[name]:.0f} / {times[name]:.1f}" for name in (*by_size, *by_length))])
    return table(["instructions / ns a request", *(f"N = {size}" for size in cases.SIZES),
                  *(f"n{count}" for count in cases.SEGMENTS)], rows)


# What the rings are held to: what, must, aim, figure.
def target_rows(results):
    counts, times, cores = results["instructions"], results["times"], results["two_cores"]["pipelined"]

    def rate(values, ours, theirs, batch, segments=3):
        value = [values[name_of(stem, batch, segments)] for stem in (ours, theirs)]
        return value[0] / value[1] if not isinstance(value[0], dict) else value[0]["ns"] / value[1]["ns"]

    rows = []

    def want(what, must, aim, values, ours, theirs, batch):
        rows.append((what, rate(values, ours, theirs, batch), must, aim))

    for format_, linux_instr, fence_instr, linux_ns, fence_ns, fence_aim in (
            ("split", 0.50, None, 0.55, 1.6, 1.25), ("packed", 0.45, None, 0.60, 1.4, 1.2)):
        ours, linux, fence = f"virtq/{format_}/span/e", f"linux/{format_}/span/e", f"fence/{format_}/span/-"
        want(f"{format_} b16 n3, instructions / Linux", linux_instr, None, counts, ours, linux, 16)
        want(f"{format_} b16 n3, instructions / FLOOR+fence", None, 1.5, counts, ours, fence, 16)
        want(f"{format_} b16 n3, ns / Linux", linux_ns, None, times, ours, linux, 16)
        want(f"{format_} b16 n3, ns / FLOOR+fence", fence_ns, fence_aim, times, ours, fence, 16)
        fixed = f"virtq/{format_}/fixed/e"
        want(f"{format_} fixed shape b16 n3, instructions / Linux", 0.38, None, counts, fixed, linux, 16)
        want(f"{format_} fixed shape b16 n3, instructions / FLOOR+fence", None, 1.3, counts, fixed,
             f"fence/{format_}/fixed/-", 16)
        want(f"{format_} indirect b16 n3, instructions / Linux", 0.36, None, counts, f"virtq/{format_}/span/ei",
             f"linux/{format_}/span/ei", 16)
        for batch in (16, 64):
            must = 0.40 if format_ == "split" else 0.75
            want(f"{format_} two cores pipelined b{batch} n3, ns / Linux", must, None, cores, ours, linux, batch)
            want(f"{format_} two cores pipelined b{batch} n3, ns / FLOOR+fence", None, 1.3, cores, ours, fence, batch)
    want("split b1 n3, ns / Linux", 0.70, None, times, "virtq/split/span/e", "linux/split/span/e", 1)
    want("split b1 n3, ns / FLOOR+fence", 1.35, 1.15, times, "virtq/split/span/e", "fence/split/span/-", 1)
    code = results["code"]
    # Of the formats for which each byte counts.
    rows.append(("x86_64 -Os, PlainSplit, chain tier polled, bytes", code["x86_64 -Os PlainSplit 1"], 1500, 1250))
    rows.append(("private bytes, queue of 256", results["private"]["Split 256"], 18 * 256 + 128, 16 * 256 + 128))
    return rows


def target_table(results):
    rows = []
    for what, now, must, aim in target_rows(results):
        form = whole if now > 50 else (lambda value: f"{value:.2f}")
        verdict = "aim reached" if aim is not None and now <= aim else \
            "" if must is None else "reached" if now <= must else f"missed by {100 * (now / must - 1):.0f} %"
        rows.append([what, form(now), "" if must is None else form(must), "" if aim is None else form(aim), verdict])
    return table(["", "now", "must be at most", "aim", ""], rows)


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
            # One at a time is a round trip between the cores, whatever the ring.
            groups = [one for one in groups if not one[0].endswith(" b1")]
        (PLOTS / f"{file}.svg").write_text(plot.bars(title, unit, note, groups, names, "Linux"))

    series = {"virtq": "virtq/split/span/e", "Linux": "linux/split/span/e", "FLOOR+fence": "fence/split/span/-",
              "virtq packed": "virtq/packed/span/e", "Linux packed": "linux/packed/span/e",
              "FLOOR+fence packed": "fence/packed/span/-"}
    times = results["times"]
    (PLOTS / "size.svg").write_text(plot.lines(
        "By size of the queue: 2 requests of 3 at a time", "ns a request", note, cases.SIZES,
        {name: [times[case] for case in cases.growth(stem)[0]] for name, stem in series.items()}, "descriptors"))
    (PLOTS / "length.svg").write_text(plot.lines(
        "By length of the chain: 4 requests at a time", "ns a request", note, cases.SEGMENTS,
        {name: [times[case] for case in cases.growth(stem)[1]] for name, stem in series.items()}, "segments of a request"))
    queues = results["queues"]
    (PLOTS / "queues.svg").write_text(plot.lines(
        "Many queues on one core: 16 requests of 3 at a time, each in turn", "ns a request", note, queues["counts"],
        {name: [queues["1"][count][name_of(stem, 16, 3)] for count in queues["counts"]] for name, stem in series.items()},
        "queues"))


def write(results):
    put(README, "cost", cost_table(results))
    about = (f"{results['machine']}, {results['cores']} cores; {results['compiler']}, -O2 -mgeneral-regs-only; Linux "
             f"{results['linux']}; {results['date']}.\n")
    if results["load"] > results["cores"] + 0.5:
        about += (f"\n**The machine was busy** (load {results['load']}): the reads in QEMU are noise. Instructions and bytes are "
                  f"exact, times in one thread are CPU time, runs on two cores are those without interference.\n")
    put(BENCH_README, "machine", about)
    put(BENCH_README, "targets", target_table(results))
    put(BENCH_README, "instructions", compared_table(results["instructions"], whole))
    put(BENCH_README, "times", compared_table(results["times"], tenths))
    put(BENCH_README, "cores", two_core_table(results))
    put(BENCH_README, "queues", queue_table(results))
    put(BENCH_README, "qemu", qemu_table(results))
    put(BENCH_README, "growth", growth_table(results))
    put(BENCH_README, "code", code_table(results))
    put(BENCH_README, "private", private_table(results))
    put(BENCH_README, "stack", stack_table(results))
    put(BENCH_README, "call stack", call_stack_table(results))
    put(README, "stack", stack_summary(results))
    put(BENCH_README, "compile", table(["", "seconds"], [[name, f"{value:.2f}"] for name, value in
                                                        results["compile"].items()]))
    write_plots(results)
