# SPDX-License-Identifier: MIT
"""What each driver costs: code, memory, stack and instructions. driver/ has the programs."""

import re
import tempfile
from pathlib import Path

import build
import measure

HERE = build.HERE / "driver"
DRIVERS = {"block": 1, "entropy": 2, "console": 3, "net": 4, "input": 5, "balloon": 6, "gpu": 7, "p9": 8}  # with the number that driver/code.cpp has
CASES = {"entropy": ["entropy"], "console": ["console write", "console read"], "net": ["net send", "net receive"],
         "gpu": ["gpu flush"], "p9": ["p9"],
         "input": ["input"], "balloon": ["balloon inflate"]}


def code(driver, level, *flags):
    return build.compile_one(HERE / "code.cpp", build.OUT / "driver" / f"{driver}{level}{len(flags)}.o",
                             *measure.TARGETS["x86_64"], *measure.KERNEL, level, f"-DDRIVER={DRIVERS[driver]}",
                             "-DVIRTQ_SENTENCES=names", f"-I{build.ROOT}/include", *flags)


def stacks(driver):
    """{call: bytes of stack}, x86_64 -O2"""
    graph = measure.CallGraph(code(driver, "-O2", "-fcallgraph-info=su").with_suffix(".ci"))
    return {title.removeprefix("driver_"): graph.deepest(title)[0] for title in graph.own if title.startswith("driver_")}


def program():
    folder = build.OUT / "driver"
    objects = build.compile_all([
        (HERE / "count.cpp", folder / "count.o", "g++", *build.KERNEL_FLAGS, *build.CXX_FLAGS, f"-I{build.ROOT}/tests"),
        (build.HERE / "hosted.cpp", folder / "hosted.o", "g++", "-O2", "-fno-pie", *build.CXX_FLAGS)])
    return build.link(folder / "count", objects)


def instructions(counter):
    """{"net send/split/16": the driver's instructions for one}"""
    with tempfile.TemporaryDirectory() as folder:
        printed = build.run("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--collect-atstart=no",
                            "--toggle-collect=void bench::drive_*", "--toggle-collect=unsigned long bench::drive_*",
                            counter)
        requests = {name: int(number) for name, number in (line.rsplit(" ", 1) for line in printed.splitlines())}
        counts = {}
        for path in Path(folder).glob("out.*"):
            text = path.read_text()
            name = re.search(r"^desc: Trigger: Client Request: (.+)$", text, re.M)
            total = re.search(r"^totals: (\d+)", text, re.M)
            if name and total:
                counts[name[1]] = int(total[1]) / requests[name[1]]
    if set(counts) != set(requests):
        build.stop(f"callgrind counted nothing of {', '.join(sorted(set(requests) - set(counts)))}")
    return counts


def measured():
    """All results, as results.json has them."""
    counter = program()
    facts = {name: (int(size), int(pages)) for name, size, pages in
             (line.split() for line in build.run(counter, "--facts").splitlines())}
    return {"drivers": {
        "text": {driver: {level: measure.text_bytes(code(driver, level)) for level in ("-Os", "-O2")} for driver in DRIVERS},
        "facts": facts,
        "stack": {driver: stacks(driver) for driver in DRIVERS},
        "instructions": instructions(counter)}}
