"""Servers that others wrote (a SOAP framework, a REST server), put behind manifests written from their manuals, called
through the gateway of a hub that serves just them. Used by judge.py."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port):
    for _ in range(150):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}")


def call(method, url, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as problem:
        return problem.code, json.loads(problem.read())


def judge(check, here, work, hub, policies):
    """Runs all checks; `check(name, ok, detail)` records one."""
    soap, rest = free_port(), free_port()
    shutil.copy(here / "upstreams" / "books.json", work / "books.json")
    (work / "secrets.yaml").write_text("parcel/soap: {user: hub, password: parcel-secret}\n")
    ready = work / "independent.json"
    ready.unlink(missing_ok=True)
    shutil.rmtree(work / "independent", ignore_errors=True)
    with open(work / "independent.log", "w") as log:
        processes = [
            subprocess.Popen(["node", here / "upstreams" / "soap-server.mjs", here / "upstreams" / "parcel.wsdl", str(soap), work], stdout=log, stderr=log),
            subprocess.Popen(["node", work / "node_modules" / ".bin" / "json-server", "--host", "127.0.0.1", "--port", str(rest), "--quiet", work / "books.json"], stdout=log, stderr=log),
        ]
        try:
            wait_port(soap), wait_port(rest)
            processes.append(subprocess.Popen(
                [hub, "serve", "--specs", here / "city" / "specs", "--connectors", here / "city" / "connectors", "--policies", policies,
                 "--secrets", work / "secrets.yaml", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--test-issuer",
                 "--data-dir", work / "independent", "--ready-file", ready],
                env={**os.environ, "UPSTREAM_PARCEL_SOAP": f"http://127.0.0.1:{soap}", "UPSTREAM_SHELF_REST": f"http://127.0.0.1:{rest}"},
                stdout=log, stderr=log))
            for _ in range(300):
                if ready.exists() and ready.read_text().strip():
                    break
                time.sleep(0.1)
            checks(check, json.loads(ready.read_text()))
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(20)


def checks(check, given):
    base = given["base_url"] + "/gateway"
    key = {"X-Api-Key": given["client_key"]}
    person = {**key, "Authorization": f"Bearer {given['subject_tokens']['wang-jianguo']}"}

    status, parcel = call("GET", f"{base}/parcel/soap/v1/parcels/RR123456785CN", headers=key)
    wanted = {"parcel_no": "RR123456785CN", "state": "delivered", "postage_fen": 1250, "posted_on": "2026-04-08",
              "events": [{"at": "2026-04-08T10:15:30+08:00", "place": "星城 & 岳麓"}, {"at": "2026-04-09T16:00:00+08:00", "place": "长丰"}]}
    check("a SOAP framework's answer arrives in canonical form", (status, parcel) == (200, wanted), f"{status} {parcel}")
    status, parcel = call("GET", f"{base}/parcel/soap/v1/parcels/RR000000019CN", headers=key)
    check("one element of a repeated one is still a list", status == 200 and len(parcel["events"]) == 1, f"{status} {parcel}")
    status, problem = call("GET", f"{base}/parcel/soap/v1/parcels/RR999999999CN", headers=key)
    check("its fault becomes a problem", (status, problem.get("code")) == (404, "record-not-found"), f"{status} {problem}")

    status, page = call("GET", f"{base}/shelf/rest/v1/books?author={urllib.parse.quote('林一')}&page_num=2&page_size=1", headers=key)
    check("a REST server's page and its count in a header arrive", (status, page.get("total_count")) == (200, 2)
          and [b["book_id"] for b in page["book_list"]] == [2], f"{status} {page}")
    status, book = call("POST", f"{base}/shelf/rest/v1/books", {"title": "海", "author": "吴"}, {**person, "Idempotency-Key": "donation-1"})
    again = call("POST", f"{base}/shelf/rest/v1/books", {"title": "海", "author": "吴"}, {**person, "Idempotency-Key": "donation-1"})
    check("a record is made once, in the subject's name", status == 201 and book["donor_name"] == "王建国" and again == (201, book), f"{status} {book} {again}")
    status, kept = call("GET", f"{base}/shelf/rest/v1/books/{book.get('book_id', 0)}", headers=key)
    check("and is found again", status == 200 and kept["title"] == "海", f"{status} {kept}")
    status, problem = call("GET", f"{base}/shelf/rest/v1/books/77", headers=key)
    check("an empty 404 becomes a problem", (status, problem.get("code")) == (404, "record-not-found"), f"{status} {problem}")
