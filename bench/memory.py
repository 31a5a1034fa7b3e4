"""What `planado serve` as it comes keeps in memory, all its processes together, on both databases.

What its processes share counts once; of one alone it is what is resident.
"""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

from bench.servers import Place, databases, opened, served
from tests.hosts.site import give_away

VISITS = Path(__file__).with_name("mixed.lua")
REQUESTS = (10_000, 110_000)


def main() -> None:
    """Print a table: at the start, after 10,000 requests and after 100,000 more."""
    print("| `planado serve` | processes | at the start | 10,000 requests | 110,000 requests |")
    print("| --- | --- | --- | --- | --- |")
    with databases() as (maria, folder):
        for name, url in (("MariaDB", maria.url), ("SQLite", f"sqlite:///{folder}/planado.db")):
            opened(url).close()
            give_away(folder)
            with served(url) as place:
                used = " | ".join(f"{used / 1e6:.0f} MB" for used in _used(place))
                print(f"| {name} | {len(place.process_ids())} | {used} |", flush=True)


def _used(place: Place) -> list[int]:
    used = [_memory(place)]
    iid, aid = _book(place)
    done = 0
    for goal in REQUESTS:
        while done < goal:
            done += _visit(place, iid, aid)
        used.append(_memory(place))
    return used


def _memory(place: Place) -> int:
    """Return the bytes that all processes of a host have together."""
    own, files = 0, [0]
    for pid in place.process_ids():
        own += _kilobytes(pid, "smaps_rollup", "Pss_Anon")
        files.append(_kilobytes(pid, "status", "RssFile"))
    return (own + max(files)) * 1024


def _kilobytes(pid: int, file: str, name: str) -> int:
    text = Path(f"/proc/{pid}/{file}").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    assert found, text
    return int(found[1])


def _book(place: Place) -> tuple[str, str]:
    start = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%MZ}"
    body = json.dumps({"start": start, "timezone": "UTC", "duration": 60}).encode()
    address = f"{place.root}/api/v1/conferences"
    with urlopen(Request(address, body, {"Content-Type": "application/json"})) as answer:
        booked = json.load(answer)
    return booked["invitation_id"], booked["admin_id"]


def _visit(place: Place, iid: str, aid: str) -> int:
    """Let eight visitors look at everything for some seconds; return how many requests that was."""
    date = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
    command = ["wrk", "-t1", "-c8", "-d5", "-s", str(VISITS), place.root, "--", iid, aid, date]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    requests = re.search(r"(\d+) requests in", told.stdout)
    assert requests and "timeout" not in told.stdout, told.stdout
    return int(requests[1])


if __name__ == "__main__":
    main()
