"""Schemathesis, as it is published, against `hub mock` and the sandbox: every answer must keep the description's word.

What it finds is counted by kind. Some of it is no failure of a mock: see EXPLAINED. Anything else is one. Descriptions of
others are read from the corpus beside the checkout where that is there. The same requests each time."""

import csv
import os
import pathlib
import re
import socket
import subprocess
import time

import yaml

EXAMPLES, SECONDS, OTHERS = 3, 120, 10
EXPLAINED = {
    "ST401": "a mock lets every credential in; it only asks for one",
    "undeclared": "the description declares neither the status of a refusal, nor its range, nor a default",
    "empty": "a response of Swagger 2.0 without a schema has no content, whatever the description produces elsewhere",
    "unmade": "no request could be made for it by Schemathesis: the schema takes no value that it finds",
    "world": "the default world of the sandbox needs no account",
    "nearest": "the description has no 401, so that the mock refuses a missing credential with its 403",
    "again": "the same idempotency key came with another request",
    "authorization": "OpenAPI 3 tells to ignore parameters named Authorization, Content-Type and Accept",
    "unread": "Schemathesis itself cannot read the description",
    "bodiless": "an answer 204 has no content (RFC 9110, 15.3.5)",
    "header": "a header that no description speaks of does not make a request wrong",
    "discriminator": "a request is judged by the schema that its discriminator names, not by all of a oneOf",
    "form": "a form whose fields may all be left out may be empty",
    "parts": "how a form in parts writes lists and objects is nowhere said",
    "ambiguous": "a path with a dot or a dash between two parameters can be read in more ways than one",
    "enum": "no value of the enum is of the declared type, so that no value fits",
    "refusals": "the operation declares no answer but refusals",
    "text": "what stands in a query is text, so that no number there is of a wrong type",
    "magic": "a number in the request asks for a fault, as the sandbox's magic data do",
    "emptyform": "an empty body is none, and the description requires none",
    "length": "how long a body is HTTP tells, whatever a description says of it",
    "emptied": "it leaves a header empty whose schema takes no empty text, and calls that valid",
    "twins": "the description has two paths that are the same address, each with methods of its own; the address has those of both",
    "headername": "the description names a header as none can be named",
    "format": "the dictionary's formats (check digits, months) are ours: to a generator that does not know them any text fits",
}
# Statuses with which the mock refuses a request, by what it is asked to refuse.
REFUSALS = {"400", "401", "404", "405", "406", "415", "422"}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def findings(text):
    """(kind, status, declared, words) of each failure in a report."""
    for block in re.split(r"\n\d+\. Test Case ID", text)[1:]:
        for kind, title, words in re.findall(r"\n- (ST\d+) ([^\n]+)(.*?)(?=\n- ST|\nReproduce|\Z)", block, re.S):
            status = re.search(r"Received: (\d+)\s+Documented: ([^\n]*)", words)
            yield kind, title, status and status.group(1), status and status.group(2), block


