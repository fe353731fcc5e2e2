"""`hub mock` and Prism in one interleaved run: requests a second for a description of 3 and of 5,000 operations, time from
the start to the first answer for a description of 1 MiB, memory. Whoever is measured runs alone on one core, the load
generator on the other; ids change from request to request; both check requests and answers. How flat the hub is comes from
pairs of short loads, whose order changes from pair to pair: a machine that others use, too, is twice as fast in one minute
as in the next. Prism is installed by npm
below target/ in the version named here; where that fails the hub is measured alone. Writes docs/figures/mock-speed.md
with --write, and target/mock-bench/result.json always. Every loop is bounded, all traffic stays on loopback."""

import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

root = pathlib.Path(__file__).resolve().parents[3]
work = root / "target" / "mock-bench"
hub = os.environ.get("HUB", root / "target" / "release" / "hub")
PRISM = "5.16.0"
ROUNDS, SECONDS, CONNECTIONS = int(os.environ.get("ROUNDS", "3")), int(os.environ.get("SECONDS", "4")), 32
OPERATIONS = (3, 5000)


def description(operations):
    thing = {"type": "object", "required": ["id", "title", "status", "created"],
             "properties": {"id": {"type": "integer", "minimum": 1}, "title": {"type": "string", "maxLength": 40},
                            "status": {"type": "string", "enum": ["open", "closed", "waiting"]},
                            "created": {"type": "string", "format": "date-time"}, "amount": {"type": "number", "minimum": 0, "maximum": 9999},
                            "tags": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 4},
                            "owner": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "phone": {"type": "string", "pattern": "^1[3-9][0-9]{9}$"}}}}}
    answer = {"200": {"description": "one", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
              "404": {"description": "none"}}
    path = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
    query = {"name": "lang", "in": "query", "schema": {"type": "string", "enum": ["zh", "en"]}}
    paths = {f"/things{n}/{{id}}": {"get": {"operationId": f"thing{n}", "summary": f"One of the things number {n}", "parameters": [path, query], "responses": answer}}
             for n in range(operations)}
    return {"openapi": "3.0.3", "info": {"title": "Things", "version": "1"}, "paths": paths, "components": {"schemas": {"Thing": thing}}}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(command, log):
    return subprocess.Popen(["taskset", "-c", "1", *map(str, command)], stdout=open(work / log, "w"), stderr=subprocess.STDOUT, cwd=work)


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()


def first_answer(url, process, patience):
    """Seconds until an answer comes; None where none does."""
    began = time.monotonic()
    while time.monotonic() - began < patience and process.poll() is None:
        try:
            if urllib.request.urlopen(url, timeout=patience).status == 200:
                return time.monotonic() - began
        except OSError:
            time.sleep(0.002)
    return None


def memory_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def peak_mib(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def load(base, operations, seconds=SECONDS):
    script = work / "load.lua"
    script.write_text(f'local n = 0\nfunction request()\n  n = n + 1\n  return wrk.format("GET", "/things" .. (n * 7919 % {operations}) .. "/" .. (n % 100000 + 1) .. "?lang=zh")\nend\n')
    out = subprocess.run(["taskset", "-c", "0", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", script, base],
                         capture_output=True, text=True, timeout=seconds * 10 + 60).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if failed:
        sys.exit(f"{base}: {failed.group(1)} answers were errors")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def flatness(few, many):
    """Requests a second with many operations over those with few: the median of pairs of one second each."""
    bases, processes, ratios = {}, [], []
    try:
        for operations in (few, many):
            port = free_port()
            bases[operations] = f"http://127.0.0.1:{port}"
            processes.append(start([hub, "mock", files[operations], "--listen", f"127.0.0.1:{port}"], "flat.log"))
            if first_answer(f"{bases[operations]}/things1/1", processes[-1], 120) is None:
                sys.exit(f"hub did not answer for {operations} operations")
            load(bases[operations], operations)
        for pair in range(10 * ROUNDS):
            order = (few, many) if pair % 2 else (many, few)
            rps = {operations: load(bases[operations], operations, 1) for operations in order}
            ratios.append(rps[many] / rps[few])
    finally:
        for process in processes:
            stop(process)
    return statistics.median(ratios)


def prism():
    home = work / "prism"
    binary = home / "node_modules" / ".bin" / "prism"
    if not binary.exists():
        home.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"@stoplight/prism-cli@{PRISM}"], cwd=home, capture_output=True, timeout=300)
        if done.returncode or not binary.exists():
            print("Prism could not be installed; the hub is measured alone", file=sys.stderr)
            return None
    return binary


def commands(file, port):
    named = {"hub": [hub, "mock", file, "--listen", f"127.0.0.1:{port}"]}
    if prism_binary:
        # -d invents as the hub does; without it Prism sends the same bytes for every id.
        named["prism"] = [prism_binary, "mock", "-d", "-p", port, "-h", "127.0.0.1", "-v", "fatal", file]
    return named


work.mkdir(parents=True, exist_ok=True)
prism_binary = prism()
files = {}
for count in OPERATIONS:
    files[count] = work / f"things-{count}.json"
    files[count].write_text(json.dumps(description(count)))
big, count = work / "things-1mib.json", 100
while len(json.dumps(description(count))) < 1 << 20:
    count += 50
big.write_text(json.dumps(description(count)))

result = {"connections": CONNECTIONS, "seconds": SECONDS, "rounds": ROUNDS, "prism": PRISM if prism_binary else None}
runs = {}
for round_no in range(ROUNDS):
    for operations, file in files.items():
        port = free_port()
        for name, command in commands(file, port).items():
            process = start(command, f"{name}.log")
            try:
                if first_answer(f"http://127.0.0.1:{port}/things1/1", process, 120) is None:
                    sys.exit(f"{name} did not answer for {operations} operations; see {work / f'{name}.log'}")
                load(f"http://127.0.0.1:{port}", operations) if round_no == 0 else None
                runs.setdefault(f"{name} {operations} rps", []).append(load(f"http://127.0.0.1:{port}", operations))
                runs.setdefault(f"{name} {operations} mib", []).append(memory_mib(process.pid))
            finally:
                stop(process)
    port = free_port()
    for name, command in commands(big, port).items():
        began = time.monotonic()
        process = start(command, f"{name}.log")
        try:
            if first_answer(f"http://127.0.0.1:{port}/things1/1", process, 120) is None:
                sys.exit(f"{name} did not answer for {big}")
            runs.setdefault(f"{name} start ms", []).append((time.monotonic() - began) * 1000)
            runs.setdefault(f"{name} 1mib mib", []).append(peak_mib(process.pid))
        finally:
            stop(process)
result |= {name: round(statistics.median(values), 1) for name, values in runs.items()}
few, many = OPERATIONS
result["flat"] = round(flatness(few, many), 3)
if prism_binary:
    result["times prism"] = round(result[f"hub {few} rps"] / result[f"prism {few} rps"], 1)
(work / "result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))

names = ["hub", "prism"] if prism_binary else ["hub"]
rows = [(f"GET a second, {n} operations", f"{n} rps", "") for n in OPERATIONS]
rows += [(f"memory under load, {n} operations, MiB", f"{n} mib", "") for n in OPERATIONS]
rows += [("from start to first answer, 1 MiB, ms", "start ms", ""), ("peak memory after it, 1 MiB, MiB", "1mib mib", "")]
page = ["# How fast `hub mock` answers", "",
        f"Written by `hub/server/bench/mock.py --write`: medians of {ROUNDS} interleaved rounds of {SECONDS} s with {CONNECTIONS} connections, each server alone on one core"
        + (f", Prism {PRISM} with `-d`." if prism_binary else "."), "",
        "| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
page += [f"| {label} | " + " | ".join(f"{result[f'{name} {key}']:,.0f}" for name in names) + " |" for label, key, _ in rows]
targets = [("within 10 % from 3 to 5,000 operations", abs(1 - result["flat"]) <= 0.1), ("1 MiB answers in under 300 ms", result["hub start ms"] < 300),
           ("memory under 100 MiB", max(result[f"hub {n} mib"] for n in OPERATIONS) < 100 and result["hub 1mib mib"] < 100)]
if prism_binary:
    targets.append(("at least 15 times Prism", result["times prism"] >= 15))
page += ["", f"{many:,} operations against {few}, median of {10 * ROUNDS} pairs of one second whose order changes: {result['flat']:.2f}."]
page += [""] + [f"- {'met' if met else '**not met**'}: {name}" for name, met in targets]
if "--write" in sys.argv:
    (root / "docs" / "figures" / "mock-speed.md").write_text("\n".join(page) + "\n")
for name, met in targets:
    print(("met     " if met else "NOT MET ") + name)
sys.exit(0 if all(met for _, met in targets) else 1)
