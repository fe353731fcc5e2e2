"""What signing in costs the hub: processor time of a whole sign-in (request, page, choice, consent, code, tokens), of a silent
one, memory of 10,000 sessions, and from the test binary of hub/identity the check of a token and exchanges a second. Writes
target/bench/sso.json, and docs/figures/sso.md with --write; `--hub` leaves what is measured of hub/identity alone as it was written before.
Every loop is bounded, all traffic stays on loopback."""

import base64
import concurrent.futures
import hashlib
import html
import http.client
import json
import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

root = pathlib.Path(__file__).resolve().parents[3]
hub = os.environ.get("HUB", root / "target" / "release" / "hub")
SIGN_INS, SILENT, SESSIONS = (int(os.environ.get(n, d)) for n, d in (("SIGN_INS", "600"), ("SILENT", "2000"), ("SESSIONS", "10000")))
AT_ONCE = 16
IDENTITY = ("a token seen before", "a token never seen, against its bare signature", "token exchanges a second of processor time")
REDIRECT = "https://app.example/cb"
verifier = secrets.token_urlsafe(32)
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


class Browser:
    def __init__(self, base):
        self.base, self.cookie = base, None
        self.wire = http.client.HTTPConnection(base.split("//")[1])

    def ask(self, method, target, form=None, headers=None):
        headers = dict(headers or {}, **({"cookie": f"hub-local={self.cookie}"} if self.cookie else {}))
        body = urllib.parse.urlencode(form) if form is not None else None
        if body is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        self.wire.request(method, target, body, headers)
        answer = self.wire.getresponse()
        text = answer.read().decode()
        for value in answer.headers.get_all("set-cookie") or []:
            self.cookie = value.split("=", 1)[1].split(";")[0]
        return answer.status, answer.headers.get("location") or "", text

    def follow(self, got):
        while got[1].startswith("/"):
            got = self.ask("GET", got[1])
        return got

    def submit(self, page, **more):
        action = re.search(r'method="post" action="([^"]+)"', page).group(1)
        hidden = {n: html.unescape(v) for n, v in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)}
        return self.ask("POST", action, {**hidden, **more})


def authorize(client, **more):
    return "/sso/authorize?" + urllib.parse.urlencode({
        "client_id": client, "redirect_uri": REDIRECT, "response_type": "code", "scope": "openid profile services", "state": "s",
        "nonce": "n", "code_challenge": challenge, "code_challenge_method": "S256", **more})


def tokens(browser, client, secret, back):
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)["code"][0]
    proof = base64.b64encode(f"{client}:{secret}".encode()).decode()
    status, _, text = browser.ask("POST", "/sso/token", {
        "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": verifier},
        {"authorization": f"Basic {proof}"})
    assert status == 200, text
    return json.loads(text)


def sign_in(browser, client, persona):
    page = browser.follow(browser.ask("GET", authorize(client)))
    if page[1]:
        return page[1]
    page = browser.follow(browser.submit(page[2], persona=persona))
    if page[1]:
        return page[1]
    return browser.submit(page[2], answer="yes")[1]


def cost(pid, one, numbers, at_once):
    """Processor time of the hub for each, in milliseconds, so many at once."""
    before = processor_seconds(pid)
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        done = len(list(pool.map(one, numbers)))
    return (processor_seconds(pid) - before) * 1000 / done


