"""Asks one address at random moments, so many times a second on average, and prints how long answers took, in milliseconds.

Moments do not wait for answers (Poisson), and waiting begins at the moment, not when a connection was free. wrk cannot do that:
its clock ticks once a millisecond, so that whatever is due within one comes in the same instant.

    arrivals.py URL METHOD RPS SECONDS CONNECTIONS < JSON of {"headers": {…}, "body": "…"}

Every loop is bounded by SECONDS and a second of patience."""

import collections
import ctypes
import json
import os
import random
import select
import socket
import statistics
import struct
import sys
import time
import urllib.parse

libc = ctypes.CDLL(None, use_errno=True)


class Timer:
    """A clock of the kernel that wakes an epoll at a nanosecond (timerfd_create(2)); timeouts of epoll are whole milliseconds."""

    def __init__(self):
        self.number = libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK)
        if self.number < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")

    def wake_in(self, seconds):
        nanoseconds = max(int(seconds * 1e9), 1)
        spec = struct.pack("qqqq", 0, 0, nanoseconds // 1_000_000_000, nanoseconds % 1_000_000_000)
        if libc.timerfd_settime(self.number, 0, spec, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")


def length(answer):
    """Bytes of a whole answer, or None while its head is not there."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return None
    for line in answer[:end].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return end + 4 + int(value)
    sys.exit(f"an answer without a length: {answer[:200]!r}")


def request(url, method, headers, body):
    target = urllib.parse.urlsplit(url)
    lines = [f"{method} {target.path} HTTP/1.1", f"host: {target.netloc}", *(f"{k}: {v}" for k, v in headers.items())]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body.encode())}"]
    return (target.hostname, target.port), ("\r\n".join(lines) + "\r\n\r\n" + (body or "")).encode()


def asked(address, said, rps, seconds, connections):
    free, busy, due, waits, errors = [], {}, collections.deque(), [], 0
    poll, timer, moments = select.epoll(), Timer(), random.Random(1)
    for _ in range(connections):
        wire = socket.create_connection(address)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.setblocking(False)
        poll.register(wire, select.EPOLLIN)
        free.append(wire)
    poll.register(timer.number, select.EPOLLIN)
    wires = {wire.fileno(): wire for wire in free}

    def send(moment):
        wire = free.pop()
        busy[wire.fileno()] = [moment, b""]
        wire.sendall(said)

    began = time.monotonic()
    coming, last = began + 0.1, began + 0.1 + seconds
    timer.wake_in(0.1)
    while time.monotonic() < last + 1 and (coming < last or busy or due):
        for number, _ in poll.poll(1):
            if number == timer.number:
                os.read(number, 8)
                continue
            wire, asking = wires[number], busy[number]
            asking[1] += wire.recv(65536) or sys.exit("the connection was closed")
            whole = length(asking[1])
            if whole is None or len(asking[1]) < whole:
                continue
            waits.append(time.monotonic() - asking[0])
            errors += asking[1][9:10] != b"2"
            del busy[number]
            free.append(wire)
            if due:
                send(due.popleft())
        now = time.monotonic()
        while coming <= now and coming < last:
            if free:
                send(coming)
            else:
                due.append(coming)
            coming += moments.expovariate(rps)
        if coming < last:
            timer.wake_in(coming - now)
    return waits, errors, len(busy) + len(due)


url, method, rps, seconds, connections = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:5]), int(sys.argv[5])
more = json.load(sys.stdin)
waits, errors, unanswered = asked(*request(url, method, more["headers"], more["body"]), rps, seconds, connections)
if errors or unanswered:
    sys.exit(f"{url}: {errors} answers were errors, {unanswered} did not come")
cuts = statistics.quantiles(waits, n=100)
print(json.dumps({"requests": len(waits), "rps": round(len(waits) / seconds, 1), "p50_ms": round(cuts[49] * 1000, 3), "p99_ms": round(cuts[98] * 1000, 3)}))
