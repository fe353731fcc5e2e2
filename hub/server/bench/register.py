"""From a file of 1 MiB to an answered sandbox call, and from the reviewer's word to every worker: how long, in a release build.

Prints one JSON object. Part of `make bench`; it starts a hub of its own on loopback and ends it."""

import json
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

root = pathlib.Path(__file__).resolve().parents[3]
hub = root / "target" / "release" / "hub"
SIZE = 1 << 20
ROUNDS = 5


def description(number):
    """Operations with nested schemas until the text has 1 MiB."""
    paths, schemas, size, i = [], [], 0, 0
    while size < SIZE:
        path = f"""  /records/{i}/{{no}}:
    get:
      operationId: getRecord{i}
      summary: Record {i}
      description: Returns one record of kind {i}, with its owner and its history.
      parameters: [{{name: no, in: path, required: true, schema: {{type: string, maxLength: 20}}}}]
      responses:
        '200': {{description: the record, content: {{application/json: {{schema: {{$ref: '#/components/schemas/Record{i}'}}}}}}}}
        default: {{description: a problem, content: {{application/problem+json: {{schema: {{type: object}}}}}}}}
"""
        schema = f"""    Record{i}:
      type: object
      required: [no, state, amount]
      properties:
        no: {{type: string, maxLength: 20}}
        state: {{type: string, enum: [open, closed, moved]}}
        amount: {{type: integer, minimum: 0, maximum: 100000000}}
        owner: {{type: object, properties: {{name: {{type: string, maxLength: 60}}, since: {{type: string, format: date}}}}}}
        history: {{type: array, maxItems: 20, items: {{type: object, properties: {{at: {{type: string, format: date-time}}, what: {{type: string, maxLength: 200}}}}}}}}
"""
        paths.append(path), schemas.append(schema)
        size += len(path) + len(schema)
        i += 1
    head = f"openapi: 3.1.0\ninfo: {{title: Bench {number}, version: 1.0.0}}\nservers: [{{url: 'https://bench.example'}}]\n"
    return head + "paths:\n" + "".join(paths) + "components:\n  schemas:\n" + "".join(schemas), i


def ask(method, url, token=None, body=None, media="application/octet-stream"):
    headers = {"Content-Type": media} if body is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method, headers=headers), timeout=60) as answer:
        return answer.read()


work = pathlib.Path(tempfile.mkdtemp())
ready = work / "ready.json"
server = subprocess.Popen([hub, "demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir", work / "data", "--ready-file", ready],
                          cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    while not (ready.exists() and ready.read_text().strip()):
        if server.poll() is not None:
            sys.exit("the hub did not start")
        time.sleep(0.05)
    given = json.loads(ready.read_text())
    tokens, base = given["desk_tokens"], given["base_url"]
    callable_after, published_after = [], []
    for number in range(ROUNDS):
        text, operations = description(number)
        started = time.monotonic()
        version = json.loads(ask("POST", f"{base}/registry/versions?file=bench.yaml&system=bench-{number}", tokens["clerk"], text.encode()))
        ask(version["example"]["method"], version["example"]["url"])
        callable_after.append(time.monotonic() - started)
    small = description(0)[0].split("  /records/3/")[0] + "components:\n  schemas:\n" + description(0)[0].split("components:\n  schemas:\n")[1].split("    Record3:")[0]
    for number in range(ROUNDS):
        text = small.replace("1.0.0", f"1.{number}.0")
        version = json.loads(ask("POST", f"{base}/registry/versions?file=small.yaml&system=small", tokens["clerk"], text.encode()))
        steps = f"{base}/registry/versions/{version['id']}/steps"
        ask("POST", steps, tokens["clerk"], b'{"step": "ask"}', "application/json")
        started = time.monotonic()
        ask("POST", steps, tokens["reviewer"], b'{"step": "approve"}', "application/json")
        published_after.append(time.monotonic() - started)
    print(json.dumps({
        "bytes": SIZE, "operations": operations,
        "read_linted_callable_ms": round(statistics.median(callable_after) * 1000),
        "approved_to_called_ms": round(statistics.median(published_after) * 1000),
    }))
finally:
    server.send_signal(signal.SIGTERM)
    server.wait(30)
    shutil.rmtree(work, ignore_errors=True)