def measured(base, pid, ready):
    admin = http.client.HTTPConnection(ready["admin_url"].split("//")[1])

    def register(name):
        body = {"client_name": name, "redirect_uris": [REDIRECT], "scope": "openid profile services"}
        admin.request("POST", "/admin/sso/clients", json.dumps(body),
                      {"authorization": f"Bearer {ready['admin_token']}", "content-type": "application/json"})
        made = json.loads(admin.getresponse().read())
        return made["client_id"], made["client_secret"]

    personas = [p for p in ready["subject_tokens"] if "@" not in p]
    # A fresh client a persona: everybody is asked for consent.
    clients = [register(f"app {n}") for n in range(SIGN_INS)]
    sign_in(Browser(base), clients[0][0], personas[0])

    def whole(n):
        browser, (client, secret) = Browser(base), clients[n]
        tokens(browser, client, secret, sign_in(browser, client, personas[n % len(personas)]))

    client, secret = clients[0]
    known = []
    for n in range(AT_ONCE):
        known.append(Browser(base))
        sign_in(known[-1], client, personas[n % len(personas)])

    def silent(n):
        browser = known[n % AT_ONCE]
        # One browser asks one thing at a time.
        with turns[n % AT_ONCE]:
            status, back, _ = browser.ask("GET", authorize(client, prompt="none"))
        assert "code=" in back, back

    turns = [threading.Lock() for _ in known]
    half = SIGN_INS // 2
    costs = {"sign_in_1_ms": cost(pid, whole, range(1, half), 1), f"sign_in_{AT_ONCE}_ms": cost(pid, whole, range(half, SIGN_INS), AT_ONCE),
             **{f"silent_{n}_ms": cost(pid, silent, range(SILENT), n) for n in (1, AT_ONCE)}}
    browser = Browser(base)

    idle = memory_mib(pid)
    for n in range(SESSIONS):
        browser.cookie = None
        page = browser.follow(browser.ask("GET", authorize(client)))
        browser.submit(page[2], persona=personas[n % len(personas)])
    return {**costs, "sessions": SESSIONS, "sessions_mib": memory_mib(pid) - idle}


def by_itself():
    command = ["cargo", "nextest", "run", "--offline", "--locked", "--cargo-profile", "release", "-p", "hub-identity",
               "--run-ignored", "only", "--no-capture", "-E", "test(figures)"]
    out = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=1800)
    line = re.search(r"FIGURES (\{.*\})", out.stdout + out.stderr)
    if not line:
        sys.exit("the figures of hub/identity are missing:\n" + out.stderr[-2000:])
    return json.loads(line.group(1))


def of_identity(figures):
    first, bare = figures["check_first_us"], figures["signature_us"]
    values = (f"{figures['check_cached_us']:.2f} µs", f"{first:.0f} µs : {bare:.0f} µs = {first / bare:.2f}", f"{figures['exchanges_per_core_second']:.0f}")
    return zip(IDENTITY, values, ("2 µs", "the signature's speed", "8,000"))


def main():
    with tempfile.TemporaryDirectory() as data:
        ready_file = pathlib.Path(data) / "ready.json"
        log = open(pathlib.Path(data) / "log", "w")
        process = subprocess.Popen([hub, "demo", "--listen", "127.0.0.1:0", "--data-dir", data, "--ready-file", ready_file], cwd=root,
                                   stdout=log, stderr=subprocess.STDOUT)
        try:
            for _ in range(600):
                if ready_file.exists() or process.poll() is not None:
                    break
                time.sleep(0.1)
            ready = json.loads(ready_file.read_text())
            figures = measured(ready["base_url"], process.pid, ready)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    # Said at once: what follows is built first.
    print(json.dumps(figures), flush=True)
    (root / "target" / "bench").mkdir(parents=True, exist_ok=True)
    alone = "--hub" not in sys.argv
    figures.update(by_itself() if alone else {})
    (root / "target" / "bench" / "sso.json").write_text(json.dumps(figures, indent=1))
    ways = ((1, "one after the other"), (AT_ONCE, f"{AT_ONCE} at once"))
    rows = [
        *((f"a whole sign-in with consent and tokens, processor time, {how}", f"{figures[f'sign_in_{n}_ms']:.2f} ms", "1 ms") for n, how in ways),
        *((f"a silent sign-in (`prompt=none`), processor time, {how}", f"{figures[f'silent_{n}_ms']:.2f} ms", "0.3 ms") for n, how in ways),
        *(of_identity(figures) if alone else []),
        (f"memory of {figures['sessions']:,} sessions", f"{figures['sessions_mib']:.0f} MiB", "60 MiB"),
    ]
    page = "# Signing in: what it costs\n\nMade by `hub/server/bench/sso.py --write` (release, one machine; read them as sizes).\n\n| | measured | aim |\n|---|---|---|\n"
    page += "".join(f"| {name} | {value} | {aim} |\n" for name, value, aim in rows)
    print(page)
    if "--write" in sys.argv:
        file = root / "docs" / "figures" / "sso.md"
        # Beside it stands what withdrawn.py measures, and what was not measured now.
        kept = ("| consent withdrawn",) if alone else ("| consent withdrawn", *(f"| {name} |" for name in IDENTITY))
        page += "".join(f"{line}\n" for line in file.read_text().splitlines() if line.startswith(kept))
        file.write_text(page)


if __name__ == "__main__":
    main()
