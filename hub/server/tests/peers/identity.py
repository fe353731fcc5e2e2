"""Puts identity providers that others wrote in front of a hub and lets people come from there: oidc-provider (npm),
django-cas-server (PyPI) and samlp (npm)."""

import json
import os
import shutil
import subprocess
import time
import urllib.request

SECRET = "peers-only-secret"
FILES = {
    "oidc": "name: {{zh: 同行, en: Peer}}\ndialect: oidc\nissuer: {address}\ninner: true\nmost: R2\nassurance: R1\n"
            "client: {{id: city-hub, secret: 'secret:key'}}\nscope: [profile]\nuserinfo: true\nclaims: {{name: name}}\n",
    "cas": "name: {{zh: 同行, en: Peer}}\ndialect: cas\nserver: {address}\ninner: true\nmost: R2\n"
           "claims: {{name: displayName}}\nassurance: {{from: assurance, table: {{sms: R1}}, else: R0}}\n",
    "saml": "name: {{zh: 同行, en: Peer}}\ndialect: saml\nmetadata: peer-idp.xml\ninner: true\nmost: R2\nsigned: assertion\n"
            "claims: {{name: displayName}}\nsigning: {{key: 'secret:key'}}\n"
            "assurance: {{from: authn_context, table: {{'urn:oasis:names:tc:SAML:2.0:ac:classes:Password': R1}}, else: R0}}\n",
}
NAMES = {"oidc": "oidc-provider", "cas": "django-cas-server", "saml": "samlp"}


def started(command, log, **more):
    """A process and the first line it prints."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, **more)
    return process, process.stdout.readline().strip()


def judge(check, here, work, hub, policies):
    for kind in FILES:
        place = work / f"identity-{kind}"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(policies, place / "policies")
        for name in ("specs", "connectors"):
            (place / name).mkdir()
        running = []
        try:
            with open(place / "log", "w", encoding="utf-8") as log:
                ok, detail = arrive(kind, here, work, hub, place, running, log)
            check(f"people come from {NAMES[kind]}", ok,
                  detail + (place / "log").read_text(encoding="utf-8")[-3000:])
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait(timeout=20)


def arrive(kind, here, work, hub, place, running, log):
    # The hub's port is known beforehand, because the provider registers its way back.
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    if kind == "oidc":
        process, address = started(["node", str(here / "idp.mjs"), str(work), base, SECRET], log)
    elif kind == "saml":
        process, address = started(["node", str(here / "saml.mjs"), str(work), str(here.parents[3]), base], log)
        with urllib.request.urlopen(f"{address}/metadata", timeout=20) as answer:
            (place / "policies/identity/peer-idp.xml").write_bytes(answer.read())
    else:
        process, address = started([str(work / "venv/bin/python"), str(here / "cas.py"), str(place / "cas")], log)
    running.append(process)
    (place / "policies/identity/peer.yaml").write_text(FILES[kind].format(address=address), encoding="utf-8")
    key = (here.parents[3] / "hub/crypto/tests/rsa/pkcs8.b64").read_text(encoding="utf-8") if kind == "saml" else SECRET
    environment = dict(os.environ, HUB_SECRET_IDENTITY_PEER_KEY=key)
    ready = place / "ready.json"
    running.append(subprocess.Popen(
        [str(hub), "demo", "--listen", f"127.0.0.1:{port}", "--admin-listen", "127.0.0.1:0", "--data-dir", str(place / "data"),
         "--ready-file", str(ready), "--specs", str(place / "specs"), "--connectors", str(place / "connectors"),
         "--policies", str(place / "policies")],
        stdout=log, stderr=log, env=environment))
    for _ in range(300):
        if ready.is_file() and ready.read_text(encoding="utf-8").strip():
            break
        time.sleep(0.1)
    done = subprocess.run(["node", str(here / "arrive.mjs"), str(work), str(ready), kind], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        return False, (done.stdout + done.stderr)[-3000:]
    told = json.loads(done.stdout)
    return bool(told["signed_in"] and told["same_person"] and told["assurance"] == "R1"), done.stdout


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
