"""One interleaved run: a fixed upstream called directly, through nginx as a bare reverse proxy, and through the hub with
everything on (key, limits, validation both ways, trail). Whoever is measured runs alone on one core; the upstream and
the load generator share the other. Prints a table and writes target/bench/result.json. Every loop is bounded and all
traffic stays on loopback."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request

here = pathlib.Path(__file__).resolve().parent
root = here.parents[2]
work = root / "target" / "bench"
hub = root / "target" / "release" / "hub"
ROUNDS, SECONDS, CONNECTIONS = int(os.environ.get("ROUNDS", "3")), int(os.environ.get("SECONDS", "4")), 32
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def readings():
    return [{"at": f"2026-04-08T{h:02d}:{m:02d}:00+08:00", "value": 12.5 + h} for h in range(8, 17) for m in (0, 30)]


ANSWER = json.dumps({"item_no": "42", "title": "readings of one station", "readings": readings()}, separators=(",", ":"))
QUERY = json.dumps({"words": [f"keyword-{i:02d}-{'x' * 10}" for i in range(18)], "from": "2026-01-01", "to": "2026-12-31"})


def start(command, core, log, **more):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stdout=open(work / log, "w"),
                            stderr=subprocess.STDOUT, **more)


def wait_port(port):
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nothing listens on {port}")


def nginx(name, port, location, core):
    home = work / name
    (home / "logs").mkdir(parents=True, exist_ok=True)
    (home / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 10000000; default_type application/json;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  upstream fixed {{ server 127.0.0.1:{ports['upstream']}; keepalive 64; keepalive_requests 10000000; }}
  server {{ listen 127.0.0.1:{port}; {location} }}
}}""")
    return start(["nginx", "-p", home, "-c", home / "nginx.conf"], core, f"{name}.log")


def children(pid):
    found = [pid]
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(parts[1]) in found:
            found.append(int(entry.parent.name))
    return found


def cpu_seconds(pid):
    total = 0
    for p in children(pid):
        try:
            parts = pathlib.Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(parts[11]) + int(parts[12])
    return total / TICK


def milliseconds(text):
    found = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if not found:
        sys.exit(f"wrk measured nothing of use: {text}")
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[found[2]]


