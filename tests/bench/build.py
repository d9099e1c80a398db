# SPDX-License-Identifier: MIT
"""Compiles what tests/bench measures, in build/bench, and only what has changed since."""

import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = ROOT / "build" / "bench"

# As kernels are compiled: without vector registers, at fixed addresses.
KERNEL_FLAGS = ["-O2", "-g", "-mgeneral-regs-only", "-fno-pie", "-fno-stack-protector", "-fcf-protection=none"]
CXX_FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-DVIRTQ_ASSERTIONS=0", f"-I{ROOT}/include"]
# As Linux compiles its own; the warnings are about the shim.
LINUX_FLAGS = ["-std=gnu11", "-fno-strict-aliasing", "-fno-common", "-fno-delete-null-pointer-checks",
               "-fno-strict-overflow", "-fno-asynchronous-unwind-tables",
               "-Werror=implicit-function-declaration", "-D__KERNEL__"]

CONTENDERS = ["case.cpp", "virtq_size.cpp", "floor.cpp"]
# virtq_256.cpp, once for each.
STYLES = [(format_, segments) for format_ in ("Split", "Packed") for segments in (0, 1, 2, 3, 8)]
STYLES += [("NegotiatedSplit", 0), ("NegotiatedPacked", 0), ("PlainSplit", 0)]
BURSTS = [(format_, segments) for format_ in ("Split", "Packed") for segments in (1, 3)]
HOSTED = {"case.cpp", "count.cpp"}


def say(text):
    print(text, file=sys.stderr, flush=True)


def stop(sentence):
    sys.exit(f"tests/bench: {sentence}")


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        stop(f"this failed:\n{shlex.join(str(word) for word in command)}\n{done.stdout[-4000:]}{done.stderr[-8000:]}")
    return done.stdout


def compiler_version(compiler="g++"):
    return run(compiler, "-dumpfullversion").strip()


# --- what has changed ------------------------------------------------------------------------------------------------


def is_fresh(target, command, depfile):
    """Whether the target was made by this command from files that are older."""
    note = target.with_name(target.name + ".command")
    if not (target.exists() and depfile.exists() and note.exists() and note.read_text() == shlex.join(command)):
        return False
    made = target.stat().st_mtime
    words = depfile.read_text().replace("\\\n", " ").split(":", 1)[1].split()
    return all(os.path.exists(word) and os.path.getmtime(word) <= made for word in words)


def compile_one(source, target, *command):
    """Runs the compiler, if it has to; the command is without the source and the target."""
    depfile = target.with_suffix(".d")
    whole = [str(word) for word in command] + ["-MMD", "-MF", str(depfile), "-c", str(source), "-o", str(target)]
    if not is_fresh(target, whole, depfile):
        target.parent.mkdir(parents=True, exist_ok=True)
        run(*whole)
        target.with_name(target.name + ".command").write_text(shlex.join(whole))
    return target


