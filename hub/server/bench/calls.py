#!/usr/bin/env python3
"""How fast the log of calls is found in, at a million lines.

Makes some real calls, fills the table of calls of the hub's SQLite file up to a million lines of the same client, and asks the
log over HTTP by each of its filters. Usage: calls.py HUB_BINARY [LINES]
"""
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HUB = sys.argv[1]
LINES = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")


def start(data):
    ready = os.path.join(data, "ready.json")
    if os.path.exists(ready):
        os.remove(ready)
    hub = subprocess.Popen(
        [HUB, "demo", "--listen", "127.0.0.1:0", "--ready-file", ready, "--data-dir", data],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        if os.path.exists(ready):
            try:
                return hub, json.load(open(ready))
            except ValueError:
                pass
        time.sleep(0.1)
    raise SystemExit("the hub did not start")


def ask(base, target, headers=None, method="GET", body=None):
    request = urllib.request.Request(base + target, method=method, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def main():
    data = tempfile.mkdtemp(prefix="hub-calls-")
    hub, ready = start(data)
    key = {"X-Api-Key": ready["sandbox_key"]}
    services = json.loads(ask(ready["base_url"], "/catalog/services?page_size=50")[1])
    _, document = ask(ready["base_url"], "/openapi.json?service=" + services["items"][0]["id"])
    paths = list(json.loads(document)["paths"].items())
    for n in range(400):
        path, item = paths[n % len(paths)]
        method = next(iter(item)).upper()
        ask(ready["base_url"], "/sandbox" + path.replace("{", "x").replace("}", "x"), dict(key, **{"Content-Type": "application/json"}), method,
            b"{}" if method != "GET" else None)
    time.sleep(1)
    hub.terminate()
    hub.wait()

    base = sqlite3.connect(os.path.join(data, "hub.db"))
    columns = "request_id, client, world, operation, method, status, code, scenario, took_us, replay_of, body"
    rows = base.execute(f"SELECT at, node, {columns} FROM calls WHERE client <> ''").fetchall()
    if not rows:
        raise SystemExit("no calls were logged")
    # The seal binds a line to its time and hub, so copies of a line do not open: they lie behind the real lines, which are what
    # is found and opened.
    now = int(time.time() * 1_000_000)
    filler = []
    for n in range(LINES):
        row = rows[n % len(rows)]
        filler.append((now - 29 * 86_400_000_000 + n * 2_000_000, "filler", f"f-{n}", *row[3:]))
        if len(filler) == 20_000:
            base.executemany(f"INSERT INTO calls (at, node, {columns}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", filler)
            filler.clear()
    base.executemany(f"INSERT INTO calls (at, node, {columns}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", filler)
    base.commit()
    count = base.execute("SELECT COUNT(*) FROM calls").fetchone()[0]
    operation, status, code = rows[0][5], rows[0][7], rows[0][8]
    base.close()

    hub, ready = start(data)
    first = rows[-1][2]
    asked = {
        "client": "/developer/log?page_size=50",
        "operation": f"/developer/log?page_size=50&operation={operation}",
        "status": f"/developer/log?page_size=50&status={status}",
        "code": f"/developer/log?page_size=50&code={code}",
        "world": "/developer/log?page_size=50&world=default",
        "request id": f"/developer/log?request_id={first}",
    }
    print(f"{count} lines")
    for name, target in asked.items():
        took = []
        for _ in range(200):
            began = time.perf_counter()
            got, _ = ask(ready["base_url"], target, key)
            took.append((time.perf_counter() - began) * 1_000)
            if got != 200:
                raise SystemExit(f"{name}: {got}")
        took.sort()
        print(f"{name:12} median {statistics.median(took):7.2f} ms   p99 {took[int(len(took) * 0.99) - 1]:7.2f} ms")
    hub.terminate()
    hub.wait()
    shutil.rmtree(data)


main()
