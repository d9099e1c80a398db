# SPDX-License-Identifier: MIT
"""Packets a second of a network card in QEMU: the example kernel with qemu/card.cpp, with virtq's driver and with the one of
qemu/unchecked_card.hpp. This process is the other side of the wire: it sends frames as fast as QEMU takes them, and reads and
compares all that come."""

import pathlib
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time

import build
import qemu

MODES = ["receive", "send", "echo"]  # as in qemu/card.cpp
DRIVERS = ["virtq", "unchecked"]
PATIENCE = 300  # seconds, for a whole boot
BUSY = 0.1  # share of the machine that others may use
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


def busy_share():
    """The share of all cores that other processes use, while this one sleeps."""
    def read():
        values = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(values), values[3] + values[4]  # all, idle

    before = read()
    time.sleep(0.5)
    every, idle = (now - then for now, then in zip(read(), before))
    return 1 - idle / every if every else 0


def measure(rounds, packets, say):
    """{"rounds": …, "busy": the share of others, "runs": {"split receive": {"virtq": packets a second, "unchecked": …,
    "ratio": …}}}: medians of interleaved boots. The ratio is that of neighbours."""
    image = qemu.kernel("card")
    runs, shares = {}, []
    for turn in range(rounds):
        say(f"Packets in QEMU, round {turn + 1} of {rounds}")
        shares.append(busy_share())
        for packed in (False, True):
            for mode in MODES:
                # The order alternates, so that neither driver always comes first.
                each = {driver: boot(image, packed, driver, mode, packets) for driver in DRIVERS[:: 1 if turn % 2 else -1]}
                runs.setdefault(f"{'packed' if packed else 'split'} {mode}", []).append(each)
    medians = {name: {**{driver: round(statistics.median(one[driver] for one in each)) for driver in DRIVERS},
                      "ratio": round(statistics.median(one["virtq"] / one["unchecked"] for one in each), 3)}
               for name, each in runs.items()}
    return {"rounds": rounds, "busy": round(max(shares), 2), "runs": medians}
