"""Schemathesis and Specmatic, as they are published, against `hub mock` over the whole development corpus.

`make judges` runs it; it takes an hour, so that `make peers` has ten descriptions of it only. What was judged is kept in
target/peers/judged.json and not judged again (`--anew` forgets it); JUDGES is how many run at once. `--write` writes docs/figures/judges.md."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

import contract
import specmatic

root = pathlib.Path(__file__).resolve().parents[4]
work = root / "target" / "peers"
shared = contract.corpus(root)
kept = work / "judged.json"
hub = pathlib.Path(os.environ.get("HUB", root / "target" / "debug" / "hub"))
TOOLS = {"schemathesis": "Schemathesis", "specmatic": "Specmatic"}
WORDS = {**contract.EXPLAINED, **specmatic.EXPLAINED}


def judge(tool, path):
    """What one tool says of one description: cases, what is explained by kind, what is not."""
    counts, said = {}, []
    check = lambda name, right, words="": said.append((name, bool(right), words[:3000]))  # noqa: E731
    process, address = contract.served(hub, path)
    try:
        if tool == "schemathesis":
            text, cases = contract.run(str(work / "venv" / "bin" / "st"), path, address, work)
            contract.judged(path.name, text, cases, check, counts, contract.about(path))
        else:
            text = specmatic.run(work, path, address, {})
            specmatic.judged(path.name, text, check, counts)
    except subprocess.TimeoutExpired:
        counts["slow"] = 1
    finally:
        process.kill()
        process.wait(10)
    return {"explained": counts, "said": said, "right": all(right for _, right, _ in said)}


def main():
    if not (shared / "index.csv").exists():
        print("SKIPPED: there is no corpus beside the checkout")
        return
    known = json.loads(kept.read_text()) if kept.exists() and "--anew" not in sys.argv else {}
    tools = [tool for tool in TOOLS if tool in sys.argv] or list(TOOLS)
    sizes = {path: int(row["ops"] or 0) for path, row in contract.accepted(shared)}
    open_ = [(tool, path) for path in sorted(filter(sizes.get, sizes), key=sizes.get) for tool in tools
             if not known.get(f"{tool} {path.relative_to(shared)}", {}).get("right")]
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JUDGES", "2"))) as pool:
        running = {pool.submit(judge, tool, path): f"{tool} {path.relative_to(shared)}" for tool, path in open_}
        for done in concurrent.futures.as_completed(running):
            name = running[done]
            known[name] = done.result()
            kept.write_text(json.dumps(known, indent=1))
            wrong = "" if known[name]["right"] else "\n" + "\n".join(words for _, right, words in known[name]["said"] if not right)[:1500]
            print(("ok     " if known[name]["right"] else "FAILED ") + name + wrong, flush=True)
    if "--write" in sys.argv:
        write(known)


def write(known):
    lines = ["# What outside judges say of `hub mock`", "",
             "Written by `make judges`: Schemathesis and Specmatic, as they are published, against `hub mock` over the development corpus, all that",
             "openapi-spec-validator accepts and that is one file.", "",
             "| judge | descriptions | nothing against it | something against it | gave up on |", "|---|---|---|---|---|"]
    for tool, name in TOOLS.items():
        own = {n: k for n, k in known.items() if n.startswith(tool + " ")}
        slow = sum("slow" in k["explained"] for k in own.values())
        right = sum(k["right"] and "slow" not in k["explained"] for k in own.values())
        lines.append(f"| {name} | {len(own)} | {right} | {len(own) - right - slow} | {slow} |")
    lines += ["", "What they report and is no failure of a mock, by kind:", "", "| judge | times | why |", "|---|---|---|"]
    for tool, name in TOOLS.items():
        sums = {}
        for n, k in known.items():
            for why, number in k["explained"].items() if n.startswith(tool + " ") else ():
                sums[why] = sums.get(why, 0) + number
        lines += [f"| {name} | {number} | {WORDS[why]} |" for why, number in sorted(sums.items()) if why in WORDS]
    wrong = sorted(n for n, k in known.items() if not k["right"])
    if wrong:
        lines += ["", "Something against it:", ""] + [f"- `{n}`" for n in wrong]
    (root / "docs" / "figures" / "judges.md").write_text("\n".join(lines) + "\n")


main()
