# SPDX-License-Identifier: MIT
"""Packets a second of a network card in QEMU: the example kernel with qemu/card.cpp, with virtq's driver and with the one of
qemu/unchecked_card.hpp. This process is the other side of the wire: it sends frames as fast as QEMU takes them, and reads and
compares all that come."""

import os
import pathlib
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time

import build
import cases
import qemu

MODES = ["receive", "send", "echo"]  # as in qemu/card.cpp
DRIVERS = ["virtq", "unchecked"]
PATIENCE = 300  # seconds, for a whole boot
BUSY = 0.1  # share of the machine that others may have
FRAME = bytes(range(60))
ON_WIRE = struct.pack(">I", len(FRAME)) + FRAME  # its length goes before it
BLOCK = ON_WIRE * 1024


class Wire:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.bytes = 0
        self.wrong = False

    def send_always(self):
        try:
            while True:
                self.socket.sendall(BLOCK)
        except OSError:
            pass  # QEMU has ended

    def read_always(self):
        expected = BLOCK * 16
        try:
            while data := self.socket.recv(len(BLOCK) * 15):
                at = self.bytes % len(ON_WIRE)
                self.wrong = self.wrong or data != expected[at : at + len(data)]
                self.bytes += len(data)
        except OSError:
            pass


def connect(path, process):
    """QEMU makes the socket soon after its start."""
    while True:
        try:
            return Wire(path)
        except (FileNotFoundError, ConnectionRefusedError):
            if process.poll() is not None:
                build.stop(f"QEMU did not start:\n{process.stderr.read()}")
            time.sleep(0.01)


def converse(process, path, mode):
    """Returns what the kernel printed, and the wire, which has counted the bytes that it sent."""
    wire = connect(path, process)
    output = ""
    for line in process.stdout:
        output += line
        if line.startswith("bench: the card is up"):
            break  # a frame before that would be lost
    work = [wire.read_always, *([wire.send_always] if mode != "send" else [])]
    threads = [threading.Thread(target=one, daemon=True) for one in work]
    for thread in threads:
        thread.start()
    output += process.stdout.read()
    for thread in threads:
        thread.join()
    return output, wire


def boot(image, packed, driver, mode, packets):
    """Packets a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "wire")
        command = [*qemu.machine(image, qemu.POLLED, packets, MODES.index(mode), DRIVERS.index(driver)),
                   "-netdev", f"stream,id=net,server=on,addr.type=unix,addr.path={path}",
                   "-device", f"virtio-net-pci,disable-legacy=on,netdev=net,packed={'on' if packed else 'off'}"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            timer = threading.Timer(PATIENCE, process.kill)
            timer.start()
            output, wire = converse(process, path, mode)
            status = process.wait()
            timer.cancel()
            moved, ticks, hertz = qemu.figures(status, output, process.stderr.read())
    expected = 0 if mode == "receive" else (moved + moved // 8 + 1) * len(ON_WIRE)
    if wire.wrong or wire.bytes != expected:
        build.stop(f"{driver} {mode}: {wire.bytes} bytes came from the kernel instead of {expected}, or they were wrong")
    return moved * hertz / ticks


def cpu_seconds():
    """What all cores had so far, and what of it was neither idle nor ours. Time that the host took away is in both."""
    ticks = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    every, idle = (value / os.sysconf("SC_CLK_TCK") for value in (sum(ticks), ticks[3] + ticks[4]))
    return every, every - idle - sum(os.times()[:4])


def others_since(before):
    """The share of the machine that others had since then."""
    every, others = (after - earlier for after, earlier in zip(cpu_seconds(), before))
    return others / every


def compare(image, name, drivers, packets):
    """Packets a second of each driver, in boots one after the other, and "others": their share of the machine meanwhile."""
    format_, mode = name.split()
    before = cpu_seconds()
    each = {driver: boot(image, format_ == "packed", driver, mode, packets) for driver in drivers}
    return {**each, "others": others_since(before)}


def share_of_others(one):
    return one["others"]


def undisturbed(each):
    return [one for one in each if share_of_others(one) <= BUSY]


def wait_for_rest(end):
    """Returns when others leave the machine alone, at the latest at `end`."""
    while time.monotonic() < end:
        before = cpu_seconds()
        time.sleep(0.5)
        if others_since(before) <= BUSY:
            return


def measure(rounds, packets, patience, say):
    """{"rounds": …, "busy": the share of others, "runs": {"split receive": {"virtq": packets a second, "unchecked": …,
    "ratio": …}}}: medians of interleaved boots. The ratio is that of neighbours. What others disturbed is repeated for so
    many seconds; a case that was always disturbed then keeps its best boots."""
    image = qemu.kernel("card")
    runs = {f"{format_} {mode}": [] for format_ in cases.FORMATS for mode in MODES}
    end, turn = time.monotonic() + patience, 0
    while left := [name for name, each in runs.items() if len(undisturbed(each)) < rounds]:
        if time.monotonic() > end and all(runs.values()):
            break
        turn += 1
        say(f"Packets in QEMU, round {turn}, {len(left)} of {len(runs)} cases left")
        for name in left:
            wait_for_rest(end)
            # The order alternates, so that neither driver always comes first.
            runs[name].append(compare(image, name, DRIVERS[:: 1 if turn % 2 else -1], packets))
    kept = {name: undisturbed(each)[:rounds] or [min(each, key=share_of_others)] for name, each in runs.items()}
    medians = {name: {**{driver: round(statistics.median(one[driver] for one in each)) for driver in DRIVERS},
                      "ratio": round(statistics.median(one["virtq"] / one["unchecked"] for one in each), 3)}
               for name, each in kept.items()}
    return {"rounds": min(map(len, kept.values())), "busy": round(max(share_of_others(one) for each in kept.values()
                                                                      for one in each), 2), "runs": medians}
