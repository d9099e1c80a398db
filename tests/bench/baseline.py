# SPDX-License-Identifier: MIT
"""instructions.tsv: what a request costs today, and whether a change made it dearer."""

import build
import bare
import cases
import measure

ALLOWED = 0.02  # the rise of a count that passes
SKIPPED = 77
SHOWN = 12
HERE = "x86_64"  # counted by callgrind; other architectures in QEMU's user mode
ARCHES = (HERE, *bare.ARCHES)


def file_of(arch):
    return build.HERE / ("instructions.tsv" if arch == HERE else f"instructions-{arch}.tsv")


def compiler(arch=HERE):
    """None if it is not installed."""
    return f"g++ {build.compiler_version()}" if arch == HERE else bare.compiler(arch)


def count(arch, names):
    return measure.instructions(names, False) if arch == HERE else bare.instructions(arch, names)


def write(counts, arch=HERE):
    test = "bench.instructions" if arch == HERE else f"bench.{arch}"
    lines = [
        "# SPDX-License-Identifier: MIT",
        "# Instructions of the driver for one request: `tests/bench/run --instructions` writes this,",
        f"# and the test {test} fails when one rises by more than 2 %.",
        f"compiler\t{compiler(arch)}",
    ]
    lines += [f"{name}\t{count:.1f}" for name, count in counts.items()]
    file_of(arch).write_text("\n".join(lines) + "\n")


def read(arch):
    rows = [line.split("\t") for line in file_of(arch).read_text().splitlines() if line and not line.startswith("#")]
    made_with = dict(rows[:1])["compiler"]
    return made_with, {name: float(count) for name, count in rows[1:]}


def renew():
    write(count(HERE, cases.kept()))
    for arch in bare.ARCHES:
        write(count(arch, cases.of_other_architectures()), arch)


def check(arch):
    """The exit status."""
    made_with, before = read(arch)
    if compiler(arch) != made_with:
        print(f"Skipped: {file_of(arch).name} was counted with {made_with}, and here is {compiler(arch) or 'none, or no QEMU'}.")
        return SKIPPED
    now = count(arch, before)
    dearer = [name for name in before if now[name] > before[name] * (1 + ALLOWED)]
    cheaper = [name for name in before if now[name] < before[name] * (1 - ALLOWED)]
    dearer.sort(key=lambda name: before[name] / now[name])
    for name in dearer[:SHOWN]:
        rise = 100 * (now[name] / before[name] - 1)
        print(f"{name} rose by {rise:.1f} %: {before[name]:.1f} -> {now[name]:.1f} instructions a request, {arch}")
    if dearer:
        more = f" ({len(dearer) - SHOWN} more are not shown)" if len(dearer) > SHOWN else ""
        print(f"{len(dearer)} of {len(before)} cases cost over {100 * ALLOWED:.0f} % more{more}. If that is worth it, run "
              f"tests/bench/run --instructions and give the reason in the commit.")
        return 1
    if cheaper:
        print(f"{len(cheaper)} of {len(before)} cases cost over {100 * ALLOWED:.0f} % less. Run "
              f"tests/bench/run --instructions to keep that.")
    print(f"{len(before)} cases cost what they did before.")
    return 0


ALLOWED_STACK = 64  # more bytes that pass


def check_stack(results):
    """The exit status: 1 if a call takes more stack than results.json has. Only for x86_64, whose compiler is always there."""
    if compiler() != results["compiler"]:
        print(f"Skipped: the stacks were measured with {results['compiler']}, and this is {compiler()}.")
        return SKIPPED
    deeper = 0
    for column, before in results["call_stack"].items():
        if not column.startswith("x86_64"):
            continue
        now = measure.call_stacks(column)
        missing = sorted(now.keys() ^ before.keys())
        if missing:
            print(f"{', '.join(missing)}: not both in size/stack.cpp and results.json. Run tests/bench/run --stack.")
            return 1
        for call, (depth, way) in now.items():
            if depth > before[call] + ALLOWED_STACK:
                print(f"{call}, {column}: {before[call]} -> {depth} bytes of stack, by {' > '.join(way)}")
                deeper += 1
    if deeper:
        print("If that is worth it: tests/bench/run --stack, and say why in the commit.")
        return 1
    print("No call takes more stack than it did.")
    return 0
