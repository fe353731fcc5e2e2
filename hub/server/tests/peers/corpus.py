"""Schemathesis and Specmatic, as they are published, against `hub mock` over the whole development corpus, and Schemathesis against the
sandbox over the whole unified catalog.

`make judges` runs it; it takes hours, so that `make peers` has ten descriptions and two agencies of it only. What was judged is kept in
target/peers/judged.json and not judged again (`--anew` forgets it); JUDGES is how many run at once, the words `schemathesis`, `specmatic`
and `sandbox` choose (`nothing`: none). `--write` writes docs/figures/judges.md and judges.csv, from which another checkout goes on."""

import collections
import concurrent.futures
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

import contract
import specmatic

root = pathlib.Path(__file__).resolve().parents[4]
work = root / "target" / "peers"
shared = contract.corpus(root)
kept = work / "judged.json"
schemathesis = str(work / "venv" / "bin" / "st")
record = root / "docs" / "figures" / "judges.csv"
hub = pathlib.Path(os.environ.get("HUB", root / "target" / "debug" / "hub"))
TOOLS = {"schemathesis": "Schemathesis", "specmatic": "Specmatic", "sandbox": "Schemathesis, the sandbox"}
# Of one agency's services; the largest have some hundred operations.
PATIENCE = 900
# Specmatic multiplies what a parameter may be by what all others may be: over a thousand requests for one operation. The ten of
# `make peers` have them all.
FEW = {"MAX_TEST_REQUEST_COMBINATIONS": "1"}
WORDS = {"schemathesis": contract.EXPLAINED, "specmatic": specmatic.EXPLAINED, "sandbox": contract.EXPLAINED}


def judge(tool, what, city):
    """What one tool says of one description, or of an agency of the city: what is explained by kind, what is not."""
    counts, said = {}, []
    check = lambda name, right, words="": said.append((name, bool(right), words[:3000]))  # noqa: E731
    try:
        if tool == "sandbox":
            of_agency(what, city, check, counts)
        else:
            alone(tool, what, check, counts)
    except subprocess.TimeoutExpired:
        counts["slow"] = 1
    return {"explained": counts, "said": said, "right": all(right for _, right, _ in said)}


def alone(tool, path, check, counts):
    process, address = contract.served(hub, path)
    try:
        if tool == "schemathesis":
            text, cases = contract.run(schemathesis, path, address, work)
            contract.judged(path.name, text, cases, check, counts, contract.about(path))
        else:
            specmatic.judged(path.name, specmatic.run(work, path, address, FEW), check, counts, specmatic.about(path))
    finally:
        process.kill()
        process.wait(10)


def of_agency(agency, city, check, counts):
    document = work / f"unified-{agency}.json"
    document.write_bytes(urllib.request.urlopen(f"{city['base_url']}/openapi.json?agency={agency}").read())
    contract.of_agency(schemathesis, city, check, str(document), agency, work, counts, PATIENCE)


def start_city():
    """The reference city, and how to speak with it."""
    folder = work / "judged-city"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ready = folder / "ready.json"
    process = subprocess.Popen([hub, "demo", "--listen", "127.0.0.1:0", "--data-dir", folder / "data", "--ready-file", ready], cwd=root,
                               stdout=open(folder / "log", "w"), stderr=subprocess.STDOUT)
    for _ in range(1200):
        if ready.exists() and ready.read_text().strip():
            return process, json.loads(ready.read_text())
        time.sleep(0.1)
    sys.exit("the city did not start")


def before():
    """What was judged: here, else where the record was written."""
    if kept.exists():
        return json.loads(kept.read_text())
    if not record.exists() or "--anew" in sys.argv:
        return {}
    counts = lambda text: {why: int(number) for why, number in (pair.split("=") for pair in text.split())}  # noqa: E731
    return {f"{row['judge']} {row['what']}": {"explained": counts(row["explained"]), "said": [], "right": row["verdict"] != "wrong"}
            for row in csv.DictReader(record.open())}


