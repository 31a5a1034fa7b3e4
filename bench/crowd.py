"""Ten thousand people who wait for one start, each with a page that looks again like the real one:
every 30 s, and within a second of the start.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from bench.servers import CORES, OTHER_CORES, SERVER_CORES, on_cores, opened, served
from tests.support.mariadb import running_mariadb
from wsgi_app.conference import Conference
from wsgi_app.storage import add_conference

PEOPLE = int(os.environ.get("PEOPLE", "10000"))
WAIT = 45
# What a browser gives up after is far longer; this keeps the measurement bounded.
LONGEST_ANSWER = 60


def main() -> None:
    """Let them wait and enter, on one process of waitress and on gunicorn."""
    with ExitStack() as stack:
        with on_cores(OTHER_CORES):
            url = stack.enter_context(running_mariadb()).url
        for host in ("waitress", "gunicorn"):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="planado-bench-")))
            database = opened(folder, url)
            start = int(time.time()) + WAIT
            iid = random.randrange(10**15, 10**16)
            add_conference(database, Conference(iid, 3, 4, start, 0, "", "", ""))
            database.close()
            cores = SERVER_CORES if host == "waitress" else set(CORES)
            with on_cores(cores):
                root = stack.enter_context(served(folder, host))
            with on_cores(OTHER_CORES):
                asyncio.run(_crowd(host, root, f"/i/{iid}", start))


async def _crowd(host: str, root: str, path: str, start: int) -> None:
    seen: Counter[str] = Counter()
    people = [_person(root, path, start, seen) for _ in range(PEOPLE)]
    entered = sorted(await asyncio.gather(*people))
    print(
        f"{host}: {PEOPLE} people, {sum(seen.values())} answers ({dict(seen)}); after the start, "
        f"half were in within {entered[len(entered) // 2] - start:.1f} s, "
        f"the last within {entered[-1] - start:.1f} s",
        flush=True,
    )


async def _person(root: str, path: str, start: int, seen: Counter[str]) -> float:
    """Arrive some time before the start, wait, and return when the room was there."""
    await asyncio.sleep(random.uniform(0, WAIT - 5))
    while True:
        # As waiting.js does: once the time has come, the way in is asked for at once.
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
