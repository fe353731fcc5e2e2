"""Specmatic, as it is published, against `hub mock` and the sandbox: every answer must keep the description's word.

It needs Java; where there is none, that is said and nothing is run. What it finds is counted by kind, as in `contract.py`."""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess

import yaml
from jsonschema import Draft4Validator
from openapi_schema_validator import OAS30ReadValidator, OAS31Validator

import contract

SECONDS = 240
EXPLAINED = {
    "media": "the answer is of several media types, or of any; Specmatic asks for any and expects one",
    "format": "Specmatic makes values without looking at `format`, `multipleOf` or `minItems`, and expects them to be taken",
    "empty": "it sends no credential, or one of another scheme, in a header that must be there",
    "state": "it asks for what nobody has made and expects to find it; the sandbox remembers and says 404, as the description does",
    "none": "Specmatic itself finds no test in the description",
    "unread": "Specmatic itself cannot read the description",
    "example": "an example of the description does not fit its own schema",
    "extra": "an example of the description has what its schema does not name and does not forbid; Specmatic takes no more than is named",
    "unsendable": "it makes header values and addresses of characters that HTTP does not know there, and mostly does not send them itself",
    "percent": "Specmatic itself fails on a text that it made with a per cent sign in it",
    "bodyless": "the description has a body for 204, which HTTP does not (RFC 9110, 15.3.5)",
    "bare": "it sends a bare text as JSON, which is none",
    "unsent": "it does not send the form that the description requires",
    "written": "it expects to be told what is only written",
    "valid": "another validator (jsonschema of PyPI) finds nothing in the same answer",
    "undeclared": "a field is required that no property declares; it does not send it",
    "alike": "of several paths of the same form it takes another one",
    "several": "the description has several successes, of which nothing in a request chooses one; Specmatic asks for each of them",
    "base": "a discriminator's value that the description lists and Specmatic, without a mapping, takes for a schema's name",
}


# What was expected of a value that Specmatic made.
MADE = (r"(hub-why: [^\n]*expected|\"expected\": \")\s?(an? (absolute URI|URI|date|time|e-mail|UUID)\b|a multiple of|[^\"\n]*的倍数|at (least|most) \d+ items|(至少|至多|最多) \d+ 项"
        r"|(at most |不大于 ?)?(2147483647|9223372036854775807)\b)")


def scenarios(text):
    """(title, what is said of it, what was sent and answered before) of each that failed."""
    before = ""
    for part in re.split(r"\n(?=Scenario: )", text):
        title, _, words = part.partition("\n")
        if title.startswith("Scenario: ") and title.rstrip().endswith("FAILED"):
            # A verdict stands behind what it is about, unless nothing was sent.
            yield title, re.split(r"\n-{10,}|\nCould not load report", words)[0], before
        before = part


def about(path):
    """What of a description decides why a deviation is none of the mock's."""
    text = path.read_text(errors="replace")
    document = yaml.load(text, yaml.CSafeLoader)
    return {"document": document, "discriminators": set(re.findall(r"[\"']?propertyName[\"']?\s*:\s*[\"']?([\w-]+)", text)), "written": set(written(document)), "undeclared": set(undeclared(document)),
            "twins": list(contract.twins(document)), "examples": set(re.findall(r"[\"']?([\w-]+)[\"']?\s*:\s*null\b", text))}