def explained(kind, status, declared, block, about):
    """`about`: what `about(path)` says of a description of others; None for the sandbox."""
    swagger = about and about["swagger"]
    if kind == "ST401":
        return "ST401" if swagger is not None else "world"
    if kind == "ST203" and swagger is None and re.search("'(Authorization|X-Api-Key)' header", block):
        return "world"
    if kind == "ST203" and swagger is not None and re.search("Got 403 when missing required '[^']*' header, expected 401", block):
        return "nearest"
    if kind == "ST103" and status in REFUSALS and status not in declared:
        covered = status[0] + "XX" in declared.upper() or "default" in declared
        nearest = {"422": ("422", "400"), "400": ("400", "422"), "415": ("415", "400", "422")}.get(status, (status,))
        return None if covered or any(n in declared for n in nearest) else "undeclared"
    if kind == "ST201" and re.search(
            r"parameter `(Authorization|Content-Type|Accept)` in header|in header - violates `required` \(was ((Authorization|Content-Type|Accept)(, )?)+\)", block) and swagger is False:
        return "authorization"
    if "[406] Not Acceptable" in block and re.search("-H '?Accept[:;]", block) and swagger is False:
        return "authorization"
    if kind == "ST104" and "<EMPTY>" in block and swagger:
        return "empty"
    # The content type of a refusal that no status is declared for.
    if kind in ("ST105", "ST104") and "Undocumented status code" in block:
        return "undeclared"
    if kind in ("ST201", "ST203") and swagger is False and re.search("(Missing `(authorization|content-type|accept)` at header|missing required '(authorization|content-type|accept)' header)", block, re.I):
        return "authorization"
    if kind in ("ST104", "ST109") and "[204] No Content" in block:
        return "bodiless"
    if kind == "ST101" and about is None and "[502] Bad Gateway" in block and "字节后断开" in block:
        return "magic"
    if kind == "ST201" and 'in body - violates `required` (was "")' in block:
        return "emptyform"
    if kind == "ST201" and "parameter `Content-Length` in header" in block:
        return "length"
    if kind == "ST201" and "in header - object with unexpected properties" in block:
        return "header"
    if kind in ("ST202", "ST103") and re.search(r'"expected":"one of true, false","got":"string"|("where":"[^"]*"),"keyword":"type"[^}]*\},\{\1,"keyword":"enum"', block):
        return "enum"
    if kind == "ST201" and "Invalid component: Missing request body" in block and swagger:
        return "form"
    if kind in ("ST201", "ST202") and "Content-Type: multipart/form-data" in block and re.search("Incorrect type|expected\":\"an (object|array)", block):
        return "parts"
    if kind == "ST201" and about and about["joined"] and re.search("parameter `[^`]*` in path", block):
        return "ambiguous"
    if kind in ("ST201", "ST202") and about and about["discriminator"]:
        return "discriminator"
    if "[400] Bad Request" in block and re.search(r"-H '[^:']*[ /()][^:']*: ", block):
        return "headername"
    if kind == "ST202" and about and (asked := re.search(r"curl -X (\w+) .*?http://[^/']+(/[^?'\s]*)", block)):
        if any(method == asked[1] and path.fullmatch(asked[2]) for method, path in about["refusing"]):
            return "refusals"
    if kind == "ST204" and about and (asked := re.search(r"curl -X (\w+) .*?http://[^/']+(/[^?'\s]*)", block)):
        if any(method == asked[1] and path.fullmatch(asked[2]) for method, path in about["methods"]):
            return "twins"
    if kind == "ST205" and about and (asked := re.search(r"curl -X OPTIONS .*?http://[^/']+(/[^?'\s]*)", block)):
        if any(path.fullmatch(asked[1]) for path in about["twins"]):
            return "twins"
    if kind == "ST201" and re.search("parameter `[^`]*` in query - violates `additionalProperties`", block):
        return "text"
    if kind == "ST202" and any(f"-H '{name};'" in block for name in re.findall(r'"where":"parameter/([^"]+)"', block)):
        return "emptied"
    if kind == "ST202" and "idempotency-conflict" in block:
        return "again"
    if kind == "ST202" and re.search("check (character|digit)|校验码|校验位|a month as yyyy-MM|月份，格式为", block):
        return "format"
    return None


def run(tool, description, address, folder, *more, seconds=SECONDS):
    command = [tool, "run", description, "--url", address, "-n", str(EXAMPLES), "--continue-on-failure", "--no-color",
               "--no-shrink", "--phases", "examples,coverage,fuzzing", "--generation-deterministic", "--request-timeout", "20", *more]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)
    text = done.stdout + done.stderr
    cases = re.search(r"(\d+) generated", text)
    return text, int(cases.group(1)) if cases else 0


def judged(name, text, cases, check, counts, about):
    wrong = []
    if "Schema Loading Error" in text and about:
        counts["unread"] = counts.get("unread", 0) + 1
        return
    for kind, title, status, declared, block in findings(text):
        why = explained(kind, status, declared or "", block, about)
        if why:
            counts[why] = counts.get(why, 0) + 1
        else:
            wrong.append(f"{kind} {title} {status or ''} of {declared or ''}\n{block[:1500]}")
    # What Schemathesis itself can make no request for, for a schema that takes none, says nothing about who answers.
    troubles = re.search(r"={3,} ERRORS ={3,}(.*?)(?=\n={3,} [A-Z]{3,}|\Z)", text, re.S)
    troubles = re.split(r"\n[A-Z][A-Za-z]+ Error\n", troubles.group(1))[1:] if troubles else []
    unmade = [words for words in troubles if re.search("Cannot generate test data|header examples comply|because of unsupported regular expression", words)]
    if unmade:
        counts["unmade"] = counts.get("unmade", 0) + len(unmade)
    ran = cases > 0 and len(unmade) == len(troubles) and ("ERRORS" not in text or troubles)
    check(f"Schemathesis finds nothing against {name} ({cases} cases)", ran and not wrong, "\n".join(wrong[:3]) or text[-2000:])