def main():
    if not (shared / "index.csv").exists():
        print("SKIPPED: there is no corpus beside the checkout")
        return
    if "--anew" in sys.argv:
        kept.unlink(missing_ok=True)
    known = before()
    tools = [tool for tool in TOOLS if tool in sys.argv] or ([] if "nothing" in sys.argv else list(TOOLS))
    sizes = {path: int(row["ops"] or 0) for path, row in contract.accepted(shared)}
    open_ = [(tool, path, f"{tool} {path.relative_to(shared)}") for path in sorted(filter(sizes.get, sizes), key=sizes.get)
             for tool in tools if tool != "sandbox"]
    process, city = start_city() if "sandbox" in tools else (None, None)
    try:
        known = judge_all(known, open_, city)
    finally:
        if process:
            process.terminate()
            process.wait(30)
    if "--write" in sys.argv:
        write(known)


def judge_all(known, open_, city):
    if city:
        document = json.load(urllib.request.urlopen(f"{city['base_url']}/openapi.json"))
        agencies = collections.Counter(path.split("/")[1] for path in document["paths"])
        open_ = [("sandbox", agency, f"sandbox {agency}") for agency, _ in sorted(agencies.items(), key=lambda a: a[1])] + open_
    open_ = [(tool, what, name) for tool, what, name in open_ if not known.get(name, {}).get("right")]
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JUDGES", "2"))) as pool:
        running = {pool.submit(judge, tool, what, city): name for tool, what, name in open_}
        for done in concurrent.futures.as_completed(running):
            name = running[done]
            known = before() | {name: done.result()}
            kept.write_text(json.dumps(known, indent=1))
            wrong = "" if known[name]["right"] else "\n" + "\n".join(words for _, right, words in known[name]["said"] if not right)[:1500]
            print(("ok     " if known[name]["right"] else "FAILED ") + name + wrong, flush=True)
    return known


def write(known):
    lines = ["# What outside judges say of `hub mock` and the sandbox", "",
             "Written by `make judges`: Schemathesis and Specmatic, as they are published, against `hub mock` over the development corpus, all that",
             "openapi-spec-validator accepts and that is one file; Schemathesis against the sandbox over the unified catalog, agency by agency.",
             "Of the combinations of what a request may leave out Specmatic tries a few an operation; the ten descriptions of `make peers` have all.", "",
             "| judge | descriptions or agencies | not judged yet | nothing against it | something against it | gave up on |", "|---|---|---|---|---|---|"]
    described = sum(int(row["ops"] or 0) > 0 for _, row in contract.accepted(shared))
    for tool, name in TOOLS.items():
        total = len(list((root / "specs").glob("*/agency.yaml"))) if tool == "sandbox" else described
        own = {n: k for n, k in known.items() if n.startswith(tool + " ")}
        slow = sum("slow" in k["explained"] for k in own.values())
        right = sum(k["right"] and "slow" not in k["explained"] for k in own.values())
        lines.append(f"| {name} | {total} | {total - len(own)} | {right} | {len(own) - right - slow} | {slow} |")
    lines += ["", "What they report and is no failure of a mock, by kind:", "", "| judge | times | why |", "|---|---|---|"]
    for tool, name in TOOLS.items():
        sums = {}
        for n, k in known.items():
            for why, number in k["explained"].items() if n.startswith(tool + " ") else ():
                sums[why] = sums.get(why, 0) + number
        lines += [f"| {name} | {number} | {WORDS[tool][why]} |" for why, number in sorted(sums.items()) if why in WORDS[tool]]
    wrong = sorted(n for n, k in known.items() if not k["right"])
    if wrong:
        lines += ["", "Something against it:", ""] + [f"- `{n}`" for n in wrong]
    record.with_suffix(".md").write_text("\n".join(lines) + "\n")
    with record.open("w") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["judge", "what", "verdict", "explained"])
        for name, k in sorted(known.items()):
            verdict = "slow" if "slow" in k["explained"] else "right" if k["right"] else "wrong"
            rows.writerow([*name.split(" ", 1), verdict, " ".join(f"{why}={number}" for why, number in sorted(k["explained"].items()))])


main()