def compile_all(jobs):
    """Jobs are those of compile_one; returns the targets."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda job: compile_one(*job), jobs))


def link(target, objects, *more):
    if not target.exists() or any(one.stat().st_mtime > target.stat().st_mtime for one in objects):
        run("g++", "-no-pie", *objects, "-o", target, *more)
    return target


# --- Linux -----------------------------------------------------------------------------------------------------------

# Its own headers, whose contents count; all others become an include of linux/kernel.h.
TAKEN = {
    "drivers/virtio/virtio_ring.c": "virtio_ring.c",
    "include/linux/virtio.h": "linux/virtio.h",
    "include/linux/virtio_byteorder.h": "linux/virtio_byteorder.h",
    "include/linux/virtio_config.h": "linux/virtio_config.h",
    "include/linux/virtio_ring.h": "linux/virtio_ring.h",
    "include/uapi/linux/virtio_config.h": "uapi/linux/virtio_config.h",
    "include/uapi/linux/virtio_ring.h": "uapi/linux/virtio_ring.h",
    "include/uapi/linux/virtio_types.h": "uapi/linux/virtio_types.h",
}


def linux_tarball():
    found = sorted(pathlib.Path("/usr/src").glob("linux-source-*.tar.xz"))
    return found[-1] if found else None


def linux_source():
    """The folder with virtio_ring.c and what it includes, taken out of Debian's package. None of it is ours."""
    tarball = linux_tarball()
    if tarball is None:
        stop("Debian's linux-source is not installed; tests/bench/run installs it.")
    folder = OUT / "linux-source"
    note = folder / "from"
    origin = f"{tarball.name} {tarball.stat().st_mtime_ns}"
    if note.exists() and note.read_text() == origin:
        return folder
    say(f"Taking virtio_ring.c out of {tarball.name} (half a minute, once)")
    with subprocess.Popen(["xz", "-dc", "-T0", str(tarball)], stdout=subprocess.PIPE) as unpacked:
        left = set(TAKEN)
        with tarfile.open(fileobj=unpacked.stdout, mode="r|") as tar:
            for member in tar:
                name = member.name.split("/", 1)[-1]
                if name in left:
                    target = folder / TAKEN[name]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(tar.extractfile(member).read())
                    left.discard(name)
                    if not left:
                        break
        unpacked.kill()
    if left:
        stop(f"{tarball.name} has no {', '.join(sorted(left))}")
    stand_ins(folder)
    note.write_text(origin)
    return folder


def stand_ins(folder):
    """For each header that is included and was not taken: one that includes the shim, or the taken one."""
    wanted = {"linux/virtio_types.h"}
    for name in TAKEN.values():
        wanted.update(re.findall(r"^\s*#\s*include\s*<((?:linux|asm|xen|uapi)/[^>]+)>", (folder / name).read_text(), re.M))
    for name in wanted:
        path = folder / name
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        taken = folder / "uapi" / name
        path.write_text(f"#include <{'uapi/' + name if taken.exists() else 'kernel.h'}>\n")


def linux_release():
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", linux_tarball().name.split(".tar")[0]],
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or linux_tarball().name


def linux_flags():
    return [*LINUX_FLAGS, f"-I{linux_source()}", f"-I{HERE}/linux"]


# --- programs --------------------------------------------------------------------------------------------------------


def contender_objects(with_linux):
    folder = OUT / ("with-linux" if with_linux else "alone")
    define = ["-DBENCH_WITH_LINUX"] if with_linux else []
    names = CONTENDERS + (["linux_ring.cpp"] if with_linux else [])
    jobs = [(HERE / name, folder / name.replace(".cpp", ".o"), "g++", *kernel_or_hosted(name), *CXX_FLAGS, *define)
            for name in names]
    jobs += [(HERE / "virtq_256.cpp", folder / f"virtq_256-{format_}-{segments}.o", "g++", *KERNEL_FLAGS, *CXX_FLAGS,
              f"-DBENCH_FORMAT={format_}", f"-DBENCH_SEGMENTS={segments}") for format_, segments in STYLES]
    jobs += [(HERE / "virtq_256.cpp", folder / f"virtq_burst-{format_}-{segments}.o", "g++", *KERNEL_FLAGS, *CXX_FLAGS,
              f"-DBENCH_FORMAT={format_}", f"-DBENCH_SEGMENTS={segments}", "-DBENCH_BURST")
             for format_, segments in BURSTS]
    if with_linux:
        jobs += [(linux_source() / "virtio_ring.c", folder / "virtio_ring.o", "gcc", *KERNEL_FLAGS, *linux_flags()),
                 (HERE / "linux" / "glue.c", folder / "glue.o", "gcc", *KERNEL_FLAGS, *linux_flags())]
    return compile_all(jobs)


def kernel_or_hosted(name):
    return ["-O2", "-g", "-fno-pie"] if name in HOSTED else KERNEL_FLAGS


def program(name, with_linux, *libraries):
    """The benchmark program NAME.cpp with all contenders."""
    folder = OUT / ("with-linux" if with_linux else "alone")
    objects = contender_objects(with_linux)
    main = compile_one(HERE / f"{name}.cpp", folder / f"{name}.o", "g++", "-O2", "-g", "-fno-pie", *CXX_FLAGS)
    return link(folder / name, [main, *objects], *libraries)
