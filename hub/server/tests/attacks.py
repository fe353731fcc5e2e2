"""Takes the checks that hold attacks off out of a build and sees that their tests fail.

The list is attacks.json beside this file. All holes are built in at once, each closed unless HUB_WITHOUT names it: one build, then the
test of each hole is run with the hole open and has to fail, and all are run with none open and have to pass. The sources are put back
whatever happens. Names of holes as arguments try these alone."""

import json
import os
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[3]
PATIENCE = 240


def built():
    """Test binaries by the folder their tests are in."""
    command = ["cargo", "test", "--locked", "--no-run", "--message-format=json", "-p", "hub-identity", "-p", "hub-server", "--test", "it"]
    made = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True)
    if made.returncode:
        sys.exit("a build with holes does not compile: an edit of attacks.json has to be looked at")
    found = {}
    for line in made.stdout.splitlines():
        said = json.loads(line)
        if said.get("executable") and said["profile"]["test"]:
            folder = str(pathlib.Path(said["target"]["src_path"]).parent.relative_to(root))
            found[folder] = said["executable"]
    return found


def run(binaries, test, hole):
    file, name = test.split(": ")
    folder = max((f for f in binaries if file.startswith(f + "/")), key=len)
    module = pathlib.Path(file).relative_to(folder).with_suffix("").parts
    module = [] if module == ("main",) else list(module)
    env = dict(os.environ, HUB_WITHOUT=hole, RUST_BACKTRACE="0", CARGO_MANIFEST_DIR=str(root / "/".join(folder.split("/")[:2])))
    try:
        ran = subprocess.run([binaries[folder], "--exact", "::".join(module + [name])], cwd=root / "/".join(folder.split("/")[:2]), env=env,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return False, "it takes too long"
    if "running 1 test" not in ran.stdout:
        sys.exit(f"{test} was not found: {ran.stdout[-300:]}")
    why = re.search(r"panicked at [^\n]*\n([^\n]*)", ran.stdout)
    return ran.returncode == 0, why.group(1)[:110] if why else ""


def main():
    attacks = json.loads((root / "hub/server/tests/attacks.json").read_text())["attacks"]
    holes = [hole for attack in attacks for hole in attack["without"]]
    wanted = [hole for hole in holes if not sys.argv[1:] or hole["id"] in sys.argv[1:]]
    files = sorted({edit["file"] for hole in holes for edit in hole["edits"]})
    if subprocess.run(["git", "diff", "--quiet", "HEAD", "--", *files], cwd=root).returncode:
        sys.exit("files that would be edited have changes that are not committed")
    kept = {file: (root / file).read_text() for file in files}
    edited = dict(kept)
    open_if = 'std::env::var("HUB_WITHOUT").is_ok_and(|hole| hole == "{}")'
    for hole in holes:
        for edit in hole["edits"]:
            if edited[edit["file"]].count(edit["find"]) != 1:
                sys.exit(f"{hole['id']}: the check is not there once any more in {edit['file']}: {edit['find']}")
            put = re.sub(r"@OFF(?::([a-z0-9-]+))?@", lambda m: open_if.format(m.group(1) or hole["id"]), edit["put"])
            edited[edit["file"]] = edited[edit["file"]].replace(edit["find"], put)
    try:
        for file, text in edited.items():
            (root / file).write_text(text)
        binaries = built()
    finally:
        for file, text in kept.items():
            (root / file).write_text(text)
    wrong = []
    for test in sorted({hole["test"] for hole in wanted}):
        passed, why = run(binaries, test, "")
        if not passed:
            wrong.append(f"{test} fails with every check in its place: {why}")
    for hole in wanted:
        passed, why = run(binaries, hole["test"], hole["id"])
        print(f"{'NOT SEEN' if passed else 'seen'}  {hole['id']:16} {hole['what'].split(' (with')[0]}: {why}", flush=True)
        if passed:
            wrong.append(f"{hole['id']}: {hole['test']} passes without the check")
    print(f"{len(wanted)} holes, {len(wrong)} wrong")
    sys.exit("\n".join(wrong) if wrong else 0)


main()
