# SPDX-License-Identifier: MIT
"""Figures from the example kernel in QEMU, with a main of its own, on an emulated x86_64 q35: reads a second of a disk
(qemu/main.cpp). The disk is on PCI with an iothread (without one only the wake-up of QEMU's main loop is measured), and there
is nothing behind it (null-co). card.py measures a network card."""

import statistics
import subprocess

import build

KERNEL = build.ROOT / "examples" / "kernel"
ARCH = [KERNEL / "arch" / "x86_64", KERNEL / "arch" / "x86"]
FLAGS = ["-m64", "-mno-red-zone", "-mgeneral-regs-only", "-mcmodel=kernel", "-fcf-protection=none", "-ffreestanding",
         "-fno-pie", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-O2", "-DVIRTQ_ASSERTIONS=0"]
CXX = ["-std=c++20", "-nostdinc++", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", '-DVIRTQ_EXAMPLE_BREAK=""',
       "-Wall", "-Wextra"]
DEPTHS = [1, 8, 32]
SUCCESS = 33
WORDS = 0x107FFF000  # machine::option_word
POLLED = 1  # machine::option_polled


def kernel(main, *parts):
    """A kernel with this main of qemu/, and with these parts of the kernels of examples/."""
    folder = build.OUT / "qemu"
    includes = [f"-I{KERNEL}", f"-I{KERNEL}/disk", *(f"-I{one}" for one in ARCH), f"-I{build.ROOT}/include"]
    sources = [build.HERE / "qemu" / f"{main}.cpp", *sorted(KERNEL.glob("*.cpp")), *(KERNEL / part for part in parts)]
    sources += [one for place in ARCH for kind in ("*.cpp", "*.S") for one in sorted(place.glob(kind))]
    jobs = []
    for source in sources:
        target = folder / f"{source.parent.name}-{source.stem}.o"
        more = ["-fno-tree-loop-distribute-patterns"] if source.name == "memory.cpp" else []
        jobs.append((source, target, "g++", *FLAGS, *(CXX if source.suffix == ".cpp" else []), *more, *includes))
    objects = build.compile_all(jobs)
    made = folder / f"{main}.elf"
    build.run("g++", *FLAGS, "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none,-z,max-page-size=4096",
              *(f"-L{one}" for one in ARCH), f"-T{ARCH[0]}/kernel.ld", *objects, "-o", made)
    return made


def version():
    said = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split("version ")[1].split()[0]


def machine(image, *words):
    """The command of QEMU for a kernel, which finds these words in its RAM."""
    loaders = [one for word, value in enumerate(words) for one in
               ("-device", f"loader,addr={WORDS + 4 * word:#x},data={value},data-len=4")]
    return ["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35,memory-backend=ram", "-m", "3200M",
            "-object", "memory-backend-ram,id=ram,size=3200M,reserve=off", "-nodefaults", "-display", "none",
            "-serial", "stdio", "-monitor", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
            "-kernel", str(image), *loaders]


def figures(status, output, errors):
    """The numbers that the kernel printed."""
    lines = [line.split()[1:] for line in output.splitlines() if line.startswith("bench: ")]
    lines = [words for words in lines if words[0].isdecimal()]
    if status != SUCCESS or len(lines) != 1:
        build.stop(f"the kernel failed (QEMU's status {status}):\n{output[-2000:]}{errors[-2000:]}")
    return [int(word) for word in lines[0]]


def boot(image, packed, polled, depth, requests):
    """(reads a second, notifications and interrupts for a thousand reads)"""
    command = [*machine(image, POLLED if polled else 0, requests, depth),
               "-object", "iothread,id=io", "-blockdev", "driver=null-co,node-name=disk,size=1073741824",
               "-device", f"virtio-blk-pci,disable-legacy=on,iothread=io,drive=disk,packed={'on' if packed else 'off'}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)
    reads, ticks, hertz, notifications, interrupts = figures(done.returncode, done.stdout, done.stderr)
    return reads * hertz / ticks, 1000 * notifications / reads, 1000 * interrupts / reads


def measure(rounds, say):
    """{"split polled 8": {"reads": …, "notifications": …, "interrupts": …}}: medians of interleaved boots."""
    image = kernel("main", "disk/disk.cpp")
    runs = {}
    for turn in range(rounds):
        say(f"Reads in QEMU, round {turn + 1} of {rounds}")
        for packed in (False, True):
            for polled in (True, False):
                for depth in DEPTHS:
                    name = f"{'packed' if packed else 'split'} {'polled' if polled else 'sleeping'} {depth}"
                    runs.setdefault(name, []).append(boot(image, packed, polled, depth, 50000 * min(depth, 8)))
    return {name: dict(zip(("reads", "notifications", "interrupts"), (round(statistics.median(one), 1) for one in zip(*each))))
            for name, each in runs.items()}
