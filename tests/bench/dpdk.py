# SPDX-License-Identifier: MIT
"""Packets a second against DPDK's own driver, on DPDK's own device: `dpdk-testpmd` with a vhost port sends back what it
gets. Two programs do the same work, dpdk/forward.cpp through virtq and dpdk/forward_pmd.cpp through virtio_user. Device and
driver poll, each on a core of its own. All contenders are measured in turn, in rounds. DPDK's driver may use vectors: it
does for a split ring's receive side, and for a packed ring in order if the CPU has AVX-512."""

import contextlib
import os
import pathlib
import shlex
import socket
import statistics
import subprocess
import tempfile
import time

import build
from measure import core_pair

PACKAGES = ["dpdk", "dpdk-dev", "libdpdk-dev", "pkg-config"]
HERE = build.HERE / "dpdk"
CONTENDERS = ["virtq", "virtq, assertions on", "DPDK"]
RINGS = [(format_, order) for format_ in ("split", "packed") for order in ("no_order", "in_order")]
EAL = ["--no-huge", "-m", "256", "--no-pci", "--no-telemetry"]


def tell(command):
    return shlex.split(build.run("pkg-config", command, "libdpdk"))


def programs():
    """{name: program}: virtq, the same with assertions, and DPDK's driver."""
    made = {}
    for name, (source, more, libraries) in zip(CONTENDERS, (
            ("forward.cpp", ["-DVIRTQ_ASSERTIONS=0"], []),
            ("forward.cpp", [], []),
            ("forward_pmd.cpp", tell("--cflags"), tell("--libs")))):
        target = build.OUT / "dpdk" / name.replace(" ", "_").replace(",", "")
        target.parent.mkdir(parents=True, exist_ok=True)
        build.run("g++", "-std=c++20", "-O2", f"-I{build.ROOT}/include", f"-I{build.ROOT}/tests", *more, HERE / source,
                  "-o", target, *libraries)
        made[name] = target
    return made


def await_listener(path, device):
    """Connects once. The device makes the socket's file before it listens."""
    end = time.monotonic() + 10
    while time.monotonic() < end and device.poll() is None:
        with socket.socket(socket.AF_UNIX) as one, contextlib.suppress(OSError):
            one.connect(str(path))
            return
        time.sleep(0.05)
    build.stop("dpdk-testpmd accepted no connection in 10 s. Run it by hand to see why.")


@contextlib.contextmanager
def device(core):
    """The socket of a running dpdk-testpmd."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "socket"
        environment = {**os.environ, "RUNTIME_DIRECTORY": folder}
        testpmd = subprocess.Popen(
            ["dpdk-testpmd", "--lcores", f"0@{core},1@{core}", *EAL, "--file-prefix", "virtq_device",
             "--vdev", f"net_vhost0,iface={path},queues=1", "--", "--total-num-mbufs=4096", "--forward-mode=io",
             "--port-topology=loop", "--auto-start", "--stats-period=3600"],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            await_listener(path, testpmd)
            yield path, environment
        finally:
            testpmd.terminate()
            testpmd.wait()


def rate(name, program, core, path, environment, ring, packets):
    """Million packets a second: the median window of one run."""
    format_, order = ring
    if name == "DPDK":
        command = [program, "--lcores", f"0@{core}", *EAL, "--single-file-segments", "--file-prefix", "virtq_driver",
                   "--force-max-simd-bitwidth=512", "--log-level=3", "--vdev",
                   f"net_virtio_user0,path={path},queues=1,queue_size=256,packed_vq={int(format_ == 'packed')},"
                   f"in_order={int(order == 'in_order')},mrg_rxbuf=0,vectorized=1", "--", str(packets)]
    else:
        command = ["taskset", "-c", str(core), program, path, format_, order, str(packets)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        build.stop(f"{name} on {format_}, {order} failed: {done.stderr[-2000:]}")
    return float(done.stdout.split()[0])


def version():
    return build.run("pkg-config", "--modversion", "libdpdk").strip()


def measure(rounds, packets, say):
    """{"packed in_order": {contender: median rate, "ratio": median of DPDK / virtq of each round}}"""
    driver_core, device_core = core_pair()
    if device_core is None:
        build.stop("This machine has one core. Device and driver need one each: use another machine.")
    made = programs()
    seen = {f"{format_} {order}": {name: [] for name in made} for format_, order in RINGS}
    with device(device_core) as (path, environment):
        for turn in range(rounds):
            say(f"Round {turn + 1} of {rounds} against DPDK")
            for ring in RINGS:
                for name, program in made.items():
                    seen[" ".join(ring)][name].append(rate(name, program, driver_core, path, environment, ring, packets))
    return {ring: {**{name: statistics.median(rates) for name, rates in one.items()},
                   "ratio": statistics.median(theirs / ours for ours, theirs in zip(one["virtq"], one["DPDK"]))}
            for ring, one in seen.items()}
