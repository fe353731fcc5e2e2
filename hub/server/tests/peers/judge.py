"""Judges the unified document of a running hub with Redocly and openapi-spec-validator, generates a Python client from
it and calls ten services through that client. Prints one line a check and ends with `N passed, N failed`."""

import concurrent.futures
import importlib
import json
import keyword
import pathlib
import re
import subprocess
import sys
import urllib.request

import contract
import identity
import independent
import proposed
import specmatic
import told

work = pathlib.Path(sys.argv[1])
ready = json.loads((work / "ready.json").read_text())
base = ready["base_url"].rstrip("/")
results = []


def check(name, ok, detail=""):
    results.append(ok)
    print(("ok      " if ok else "FAILED  ") + name + ("" if ok else "\n" + detail))


def fetch(path, name):
    with urllib.request.urlopen(base + path, timeout=120) as answer:
        body = answer.read()
    target = work / name
    target.write_bytes(body)
    return target


def run(*command, timeout=900):
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=timeout)
    return done.returncode == 0, (done.stdout + done.stderr)[-3000:]


unified = fetch("/openapi.json", "unified.json")
older = fetch("/openapi.json?version=3.0", "unified-3.0.json")
fetch("/openapi.yaml", "unified.yaml")
own = fetch("/hub/openapi.json", "hub.json")

# Redocly's `spec` rules say what the OpenAPI specification demands; style rules are a matter of house taste.
(work / "redocly.yaml").write_text("extends: [spec]\nrules:\n  no-server-example.com: off\n")
for document in (unified, older, work / "unified.yaml", own):
    check(f"redocly accepts {document.name}",
          *run("node_modules/.bin/redocly", "lint", "--config", "redocly.yaml", "--format", "summary", document.name))
for document in (unified, older, own):
    check(f"openapi-spec-validator accepts {document.name}", *run("openapi-spec-validator", document.name))

document = json.loads(unified.read_text())
ids = [op["operationId"] for item in document["paths"].values() for op in item.values() if isinstance(op, dict) and "operationId" in op]
check("operationIds are unique", len(ids) == len(set(ids)) and len(ids) > 0, f"{len(ids)} ids, {len(set(ids))} distinct")


def example_body(operation):
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    for example in content.get("examples", {}).values():
        return example["value"]
    return content.get("example")


def ten_operations():
    """One operation an agency, the first ones that have everything needed in their examples."""
    agencies, chosen = set(), []
    for path, item in document["paths"].items():
        agency = path.split("/")[1]
        for method, operation in item.items():
            if agency in agencies or len(chosen) == 10 or not isinstance(operation, dict) or method != "post":
                continue
            required = [p for p in operation.get("parameters", []) if p.get("required") or p.get("in") == "path"]
            if "{" in path or required or example_body(operation) is None:
                continue
            agencies.add(agency)
            chosen.append((path, method, operation))
    return chosen


chosen = ten_operations()
small = {**document, "paths": {path: {method: operation} for path, method, operation in chosen}}
(work / "ten.json").write_text(json.dumps(small, ensure_ascii=False))
subprocess.run(["rm", "-rf", str(work / "client")], check=True)
(work / "client.yaml").write_text("project_name_override: client\npackage_name_override: hub_client\n")
ok, detail = run("openapi-python-client", "generate", "--path", "ten.json", "--output-path", "client", "--overwrite",
                 "--meta", "none", "--config", "client.yaml", "--fail-on-warning")
check("a client is generated from the unified document", ok and (work / "client" / "client.py").exists(), detail)

sys.path.insert(0, str(work))
if (work / "client" / "client.py").exists():
    client_type = importlib.import_module("client.client").Client
    headers = {"X-Api-Key": ready["sandbox_key"]}
    client = client_type(base_url=f"{base}/sandbox", headers=headers, timeout=30.0)
    for path, method, operation in chosen:
        snake = re.sub(r"_+", "_", re.sub(r"[^0-9a-zA-Z]+", "_", operation["operationId"])).lower()
        module = next((m for m in (work / "client" / "api").rglob("*.py") if m.stem in (snake, snake + "_")), None)
        if module is None or keyword.iskeyword(snake):
            check(f"client has {operation['operationId']}", False, f"no module {snake}")
            continue
        name = ".".join(module.relative_to(work).with_suffix("").parts)
        call = importlib.import_module(name)
        body_type = next((t for t in (call.sync_detailed.__annotations__ or {}).items() if t[0] == "body"), None)
        models = importlib.import_module("client.models")
        hint = str(body_type[1]) if body_type else ""
        names = sorted((n for n in dir(models) if isinstance(getattr(models, n), type)), key=len, reverse=True)
        model = next((getattr(models, n) for n in names if n in hint), None)
        body = example_body(operation)
        answer = call.sync_detailed(client=client, body=model.from_dict(body) if model else body)
        parsed = type(answer.parsed).__name__
        check(f"client calls {operation['operationId']} -> {int(answer.status_code)} {parsed}",
              200 <= int(answer.status_code) < 300 and answer.parsed is not None, answer.content.decode()[:600])
check("ten services were chosen", len(chosen) == 10, str(len(chosen)))

here = pathlib.Path(__file__).resolve().parent
root = here.parents[3]
hub = root / "target" / "debug" / "hub"
# Two agencies with a handful of operations, and two of their descriptions; whoever has the corpus has others' too.
tags = [tag["name"] for tag in document["tags"]]
sizes = {tag: sum(path.split("/")[1] == tag for path in document["paths"]) for tag in tags}
chosen = [tag for tag in tags if 6 <= sizes[tag] <= 10][:2]
tool = str(work / "venv" / "bin" / "st")
ours = [sorted(p for p in (root / "specs" / a).glob("*.yaml") if p.name != "agency.yaml")[0] for a in chosen]
others = contract.of_others(root)


def served_alone():
    """What `hub mock` serves needs no city: it is judged beside the rest."""
    contract.served_alone(root, tool, check, ours + others)
    specmatic.judge(root, work, ready, check, ours[:1] + [path for path in others if path.stat().st_size < 30_000][:6], [])


running = concurrent.futures.ThreadPoolExecutor(1).submit(served_alone)
check("who has never been here has an answer by one click or one pasted line, on a phone and on a desktop",
      *run("node", str(here / "first.mjs"), str(work), timeout=120))
check("three clicks lead from a file to an answer, on a phone and on a desktop",
      *run("node", str(here / "desk.mjs"), str(work), timeout=180))
check("in the demo super-app a citizen signs in once, uses a service, agrees, looks back and takes it back",
      *run("node", str(here / "superapp.mjs"), str(work), timeout=120))
check("a certified client signs in, refreshes, steps up, pushes, revokes and signs out",
      *run("node", str(here / "channel.mjs"), str(work), timeout=60))
told.judge(check, ready, work, hub, example_body(document["paths"][told.APPLY]["post"]))
identity.judge(check, here, work, hub, root / "policies")
independent.judge(check, here, work, hub, root / "policies")
proposed.judge(check, here, work, hub, root / "policies")

contract.in_sandbox(tool, ready, check, lambda a: str(fetch(f"/openapi.json?agency={a}", f"unified-{a}.json")), chosen, work)
specmatic.judge(root, work, ready, check, [], [(chosen[0], work / f"unified-{chosen[0]}.json")])
running.result()

print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
sys.exit(0 if all(results) else 1)