def fits(document, title, last):
    """Whether another validator finds nothing wrong with the body that was answered: what it is said to lack is then not asked for."""
    method, path, status = re.match(r"Scenario: ([A-Z]+) (\S+) -> (\d+)", title).groups()
    shape = re.sub(r"\([^()]*:[^()]*\)|\{[^}]*\}", "{}", path)
    operations = [operation for template, verb, operation in contract.operations(document)
                  if verb == method and re.sub(r"\{[^}]*\}", "{}", template) == shape]
    answer = re.search(r"(?ms)^  Response at [^\n]*\n    (\d+)[^\n]*\n(?:    [^\n]+\n)*    \n(.*)", last)
    if len(operations) != 1 or not answer or answer[1] != status:
        return False
    response = resolved(document, (operations[0].get("responses") or {}).get(status) or {})
    content = response.get("content") or {}
    schema = response.get("schema") if "swagger" in document else next((m.get("schema") for n, m in content.items() if "json" in n), None)
    try:
        body = json.loads(answer[2])
    except ValueError:
        return False
    kind = Draft4Validator if "swagger" in document else OAS31Validator if str(document.get("openapi", "")) >= "3.1" else OAS30ReadValidator
    whole = {**(schema or {}), **{name: document[name] for name in ("components", "definitions") if name in document}}
    return kind(whole).is_valid(body)


def resolved(document, node):
    while isinstance(node, dict) and "$ref" in node:
        steps = node["$ref"].removeprefix("#/").split("/")
        node = document
        for step in steps:
            node = node[step.replace("~1", "/").replace("~0", "~")]
    return node


def written(node):
    """Names of properties that are only written."""
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, dict) and value.get("writeOnly") is True:
                yield name
            yield from written(value)
    elif isinstance(node, list):
        for value in node:
            yield from written(value)


def why(title, words, log, known):
    """Why a deviation is none of the mock's; `None` if it is."""
    rules = set(re.findall(r"\b(R\d{4}):", words))
    if rules <= {"R1001", "R1002"} and re.search(r">> RESPONSE\.HEADER\.Content-Type", words) and set(re.findall(">> (\\S+)", words)) <= {
            "RESPONSE.HEADER.Content-Type", "RESPONSE.BODY"}:
        return "media"
    if rules and rules <= {"R1001", "R1002", "R1003", "R2001"} and re.search(r"Error loading example named|but example \"[^\"]*\" contained", words):
        return "example"
    if not rules and re.search(r"Conversion = '[\s\S]'|Format specifier '", words):
        return "percent"
    if not rules and (re.search(r"Header value '|>> REQUEST\.", words) or "  Request to " not in log):
        return "unsendable"
    if rules == {"R2003"} and ">> RESPONSE.BODY" in words:
        return "extra"
    if rules == {"R0002"} and re.search(r"expected status 2\d\d but response contained status 2\d\d", words):
        return "several"
    if rules == {"R3001"}:
        return "base"
    last = log[log.rfind("  Request to "):]
    refused = rules == {"R0002"} and re.search(r"response contained status 4(00|22)", words)
    if refused and re.search(MADE, last):
        return "format"
    if refused and re.search(r"hub-why: The body is not JSON|\"The body is not JSON\"|\"请求体不是 JSON\"", last):
        return "bare"
    if refused and re.search(r"(?m)^    Content-Type: NOT SENT$", last) and re.search(r"expected body, which is required|\"body, which is required\"|必填：body", last):
        return "unsent"
    lacking = re.search(r"hub-why: \\S+: expected the required field `([^`]+)`", last)
    if refused and lacking and lacking[1] in known["undeclared"]:
        return "undeclared"
    chosen = re.search(r"(?:hub-why: |\"where\": \")(/[^\s:\"]+)(?:: expected one of|\",\n\s+\"expected\": \"(?:one of|[^\"]*之一))", last)
    if refused and chosen and chosen[1].rsplit("/", 1)[-1] in known["discriminators"]:
        return "base"
    if re.search(r"(?m)^    204 No Content$", last) and set(re.findall(">> (\\S+)", words)) == {"RESPONSE.BODY"}:
        return "bodyless"
    missing = re.findall(r"mandatory property \"([^\"]+)\" to be present but was missing from the response", words)
    if missing and set(missing) <= known["written"] and len(missing) == len(re.findall(r"\bR\d{4}:", words)):
        return "written"
    sent = re.search(r"(?m)^    [A-Z]+ (/[^\s?]*)", last)
    if sent and any(path.fullmatch(sent[1]) for path in known["twins"]):
        return "alike"
    # The type of an example's member where the schema names none.
    open_ = re.findall(r">> RESPONSE\.BODY\S*?([\w-]+)\n", words)
    if rules == {"R1001"} and "expected type null but response contained" in words and set(open_) <= known["examples"]:
        return "extra"
    if rules and ">> RESPONSE.BODY" in words and ">> RESPONSE.STATUS" not in words and fits(known["document"], title, last):
        return "valid"
    if rules == {"R0002"} and "response contained status 404" in words and re.search(r"/\([a-zA-Z_]+:", title):
        return "state"
    # Refused by the HTTP parser, before anything of the description is looked at.
    if "response contained status 400" in words and re.search(r"(?m)^    400 Bad Request\n    content-length: 0\n    connection: close", last) and re.search(
            r"(?m)^    x?[A-Za-z-]+: .*[^\x20-\xff]", last):
        return "unsendable"
    if rules == {"R0002"} and "response contained status 401" in words and (
            re.search(r"(?m)^\s+Authorization:[^\S\n]*$", last) or "realm=" in last and not re.search(r"(?mi)^\s+Authorization: (Bearer|Basic) ", last)):
        return "empty"
    return None


