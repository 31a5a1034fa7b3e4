"""Ten thousand people who wait for one start, each with a page that looks again like the real one:
every 30 s, and within a second of the start.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from collections import Counter
from urllib.parse import urlsplit

from bench.servers import GUNICORN, HOSTS, SERVE, databases, opened, served
from wsgi_app.domain.conference import Conference
from wsgi_app.storage import conferences

PEOPLE = int(os.environ.get("PEOPLE", "10000"))
WAIT = 45
# What a browser gives up after is far longer; this keeps the measurement bounded.
LONGEST_ANSWER = 60


def main() -> None:
    """Let them wait and enter, and print a table; the aim is five seconds after the start."""
    print(f"| {PEOPLE:,} guests, MariaDB | half were in | all were in | answers that failed |")
    print("| --- | --- | --- | --- |")
    with databases() as (maria, _):
        database = opened(maria.url)
        for host in (SERVE, GUNICORN):
            with served(maria.url, host) as place:
                start = int(time.time()) + WAIT
                iid = random.randrange(10**15, 10**16)
                conferences.add(database, Conference(iid, 3, 4, start, 0, "", "", ""))
                asyncio.run(_crowd(HOSTS[host], place.root, f"/i/{iid}", start))
        database.close()


async def _crowd(host: str, root: str, path: str, start: int) -> None:
    seen: Counter[str] = Counter()
    people = [_person(root, path, start, seen) for _ in range(PEOPLE)]
    entered = sorted(await asyncio.gather(*people))
    half, last = (entered[place] - start for place in (len(entered) // 2, -1))
    print(f"| {host} | {half:.1f} s | {last:.1f} s | {sum(seen.values()) - seen['200']} |")


async def _person(root: str, path: str, start: int, seen: Counter[str]) -> float:
    """Arrive some time before the start, wait, and return when the room was there."""
    await asyncio.sleep(random.uniform(0, WAIT - 5))
    while True:
        # As waiting.js does: once the time has come, the room is entered at once.
        begun = time.time() >= start
        status, page = await _get(root, f"{path}/enter" if begun else path)
        seen[status] += 1
        if 'class="card entry"' in page:
            return time.time()
        found = re.search(r'data-reload-in="(\d+)"', page)
        # Without an answer, after five seconds again.
        reload_in = int(found[1]) / 1000 + random.uniform(0, 1) if found else 5
        await asyncio.sleep(reload_in)


async def _get(root: str, path: str) -> tuple[str, str]:
    place = urlsplit(root)
    try:
        async with asyncio.timeout(LONGEST_ANSWER):
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            request = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\n"
            writer.write(f"{request}Connection: close\r\n\r\n".encode())
            answer = (await reader.read()).decode()
            writer.close()
    except (OSError, TimeoutError) as error:
        return type(error).__name__, ""
    return answer[9:12], answer


if __name__ == "__main__":
    main()
