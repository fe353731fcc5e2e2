"""A developer's server that checks what it is sent with the library of the Standard Webhooks specification: what the hub signs,
and what `hub listen` signs. Used by judge.py."""

import http.server
import json
import subprocess
import threading
import time
import urllib.request

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

# The reference city's event that anybody may apply for.
APPLY = "/forest/lic/v1/event-approval-in-parks"


class Receiver:
    """Takes everything; what was signed with none of its secrets is counted."""

    def __init__(self):
        self.secrets, self.good, self.bad = [], [], []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                text = self.rfile.read(int(self.headers["content-length"]))
                body = json.loads(text)
                if body["type"] == "webhook.challenge":
                    answer = json.dumps({"challenge": body["challenge"]}).encode()
                else:
                    answer = b""
                    receiver.take(text, self.headers, body)
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, text, headers, body):
        for secret in self.secrets:
            try:
                Webhook(secret).verify(text, dict(headers))
                self.good.append(body)
                return
            except WebhookVerificationError as error:
                last = str(error)
        self.bad.append(f"{body['type']}: {last if self.secrets else 'no secret'}")

    def wait(self, kinds):
        until = time.monotonic() + 20
        while time.monotonic() < until and not set(kinds) <= {b["type"] for b in self.good}:
            time.sleep(0.05)
        return set(kinds) <= {b["type"] for b in self.good} and not self.bad, f"{[b['type'] for b in self.good]} {self.bad}"


def judge(check, ready, work, hub, example):
    base, key = ready["base_url"].rstrip("/"), ready["sandbox_key"]

    def ask(method, path, body=None, **headers):
        data = None if body is None else json.dumps(body).encode()
        names = {"x-api-key": key, "content-type": "application/json", **{n.replace("_", "-"): v for n, v in headers.items()}}
        with urllib.request.urlopen(urllib.request.Request(base + path, data, names, method=method), timeout=30) as answer:
            return json.loads(answer.read())

    (work / "listen.json").unlink(missing_ok=True)
    hook, listened = Receiver(), Receiver()
    listener = None
    try:
        made = ask("POST", "/developer/webhooks", {"url": hook.url})
        hook.secrets.append(made["secret"])
        check("a webhook is proven by its challenge", made["state"] == "active", str(made))
        listener = subprocess.Popen(
            [hub, "listen", "--hub", base, "--key", key, "--forward", listened.url, "--cursor-file", work / "listen.json", "--since", "0", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        listened.secrets.append(json.loads(listener.stdout.readline())["secret"])
        world = ask("POST", "/sandbox/_worlds", {"clock": "2026-03-03T09:00:00+08:00"})["id"]
        ask("POST", f"/sandbox{APPLY}", example, hub_world=world, hub_scenario="pending; days=60", hub_persona="zheng-haiyan@yunfan-tech")
        ask("POST", "/sandbox/_clock", {"advance": "21wd"}, hub_world=world)
        kinds = ["case.submitted", "case.overdue-warning", "case.overdue"]
        check("the specification's library verifies what a webhook is sent", *hook.wait(kinds))
        check("the specification's library verifies what hub listen forwards", *listened.wait(kinds))
        hook.secrets = [ask("POST", f"/developer/webhooks/{made['id']}/secret", {"overlap_hours": 1})["secret"]]
        tested = ask("POST", f"/developer/webhooks/{made['id']}/test", {})
        check("it verifies one of two signatures while a secret is replaced", tested["arrived"] and not hook.bad, f"{tested} {hook.bad}")
    finally:
        if listener:
            listener.kill()
            listener.wait()
        hook.server.shutdown()
        listened.server.shutdown()
