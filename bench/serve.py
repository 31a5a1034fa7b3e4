"""How fast `planado serve` is as it comes and, where AGAINST in the environment names another
checkout, how many times as fast as that one, in turn; bench/run runs it.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from bench.load import ROUNDS, WRITERS_SECONDS, Cell, asking, booking
from bench.servers import databases, fill, served
from tests.support.mariadb import MariaServer
from tests.support.process import ROOT

AIMS = {
    "booking form": "3 times, 99 of 100 within 40 ms",
    "waiting page, MariaDB": "3 times, 99 of 100 within 40 ms",
    "waiting page, SQLite": "",
    "booking, SQLite": "none refused, 99 of 100 within 250 ms",
}


def main() -> None:
    """Measure, and print a table."""
    checkouts = [ROOT]
    if against := os.environ.get("AGAINST"):
        checkouts.append(Path(against).resolve())
    with ExitStack() as stack:
        maria, folder = stack.enter_context(databases())
        cells = [
            _cells(stack, maria, folder, f"planado_{number}", checkout)
            for number, checkout in enumerate(checkouts)
        ]
        for _ in range(ROUNDS):
            for row in AIMS:
                for measured in cells:
                    measured[row].measure()
    _print(cells)


def _cells(
    stack: ExitStack, maria: MariaServer, folder: Path, name: str, checkout: Path
) -> dict[str, Cell]:
    stored = [fill(server, folder, name, 10_000) for server in (maria, None)]
    on_maria, on_sqlite = (
        stack.enter_context(served(filled.url, checkout=checkout)).root for filled in stored
    )
    bookings = booking(on_sqlite)
    bookings.seconds = WRITERS_SECONDS
    return {
        "booking form": Cell(f"{on_maria}/"),
        "waiting page, MariaDB": asking(on_maria, "/i/", stored[0].waiting),
        "waiting page, SQLite": asking(on_sqlite, "/i/", stored[1].waiting),
        "booking, SQLite": bookings,
    }


def _print(cells: list[dict[str, Cell]]) -> None:
    against = len(cells) > 1
    print(f"| answers a second (99 of 100 within) | here |{' there | times |' * against} aim |")
    print(f"|{' --- |' * (5 if against else 3)}")
    for row, aim in AIMS.items():
        here, *there = (measured[row] for measured in cells)
        compared = "".join(f" {cell} | {here.times(cell):.2f} |" for cell in there)
        print(f"| {row} | {here} |{compared} {aim} |")


if __name__ == "__main__":
    main()
