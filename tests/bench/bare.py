# SPDX-License-Identifier: MIT
"""Counts instructions on other architectures: bare/program.cpp and all contenders, in QEMU's user mode with a plugin."""

import re
import shutil
import subprocess

import build
import measure

ARCHES = ("aarch64", "riscv64")
FUNCTION = re.compile(r"([0-9a-f]+) ([0-9a-f]+) . .*bench::(?:Drive<.*>::(submit|take)|.*::(run|serve))\(")


def compiler(arch):
    """None if it is not installed."""
    name = measure.TARGETS[arch][0]
    there = shutil.which(name) and shutil.which(f"qemu-{arch}") and shutil.which("g++")
    return f"{name} {build.compiler_version(name)}" if there else None


def program(arch):
    folder = build.OUT / "bare" / arch
    command = [*measure.TARGETS[arch], *measure.KERNEL, "-O2"]
    start = (build.HERE / "bare" / "program.cpp", folder / "program.o", *command, "-Wall", "-Wextra",
             "-fno-tree-loop-distribute-patterns")
    objects = build.compile_all([*build.contender_jobs(folder, command), start])
    made = folder / "program"
    build.run(*measure.TARGETS[arch], "-nostdlib", "-static", *objects, "-o", made, "-lgcc")
    return made


def plugin(arch):
    folder = build.OUT / "bare" / arch  # the tests of two architectures may run at once
    made = build.compile_one(build.HERE / "bare" / "counting.cpp", folder / "counting.o", "g++", "-std=c++20", "-O2",
                             "-fPIC", "-Wall", "-Wextra")
    build.run("g++", "-shared", made, "-o", folder / "counting.so")
    return folder / "counting.so"


def write_functions(made, into):
    """Writes the addresses of submit and take, and those of the device and of the loop around them."""
    lines = []
    for line in build.run("nm", "-S", "-C", "--defined-only", made).splitlines():
        found = FUNCTION.match(line)
        if found:
            first = int(found[1], 16)
            lines.append(f"{first:x} {first + int(found[2], 16):x} {found[3] or 'other'}\n")
    into.write_text("".join(lines))


def instruction_phases(arch, names):
    """{case: (submit, take)}: the driver's instructions for one request."""
    made = program(arch)
    functions = made.with_name("functions")
    write_functions(made, functions)
    done = subprocess.run([f"qemu-{arch}", "-plugin", f"{plugin(arch)},functions={functions}", str(made), *names],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        build.stop(f"{made} in qemu-{arch}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    # The program writes four times a case. The second write comes right after the counted part.
    counts = [tuple(map(int, line.split())) for line in done.stderr.splitlines()][1::4]
    requests = dict(line.split() for line in done.stdout.splitlines())
    return {name: tuple(count / int(requests[name]) for count in phases) for name, phases in zip(names, counts)}


def instructions(arch, names):
    return {name: sum(phases) for name, phases in instruction_phases(arch, names).items()}
