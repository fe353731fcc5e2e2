"""A manifest that `hub connector new` proposes from a WSDL, used as it is, without a hand on it, in front of a SOAP
framework that reads the same WSDL. Used by judge.py."""

import json
import os
import shutil
import subprocess
import time

from independent import call, free_port, wait_port


def hub_json(hub, *words, env=None):
    done = subprocess.run([hub, *map(str, words), "--json"], capture_output=True, text=True, timeout=120, env={**os.environ, "LANG": "C", **(env or {})})
    try:
        return done.returncode, json.loads(done.stdout)
    except json.JSONDecodeError:
        return done.returncode, {"stderr": done.stderr}


def judge(check, here, work, hub, policies):
    sources = here.parents[3] / "connectors" / "tests" / "sources"
    folder, data, ready = work / "proposed", work / "proposed-data", work / "proposed.json"
    for path in (folder, data):
        shutil.rmtree(path, ignore_errors=True)
    ready.unlink(missing_ok=True)
    folders = ["--specs", sources / "specs", "--connectors", folder, "--policies", policies]

    code, proposal = hub_json(hub, "connector", "new", "w/cis", "--from", sources / "water.wsdl", "--specs", sources / "specs", "--out", folder)
    check("a manifest is proposed from a WSDL and needs nothing more", code == 0 and proposal.get("findings") == [], f"{code} {proposal.get('findings', proposal)}")
    code, tested = hub_json(hub, "connector", "test", "w/cis", *folders)
    check("its examples go both ways offline", code == 0 and tested.get("passed") and tested["examples"] >= 2, f"{code} {tested}")

    port = free_port()
    upstream = {"UPSTREAM_W_CIS": f"http://127.0.0.1:{port}"}
    with open(work / "proposed.log", "w") as log:
        processes = [subprocess.Popen(["node", here / "upstreams" / "water-server.mjs", sources / "water.wsdl", str(port), work], stdout=log, stderr=log)]
        try:
            wait_port(port)
            code, tried = hub_json(hub, "connector", "try", "w.bill-query", "account_no=0081", "period_month=2026-03", *folders, env=upstream)
            shown = json.dumps(tried, ensure_ascii=False)
            check("one real call shows both sides", code == 0 and tried.get("answer", {}).get("bill_amount_fen") == 12850 and "zdje" in shown, f"{code} {shown}")
            check("and hides who the bill is for", "王建国" not in shown and "王" in shown, shown)
            code, _ = hub_json(hub, "connector", "try", "w.repair-report", "account_no=0081", "mobile=15400000022", *folders, env=upstream)
            check("what has an effect is not tried without being asked for", code == 2, code)
            code, tried = hub_json(hub, "connector", "try", "w.bill-query", "account_no=9999", "period_month=2026-03", *folders, env=upstream)
            check("a refusal is shown as a problem", code == 1 and tried.get("problem", {}).get("code") == "business-rejected", f"{code} {tried}")
            code, explained = hub_json(hub, "connector", "explain", "w.bill-query", "account_no=0081", "period_month=2026-03", *folders)
            check("what would be sent is explained without sending", code == 0 and "<tns:hh>0081</tns:hh>" in explained.get("call", {}).get("body", ""), f"{code} {explained}")

            processes.append(subprocess.Popen(
                [hub, "serve", *folders, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--test-issuer", "--data-dir", data, "--ready-file", ready],
                env={**os.environ, **upstream}, stdout=log, stderr=log))
            for _ in range(300):
                if ready.exists() and ready.read_text().strip():
                    break
                time.sleep(0.1)
            calls(check, json.loads(ready.read_text()))
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(20)


def calls(check, given):
    base = given["base_url"] + "/gateway/w/cis/v1"
    key = {"X-Api-Key": given["client_key"]}
    person = {**key, "Authorization": f"Bearer {given['subject_tokens']['wang-jianguo']}"}
    status, bill = call("POST", f"{base}/bill-query", {"account_no": "0081", "period_month": "2026-03"}, person)
    wanted = {"account_no": "0081", "full_name": "王建国", "bill_amount_fen": 12850, "due_date": "2026-04-30",
              "item_list": [{"item_name": "水费", "bill_amount_fen": 10000}, {"item_name": "污水处理费", "bill_amount_fen": 2850}]}
    check("the proposed manifest reads a SOAP framework's answer", status == 200 and {**bill, "full_name": "王建国"} == wanted, f"{status} {bill}")
    status, case = call("POST", f"{base}/repair-report", {"account_no": "0081", "mobile": "15400000022"}, {**person, "Idempotency-Key": "repair-1"})
    check("and makes a matter there in the subject's name", status in (200, 202) and (status == 202 or case.get("case_status") == "accepted"), f"{status} {case}")
