# SPDX-License-Identifier: MIT
"""instructions.tsv: what a request costs today, and whether a change made it dearer."""

import build
import cases
import measure

FILE = build.HERE / "instructions.tsv"
ALLOWED = 0.02  # of a rise
SKIPPED = 77
SHOWN = 12


def compiler():
    return f"g++ {build.compiler_version()}"


def write(counts):
    lines = [
        "# SPDX-License-Identifier: MIT",
        "# Instructions of the driver for one request: `tests/bench/run --instructions` writes this,",
        "# and the test bench.instructions fails when one rises by more than 2 %.",
        f"compiler\t{compiler()}",
    ]
    lines += [f"{name}\t{count:.1f}" for name, count in counts.items()]
    FILE.write_text("\n".join(lines) + "\n")


def read():
    rows = [line.split("\t") for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
    made_with = dict(rows[:1])["compiler"]
    return made_with, {name: float(count) for name, count in rows[1:]}


def renew():
    counts = measure.instructions(cases.kept(), False)
    write(counts)
    return counts


def check():
    """The exit status."""
    made_with, before = read()
    if compiler() != made_with:
        print(f"Skipped: {FILE.name} was counted with {made_with}, and this is {compiler()}.")
        return SKIPPED
    now = measure.instructions(before, False)
    dearer = [name for name in before if now[name] > before[name] * (1 + ALLOWED)]
    cheaper = [name for name in before if now[name] < before[name] * (1 - ALLOWED)]
    dearer.sort(key=lambda name: before[name] / now[name])
    for name in dearer[:SHOWN]:
        rise = 100 * (now[name] / before[name] - 1)
        print(f"{name} rose by {rise:.1f} %: {before[name]:.1f} -> {now[name]:.1f} instructions a request")
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


ALLOWED_STACK = 64  # bytes


def check_stack(results):
    """The exit status: 1 if a call takes more stack than results.json says. Only x86_64: its compiler is always there."""
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