def undeclared(node):
    """Names that a schema requires and does not declare."""
    if isinstance(node, dict):
        if isinstance(node.get("required"), list) and isinstance(node.get("properties"), dict):
            yield from (name for name in node["required"] if name not in node["properties"])
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from undeclared(value)


def run(work, description, address, more):
    jar = work / "node_modules" / "specmatic" / "specmatic.jar"
    folder = work / "specmatic" / description.stem
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-jar", str(jar), "test", str(description), f"--testBaseURL={address}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, env={**os.environ, **more})
    return done.stdout + done.stderr


def judged(name, text, check, counts, known):
    total = re.search(r"Tests run: (\d+), Successes: (\d+), Failures: (\d+), WIP: \d+, Errors: (\d+)", text)
    if not total:
        check(f"Specmatic runs against {name}", False, text[-1500:])
        return
    if "No test scenarios found" in text:
        counts["none"] = counts.get("none", 0) + 1
        return
    cases, _, failed, errors = map(int, total.groups())
    if cases == 1 and "Specmatic Test Suite has FAILED" in text:
        # It gives up before the first request.
        reason = "example" if "Error loading example named" in text else "unread" if "  Request to http" not in text else None
        if reason:
            counts[reason] = counts.get(reason, 0) + 1
            return
    wrong, found = [], 0
    for title, words, log in scenarios(text):
        found += 1
        reason = why(title, words, log, known)
        if reason:
            counts[reason] = counts.get(reason, 0) + 1
        else:
            wrong.append(title + words[:1200])
    check(f"Specmatic finds nothing against {name} ({cases} cases)", cases > 0 and errors == 0 and found == failed and not wrong,
          "\n".join(wrong[:2]) or text[-1500:])


def judge(root, work, ready, check, described, sandboxed):
    """`described`: descriptions that `hub mock` serves; `sandboxed`: (name, description) of what stands in the sandbox."""
    if not shutil.which("java"):
        print("        SKIPPED: Specmatic needs Java, and there is none on this machine")
        return
    counts = {}
    keys = {"clientKey": ready["sandbox_key"], "subjectToken": ready["subject_tokens"][ready["default_persona"]]}

    def alone(path):
        process, address = contract.served(root / "target" / "debug" / "hub", path)
        try:
            return f"hub mock {path.name}", run(work, path, address, {}), about(path)
        finally:
            process.terminate()
            process.wait(10)

    def together(one):
        name, path = one
        return f"the sandbox, {name}", run(work, path, ready["base_url"] + "/sandbox", keys), about(path)

    # Most of the time is Java's start.
    with concurrent.futures.ThreadPoolExecutor(2) as two:
        for name, text, known in [*two.map(alone, described), *two.map(together, sandboxed)]:
            judged(name, text, check, counts, known)
    for reason, number in sorted(counts.items()):
        print(f"        {number} explained: {EXPLAINED[reason]}")
