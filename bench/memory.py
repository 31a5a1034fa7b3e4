"""What one process of `planado.py serve` with four threads keeps in memory, on both databases.

Run: .venv/bin/python -m bench.memory
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.mariadb import running_mariadb
from tests.support.process import Server, planado

VISITS = Path(__file__).with_name("mixed.lua")
REQUESTS = (10_000, 110_000)


def main() -> None:
    """Print the resident memory at the start, after 10,000 requests and after 100,000 more."""
    with running_mariadb() as maria:
        for url in ("sqlite:///planado.db", maria.url):
            with tempfile.TemporaryDirectory() as folder:
                _measure(Path(folder), url)


def _measure(folder: Path, url: str) -> None:
    (folder / "planado.ini").write_text(f"[server]\nthreads = 4\n[database]\nurl = {url}\n")
    planado(folder, "init-db")
    server = Server(folder)
    try:
        print(f"{url.partition(':')[0]}: {server.resident_bytes() / 1e6:.1f} MB at the start")
        iid, aid = _book(server)
        done = 0
        for goal in REQUESTS:
            while done < goal:
                done += _visit(server, iid, aid)
            print(f"  {server.resident_bytes() / 1e6:.1f} MB after {done} requests", flush=True)
    finally:
        server.stop()


def _book(server: Server) -> tuple[str, str]:
    start = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%MZ}"
    body = json.dumps({"start": start, "timezone": "UTC", "duration": 60}).encode()
    path = "/api/v1/conferences"
    _, text = server.request("POST", path, body, Content_Type="application/json")
    booked = json.loads(text)
    assert "invitation_id" in booked, text
    return booked["invitation_id"], booked["admin_id"]


def _visit(server: Server, iid: str, aid: str) -> int:
    """Let eight visitors look at everything for some seconds; return how many requests that was."""
    date = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
    address = f"http://127.0.0.1:{server.port}"
    command = ["wrk", "-t1", "-c8", "-d5", "-s", str(VISITS), address, "--", iid, aid, date]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    requests = re.search(r"(\d+) requests in", told.stdout)
    assert requests and "timeout" not in told.stdout, told.stdout
    return int(requests[1])


if __name__ == "__main__":
    main()
