# SPDX-License-Identifier: MIT
"""Compiles what tests/bench measures, in build/bench, and only what has changed since."""

import concurrent.futures
import io
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

# Flags of a kernel: no vector registers, fixed addresses.
KERNEL_FLAGS = ["-O2", "-g", "-mgeneral-regs-only", "-fno-pie", "-fno-stack-protector", "-fcf-protection=none"]
CXX_FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-DVIRTQ_ASSERTIONS=0", f"-I{ROOT}/include"]
# Linux's own flags. Warnings are off because of the shim.
LINUX_FLAGS = ["-std=gnu11", "-fno-strict-aliasing", "-fno-common", "-fno-delete-null-pointer-checks",
               "-fno-strict-overflow", "-fno-asynchronous-unwind-tables",
               "-Werror=implicit-function-declaration", "-D__KERNEL__"]

CONTENDERS = ["case.cpp", "virtq_size.cpp", "floor.cpp", "unchecked.cpp"]
# virtq_256.cpp is compiled once for each.
STYLES = [(format_, segments) for format_ in ("Split", "Packed") for segments in (0, 1, 2, 3, 8)]
STYLES += [("NegotiatedSplit", 0), ("NegotiatedPacked", 0), ("PlainSplit", 0)]
COMPILERS = {"g++": "g++", "clang": "clang++-19"}  # for virtq and the drivers without checks; gcc compiles Linux's ring


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
    """Whether this command made the target, and no source is newer."""
    note = target.with_name(target.name + ".command")
    if not (target.exists() and depfile.exists() and note.exists() and note.read_text() == shlex.join(command)):
        return False
    made = target.stat().st_mtime
    words = depfile.read_text().replace("\\\n", " ").split(":", 1)[1].split()
    return all(os.path.exists(word) and os.path.getmtime(word) <= made for word in words)


def compile_one(source, target, *command):
    """Compiles, if it is necessary. The command lacks the source and the target."""
    depfile = target.with_suffix(".d")
    whole = [str(word) for word in command] + ["-MMD", "-MF", str(depfile), "-c", str(source), "-o", str(target)]
    if not is_fresh(target, whole, depfile):
        target.parent.mkdir(parents=True, exist_ok=True)
        run(*whole)
        target.with_name(target.name + ".command").write_text(shlex.join(whole))
    return target


def compile_all(jobs):
    """Runs jobs of compile_one, and returns their targets."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda job: compile_one(*job), jobs))


def link(target, objects, *more):
    if not target.exists() or any(one.stat().st_mtime > target.stat().st_mtime for one in objects):
        run("g++", "-no-pie", *objects, "-o", target, *more)
    return target


# --- Linux -----------------------------------------------------------------------------------------------------------

# Only these headers of Linux are used as they are. All others become an include of linux/kernel.h.
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
    """The folder with virtio_ring.c and its headers, from Debian's package. Nothing in it is ours."""
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
    """Writes a header for each included one that was not taken. It includes the shim, or a taken header."""
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


def folder_of(with_linux, compiler):
    return OUT / (("with-linux" if with_linux else "alone") + ("" if compiler == "g++" else f"-{compiler}"))


# The library of this commit, from before batch numbers and bursts, is measured beside today's.
BEFORE = "3136805"


def include_before():
    """The headers of BEFORE, or None without its history."""
    folder = OUT / "before" / BEFORE
    if not folder.exists():
        done = subprocess.run(["git", "-C", str(ROOT), "archive", BEFORE, "include"], capture_output=True, check=False)
        if done.returncode != 0:
            return None
        partly = folder.with_suffix(".partly")
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            tar.extractall(partly)
        partly.rename(folder)
    return folder / "include"


def renamed(suffix, *names):
    """Flags that rename virtq's namespace and some names, so that two libraries fit into one program."""
    return [f"-Dvirtq=virtq_{suffix}", *(f"-D{name}={name.replace('virtq', suffix)}" for name in names)]


def has_bursts():
    """Whether the library has submit_burst() and take_burst()."""
    return (ROOT / "include" / "virtq" / "queue" / "burst.hpp").exists()


def contender_jobs(folder, command, define=(), before=None):
    """The jobs of virtq and of the drivers without checks. The command is a compiler with its flags."""
    define = [*define, "-DBENCH_WITH_BURST"] if has_bursts() else define
    jobs = [(HERE / name, folder / name.replace(".cpp", ".o"), *command, *CXX_FLAGS, *define) for name in CONTENDERS]
    jobs += [(HERE / "virtq_256.cpp", folder / f"virtq_256-{format_}-{segments}.o", *command, *CXX_FLAGS,
              f"-DBENCH_FORMAT={format_}", f"-DBENCH_SEGMENTS={segments}") for format_, segments in STYLES]
    jobs += [(HERE / f"virtq_{what}.cpp", folder / f"virtq_{what}-{format_}.o", *command, *CXX_FLAGS,
              f"-DBENCH_FORMAT={format_}") for format_ in ("Split", "Packed") for what in ("publish", "disk")]
    if has_bursts():
        jobs += [(HERE / "virtq_burst.cpp", folder / f"virtq_burst-{format_}-{segments}.o", *command, *CXX_FLAGS,
                  f"-DBENCH_FORMAT={format_}", f"-DBENCH_SEGMENTS={segments}")
                 for format_ in ("Split", "Packed") for segments in (0, 1, 3)]
    jobs += [(HERE / "virtq_disk.cpp", folder / "checked_disk-Split.o", *command, *CXX_FLAGS, "-UVIRTQ_ASSERTIONS",
              "-DBENCH_FORMAT=Split", *renamed("checked", "make_virtq_disk"), "-DAnyRegisters=CheckedAnyRegisters",
              "-DDiskRegisters=CheckedRegisters")]
    if before:
        flags = [flag.replace(f"{ROOT}/include", str(before)) for flag in CXX_FLAGS]
        jobs += [(HERE / "virtq_256.cpp", folder / f"before_256-{format_}-{segments}.o", *command, *flags,
                  f"-DBENCH_FORMAT={format_}", f"-DBENCH_SEGMENTS={segments}", *renamed("before", "make_virtq_256"))
                 for format_, segments in (("Packed", 1), ("Split", 1), ("Split", 3))]
    return jobs


def contender_objects(with_linux, compiler):
    folder = folder_of(with_linux, compiler)
    command = [COMPILERS[compiler], *KERNEL_FLAGS]
    before = include_before() if with_linux else None
    define = ["-DBENCH_WITH_LINUX"] if with_linux else []
    define += ["-DBENCH_WITH_BEFORE"] if before else []
    jobs = contender_jobs(folder, command, define, before)
    if with_linux:
        jobs += [(HERE / "linux_ring.cpp", folder / "linux_ring.o", *command, *CXX_FLAGS),
                 (linux_source() / "virtio_ring.c", folder / "virtio_ring.o", "gcc", *KERNEL_FLAGS, *linux_flags()),
                 (HERE / "linux" / "glue.c", folder / "glue.o", "gcc", *KERNEL_FLAGS, *linux_flags())]
    return compile_all(jobs)


def program(name, with_linux, *libraries, compiler="g++"):
    """The benchmark program NAME.cpp with all contenders."""
    folder = folder_of(with_linux, compiler)
    objects = contender_objects(with_linux, compiler)
    objects += compile_all([(HERE / f"{one}.cpp", folder / f"{one}.o", "g++", "-O2", "-g", "-fno-pie", *CXX_FLAGS)
                            for one in (name, "hosted")])
    return link(folder / name, objects, *libraries)
