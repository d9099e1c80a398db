# SPDX-License-Identifier: MIT
"""Reads a second from a kernel in QEMU: the example kernel with qemu/main.cpp, on an x86_64 q35, the disk on PCI with an
iothread (without one only the wake-up of QEMU's main loop is measured) and nothing behind it (null-co)."""

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


def kernel():
    folder = build.OUT / "qemu"
    includes = [f"-I{KERNEL}", f"-I{KERNEL}/disk", *(f"-I{one}" for one in ARCH), f"-I{build.ROOT}/include"]
    sources = [build.HERE / "qemu" / "main.cpp"]
    sources += [*sorted(KERNEL.glob("*.cpp")), KERNEL / "disk" / "disk.cpp"]
    sources += [one for place in ARCH for kind in ("*.cpp", "*.S") for one in sorted(place.glob(kind))]
    jobs = []
    for source in sources:
        target = folder / f"{source.parent.name}-{source.stem}.o"
        more = ["-fno-tree-loop-distribute-patterns"] if source.name == "memory.cpp" else []
        jobs.append((source, target, "g++", *FLAGS, *(CXX if source.suffix == ".cpp" else []), *more, *includes))
    objects = build.compile_all(jobs)
    made = folder / "kernel.elf"
    build.run("g++", *FLAGS, "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none,-z,max-page-size=4096",
              *(f"-L{one}" for one in ARCH), f"-T{ARCH[0]}/kernel.ld", *objects, "-o", made)
    return made


def loader(word, value):
    return ["-device", f"loader,addr={WORDS + 4 * word:#x},data={value},data-len=4"]


def boot(image, packed, polled, depth, requests):
    """(reads a second, notifications and interrupts for a thousand reads)"""
    command = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35,memory-backend=ram", "-m", "3200M",
               "-object", "memory-backend-ram,id=ram,size=3200M,reserve=off", "-nodefaults", "-display", "none",
               "-serial", "stdio", "-monitor", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
               "-kernel", str(image), *loader(0, 1 if polled else 0), *loader(1, requests), *loader(2, depth),
               "-object", "iothread,id=io", "-blockdev", "driver=null-co,node-name=disk,size=1073741824",
               "-device", f"virtio-blk-pci,disable-legacy=on,iothread=io,drive=disk,packed={'on' if packed else 'off'}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)
    line = [line for line in done.stdout.splitlines() if line.startswith("bench: ")]
    if done.returncode != SUCCESS or len(line) != 1:
        build.stop(f"the kernel failed (QEMU's status {done.returncode}):\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    reads, ticks, hertz, notifications, interrupts = (int(word) for word in line[0].split()[1:])
    return reads * hertz / ticks, 1000 * notifications / reads, 1000 * interrupts / reads


def measure(rounds, say):
    """{"split polled 8": {"reads": …, "notifications": …, "interrupts": …}}: medians of interleaved boots."""
    image = kernel()
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
