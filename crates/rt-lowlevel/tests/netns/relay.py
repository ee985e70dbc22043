"""A line that loses packets and delays them, between two network namespaces (Linux, root).

Each namespace gets a TUN device. What one kernel sends comes out of its device here, waits a random time, and goes into
the other device, or is lost: so both ends are real TCP, which has to notice and to send again.

    python3 relay.py NEAR FAR --loss 0.02 --jitter-ms 150 --seed 1 [--in-order]

NEAR and FAR are names of namespaces; their addresses become 198.18.0.1 and 198.18.0.2. "ready" is printed when packets
can pass. SIGUSR1 makes the line swallow everything, or ends that. SIGTERM ends it, with a line of figures.
"""

import argparse
import fcntl
import heapq
import itertools
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

# What this ends with where there are no TUN devices.
NO_DEVICE = 77
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000


def device(name, namespace, address):
    """A TUN device in a namespace, and the end of it that is held here."""
    try:
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(NO_DEVICE)
    for command in (
        f"ip link set {name} netns {namespace}",
        f"ip -n {namespace} addr add {address}/24 dev {name}",
        f"ip -n {namespace} link set {name} up txqueuelen 1000",
    ):
        subprocess.run(command.split(), check=True)
    return end


class Direction:
    """What one end sends to the other."""

    def __init__(self, source, target, seed):
        self.source, self.target = source, target
        self.chance = random.Random(seed)
        self.waiting = []
        self.last = 0.0
        self.carried = self.lost = self.swallowed = self.refused = 0
        self.delays = 0.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("near")
    parser.add_argument("far")
    parser.add_argument("--loss", type=float, default=0.02)
    parser.add_argument("--jitter-ms", type=float, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--in-order", action="store_true", help="no packet overtakes another")
    arguments = parser.parse_args()

    ends = [
        device(f"rtn{os.getpid()}", arguments.near, "198.18.0.1"),
        device(f"rtf{os.getpid()}", arguments.far, "198.18.0.2"),
    ]
    up = Direction(ends[0], ends[1], arguments.seed)
    down = Direction(ends[1], ends[0], arguments.seed + 1)
    hole = False
    over = False

    def toggle(*_):
        nonlocal hole
        hole = not hole

    def end(*_):
        nonlocal over
        over = True

    signal.signal(signal.SIGUSR1, toggle)
    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)

    numbers = itertools.count()
    while not over:
        due = min((way.waiting[0][0] for way in (up, down) if way.waiting), default=None)
        wait = 0.5 if due is None else max(0.0, due - time.monotonic())
        readable, _, _ = select.select(ends, [], [], wait)
        now = time.monotonic()
        for way in (up, down):
            while way.waiting and way.waiting[0][0] <= now:
                _, _, packet = heapq.heappop(way.waiting)
                try:
                    os.write(way.target, packet)
                    way.carried += 1
                except OSError:
                    way.refused += 1
            if way.source not in readable:
                continue
            for _ in range(64):
                try:
                    packet = os.read(way.source, 65536)
                except BlockingIOError:
                    break
                if hole:
                    way.swallowed += 1
                elif way.chance.random() < arguments.loss:
                    way.lost += 1
                else:
                    delay = way.chance.random() * arguments.jitter_ms / 1000
                    due = now + delay
                    if arguments.in_order:
                        due = max(due, way.last)
                        way.last = due
                    way.delays += due - now
                    heapq.heappush(way.waiting, (due, next(numbers), packet))

    for name, way in (("up", up), ("down", down)):
        passed = max(1, way.carried + len(way.waiting))
        print(
            f"{name}: {way.carried} packets carried, {way.lost} lost "
            f"({100 * way.lost / max(1, passed + way.lost):.2f} %), {way.swallowed} swallowed, "
            f"{way.refused} refused, {1000 * way.delays / passed:.0f} ms each on average",
            flush=True,
        )


main()