def load(url, method, headers):
    lines = [f'wrk.method = "{method}"']
    lines += [f'wrk.headers["{k}"] = "{v}"' for k, v in headers.items()]
    if method == "POST":
        lines += [f"wrk.body = [[{QUERY}]]", 'wrk.headers["Content-Type"] = "application/json"']
    script = work / "load.lua"
    script.write_text("\n".join(lines))
    out = subprocess.run(["taskset", "-c", "0", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", script, url],
                         capture_output=True, text=True, timeout=SECONDS * 10 + 30).stdout
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if failed:
        sys.exit(f"{url}: {failed.group(1)} of {requests} answers were errors")
    return {"requests": requests, "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
            "p50_ms": milliseconds(re.search(r"^\s+50%\s+(\S+)", out, re.M).group(1)),
            "p99_ms": milliseconds(re.search(r"^\s+99%\s+(\S+)", out, re.M).group(1))}


def arrive(url, method, headers, rps):
    """Calls that do not wait for each other, so many a second."""
    asked = {"headers": headers, "body": QUERY if method == "POST" else None}
    done = subprocess.run(["taskset", "-c", "0", sys.executable, here / "arrivals.py", url, method, str(rps), str(SECONDS), str(CONNECTIONS)],
                          input=json.dumps(asked), capture_output=True, text=True, timeout=SECONDS * 10 + 30)
    return json.loads(done.stdout) if done.returncode == 0 else sys.exit(done.stderr)


def resident_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
ports = {name: free_port() for name in ("upstream", "nginx", "hub")}
processes, result = [], {"connections": CONNECTIONS, "seconds": SECONDS, "rounds": ROUNDS, "answer_bytes": len(ANSWER), "query_bytes": len(QUERY)}
try:
    processes.append(nginx("upstream", ports["upstream"], f"location / {{ return 200 '{ANSWER}'; }}", 0))
    wait_port(ports["upstream"])
    proxy = nginx("nginx", ports["nginx"], 'location / { proxy_pass http://fixed; proxy_http_version 1.1; proxy_set_header Connection ""; }', 1)
    processes.append(proxy)
    city, ready = here / "city", work / "ready.json"
    gateway = start([hub, "serve", "--specs", city / "specs", "--connectors", city / "connectors", "--policies", root / "policies",
                     "--listen", f"127.0.0.1:{ports['hub']}", "--admin-listen", "127.0.0.1:0", "--data-dir", work / "data", "--ready-file", ready], 1, "hub.log",
                    env={**os.environ, "UPSTREAM_BENCH_ITEMS": f"http://127.0.0.1:{ports['upstream']}", "HUB_LOG_LEVEL": "warn"})
    processes.append(gateway)
    wait_port(ports["hub"]), wait_port(ports["nginx"])
    for _ in range(100):
        if ready.exists() and ready.read_text().strip():
            break
        time.sleep(0.1)
    made = subprocess.run([hub, "client", "new", "--tenant", "bench", "--plan", "house", "--data-dir", work / "data", "--json"],
                          capture_output=True, text=True, check=True)
    key = json.loads(made.stdout)["key"]
    targets = {"direct": (f"http://127.0.0.1:{ports['upstream']}", None, {}),
               "nginx": (f"http://127.0.0.1:{ports['nginx']}", proxy, {}),
               "hub": (f"http://127.0.0.1:{ports['hub']}/gateway/bench/items/v1", gateway, {"X-Api-Key": key})}
    runs = {}
    for round_no in range(ROUNDS + 1):
        for method, path in (("GET", "/items/42"), ("POST", "/items")):
            for name, (base, process, headers) in targets.items():
                before = cpu_seconds(process.pid) if process else 0
                figures = load(base + path, method, headers)
                if process:
                    figures["cpu_s_per_10k"] = (cpu_seconds(process.pid) - before) / figures["requests"] * 10_000
                if round_no:  # the first round warms up
                    runs.setdefault(f"{method} {name}", []).append(figures)
    for name, figures in runs.items():
        result[name] = {k: round(statistics.median(f[k] for f in figures), 3) for k in figures[0]}
    for method, path in (("GET", "/items/42"), ("POST", "/items")):
        result[f"{method} hub / nginx"] = round(result[f"{method} hub"]["rps"] / result[f"{method} nginx"]["rps"], 3)
        rate = result[f"{method} hub"]["rps"] / 2
        half = {}
        for _ in range(ROUNDS):
            for name, (base, _, headers) in targets.items():
                half.setdefault(name, []).append(arrive(base + path, method, headers, rate)["p99_ms"])
        half = {name: statistics.median(all) for name, all in half.items()}
        result[f"{method} half load"] = {"rps": round(rate), "p99_added_ms": round(half["hub"] - half["direct"], 3),
                                         "nginx_p99_added_ms": round(half["nginx"] - half["direct"], 3)}
finally:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(20)

ready = work / "city.json"
began = time.monotonic()
city = start([hub, "demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir", work / "city", "--ready-file", ready,
              "--specs", root / "specs", "--connectors", root / "connectors", "--policies", root / "policies"], 1, "city.log")
try:
    while not (ready.exists() and ready.read_text().strip()):
        if city.poll() is not None or time.monotonic() - began > 60:
            sys.exit("the reference city did not start; see target/bench/city.log")
        time.sleep(0.01)
    result["city_start_s"] = round(time.monotonic() - began, 2)
    result["idle_memory_mib"] = round(resident_mib(city.pid), 1)
    base = json.loads(ready.read_text())["base_url"]
    samples = []
    for query in ("公积金", "gongjijin", "sb", "hospital appointment", "居住证积分") * 40:
        at = time.perf_counter()
        urllib.request.urlopen(f"{base}/catalog/services?q={urllib.parse.quote(query)}").read()
        samples.append((time.perf_counter() - at) * 1000)
    result["search_ms"] = {"p50": round(statistics.median(samples), 2), "p99": round(statistics.quantiles(samples, n=100)[98], 2)}
finally:
    city.send_signal(signal.SIGTERM)
    city.wait(20)
checked = json.loads(subprocess.run([hub, "check", "--json", "--specs", root / "specs", "--connectors", root / "connectors",
                                     "--policies", root / "policies"], capture_output=True, text=True).stdout)
result["catalog_load_s"] = checked.get("load_seconds")
result["services"] = checked.get("services")

(work / "result.json").write_text(json.dumps(result, indent=2))
print(json.dumps(result, indent=2))
targets_met = [("hub at least 0.3 of nginx (GET)", result["GET hub / nginx"] >= 0.3), ("hub at least 0.3 of nginx (POST)", result["POST hub / nginx"] >= 0.3),
               ("p99 added under 1 ms at half load (GET)", result["GET half load"]["p99_added_ms"] < 1),
               ("catalog loaded in under 1.5 s", (result["catalog_load_s"] or 99) < 1.5), ("idle memory under 200 MiB", result["idle_memory_mib"] < 200)]
for name, met in targets_met:
    print(("met     " if met else "NOT MET ") + name)
sys.exit(0 if all(met for _, met in targets_met) else 1)