def in_sandbox(tool, ready, check, document, agencies, work):
    """The sandbox, by what the unified document says of some agencies; `document(agency)` is the path of that part."""
    counts = {}
    for agency in agencies:
        of_agency(tool, ready, check, document(agency), agency, work, counts)
    told(counts)


def of_agency(tool, ready, check, document, agency, work, counts, seconds=SECONDS):
    token = ready["subject_tokens"][ready["default_persona"]]
    text, cases = run(tool, document, ready["base_url"] + "/sandbox", work, "-H", f"X-Api-Key: {ready['sandbox_key']}",
                      "-H", f"Authorization: Bearer {token}", seconds=seconds)
    (work / f"schemathesis-{agency}.txt").write_text(text)
    judged(f"the sandbox, {agency}", text, cases, check, counts, None)


def served(hub, description):
    port = free_port()
    process = subprocess.Popen([hub, "mock", description, "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            break
        except OSError:
            time.sleep(0.1)
    return process, f"http://127.0.0.1:{port}"


def about(path):
    """Whether a description is of Swagger 2.0, whether it has types that a discriminator chooses, or paths with parameters side by side,
    and which operations (method, path) declare nothing but refusals."""
    text = path.read_text(errors="replace")
    document = yaml.load(text, yaml.CSafeLoader)
    says = lambda name, part: re.search(rf"(^|[{{,\s])[\"']?{name}[\"']?\s*:", part) is not None  # noqa: E731
    return {"swagger": says("swagger", text[:2000]), "discriminator": says("discriminator", text), "joined": re.search(r"\}[.,;_-]\{", text) is not None,
            "methods": [(method, addressed(path)) for path, method, _ in operations(document)],
            "refusing": list(refusing(document)), "twins": list(twins(document))}


def addressed(path):
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", path)))


def twins(document):
    shapes = {}
    for path in document.get("paths") or {}:
        shapes.setdefault(re.sub(r"\{[^}]*\}", "{}", path), []).append(path)
    return (addressed(paths[0]) for paths in shapes.values() if len(paths) > 1)


def operations(document):
    for path, item in (document.get("paths") or {}).items():
        for method in ("get", "put", "post", "delete", "options", "patch", "trace"):
            if method in item:
                yield path, method.upper(), item[method]


def refusing(document):
    for path, method, operation in operations(document):
        declared = [str(status) for status in operation.get("responses") or {}]
        if declared and all(status[0] in "45" for status in declared):
            yield method, addressed(path)


def served_alone(root, tool, check, described):
    """`described`: paths of descriptions."""
    counts = {}
    for path in described:
        process, address = served(root / "target" / "debug" / "hub", path)
        try:
            text, cases = run(tool, path, address, root / "target" / "peers")
        finally:
            process.terminate()
            process.wait(10)
        judged(f"hub mock {path.name}", text, cases, check, counts, about(path))
    told(counts)


def told(counts):
    for why, number in sorted(counts.items()):
        print(f"        {number} explained: {EXPLAINED[why]}")


def corpus(root):
    """The development corpus beside the checkout, or where HUB_SHARED says."""
    return pathlib.Path(os.environ.get("HUB_SHARED", root.parent / "shared")) / "corpus" / "dev"


def accepted(folder):
    """(path, row) of the corpus' descriptions that openapi-spec-validator accepts and that refer to no other file."""
    for row in csv.DictReader((folder / "index.csv").open()):
        whole = row["format"] in ("openapi", "swagger") and row["parses"] == "yes" and row["openapi_spec_validator"] == "accept"
        if whole and row["ext_refs"] == "0":
            yield folder / row["file"], row


def of_others(root):
    """A few descriptions of the development corpus, one a publisher, none of them large."""
    folder = corpus(root)
    if not (folder / "index.csv").exists():
        print("        SKIPPED: there is no corpus beside the checkout, so only our own descriptions are served")
        return []
    chosen = {}
    for path, row in accepted(folder):
        if 3 <= int(row["ops"] or 0) <= 7 and int(row["bytes"]) < 60_000:
            chosen.setdefault(row["group"], path)
    return list(chosen.values())[:OTHERS]
