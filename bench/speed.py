"""How fast Planado is on each host as its recipe starts it, side by side with what it is held
against; bench/run runs it and docs/planning.md has its tables.

Each round measures every cell once, so that whatever else the machine does meets all alike; a
cell's figure is the median of its rounds, and a ratio is the median of the ratios within each
round. Nothing is kept to a core but what keeps itself there: hosts, wrk and MariaDB share the
machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.load import CONNECTIONS, ROUNDS, WRITERS_SECONDS, Cell, asking, booking, entries
from bench.servers import HOSTS, SERVE, Filled, databases, fill, programs, served
from tests.hosts.hosts import Programs
from tests.hosts.site import Site, run
from tests.support.mariadb import MariaServer

SIZES = (10, 10_000, 1_000_000)
FORM = "booking form"
WAITING = "waiting page, {:,} rows"
USUAL = WAITING.format(10_000)
ENTERING, API, BOOKING, ENTRY = "entering", "API read", "booking", "calendar entry"
ONE_ENTRY = "calendar entry, one at a time"
BASELINES = {
    FORM: "*baseline: an answer from memory*",
    USUAL: "*baseline: one SELECT*",
    BOOKING: "*baseline: one INSERT, committed*",
}
"""What pages of `planado serve` on MariaDB are held against (bench/baseline.py)."""
ROWS = (FORM, *map(WAITING.format, SIZES), ENTERING, API, BOOKING, ENTRY)
BASELINE = "bench/baseline.py"
# Of what the hosts run on; an answer tells the versions.
_NAMED = ("python ", "waitress=", "pymysql=", "gunicorn=", "granian=")

Cells = dict[tuple[str, str, str], Cell]
"""By database, row and host."""


def main() -> None:
    """Start everything, measure, and print the tables."""
    with ExitStack() as stack:
        maria, folder = stack.enter_context(databases())
        cells = _cells(stack, folder, maria)
        for number in range(ROUNDS):
            for cell in _in_turn(cells):
                cell.measure()
            print(f"round {number + 1} of {ROUNDS} measured", file=sys.stderr, flush=True)
        print(_machine(maria))
    for database in ("MariaDB", "SQLite"):
        _print_rates(cells, database)
    _print_aims(cells)


def _cells(stack: ExitStack, folder: Path, maria: MariaServer) -> Cells:
    cells: Cells = {}
    for database, server in (("MariaDB", maria), ("SQLite", None)):
        for size in SIZES:
            filled = fill(server, folder, f"planado_{size}", size)
            waiting = WAITING.format(size)
            for host in HOSTS if waiting == USUAL else (SERVE,):
                root = stack.enter_context(served(filled.url, host)).root
                cells[database, waiting, host] = asking(root, "/i/", filled.waiting)
                if waiting == USUAL:
                    pages = _pages(root, filled) | (_stored_nowhere(root) if server else {})
                    cells |= {(database, row, host): cell for row, cell in pages.items()}
            if server and waiting == USUAL:
                _add_baselines(stack, cells, maria, filled)
    cells["SQLite", BOOKING, SERVE].seconds = WRITERS_SECONDS
    return cells


def _pages(root: str, filled: Filled) -> dict[str, Cell]:
    return {
        ENTERING: Cell(f"{root}/i/{filled.open}/enter"),
        API: asking(root, "/api/v1/conferences/", filled.waiting),
        BOOKING: booking(root),
    }


def _stored_nowhere(root: str) -> dict[str, Cell]:
    """Return what asks no database, and so is measured beside one of them only."""
    return {FORM: Cell(f"{root}/"), ENTRY: entries(root)}


def _add_baselines(stack: ExitStack, cells: Cells, maria: MariaServer, filled: Filled) -> None:
    form = cells["MariaDB", FORM, SERVE].url
    page = f"{form}i/{filled.waiting.read_text().split()[0]}"

    def started(kind: str, answer: str) -> str:
        return stack.enter_context(served(filled.url, _baseline(kind, answer, maria))).root

    baselines = {
        FORM: Cell(started("bare", form)),
        USUAL: asking(started("select", page), "/i/", filled.waiting),
        BOOKING: booking(started("insert", page)),
    }
    for row, cell in baselines.items():
        cells["MariaDB", BASELINES[row], SERVE] = cell
    cells["MariaDB", ONE_ENTRY, SERVE] = entries(form, connections=1)


def _baseline(kind: str, answer: str, maria: MariaServer) -> Callable[[Site, Programs], None]:
    def start(site: Site, installed: Programs) -> None:
        serve = ["serve", "--config", site.configure(), "--listen", f"127.0.0.1:{site.port}"]
        python, script = installed.checkout / ".venv/bin/python", installed.checkout / BASELINE
        site.start([python, script, kind, answer, maria.socket, "planado_10000", *serve])

    return start


def _in_turn(cells: Cells) -> Iterator[Cell]:
    """Yield all hosts' cells of a row together, each baseline beside what is held against it."""
    order = [row for page in (*ROWS, ONE_ENTRY) for row in (page, BASELINES.get(page))]
    for _, cell in sorted(cells.items(), key=lambda item: order.index(item[0][1])):
        yield cell


def _print_rates(cells: Cells, database: str) -> None:
    print(f"\n| {database}, {CONNECTIONS} connections | {' | '.join(HOSTS.values())} |")
    print(f"|{' --- |' * (len(HOSTS) + 1)}")
    for row in (*ROWS, *BASELINES.values()):
        found = [cells.get((database, row, host)) for host in HOSTS]
        if any(found):
            print(f"| {row} | {' | '.join(str(cell or '') for cell in found)} |")


def _print_aims(cells: Cells) -> None:
    def cell(row: str, database: str = "MariaDB") -> Cell:
        return cells[database, row, SERVE]

    few, many = WAITING.format(SIZES[0]), WAITING.format(SIZES[-1])
    sizes = [cell(many, name).times(cell(few, name)) for name in ("MariaDB", "SQLite")]
    writers = cell(BOOKING, "SQLite")
    of_insert = cell(BASELINES[BOOKING]).times(cell(BOOKING))
    print(
        f"""
| `planado serve` | measured | aim |
| --- | --- | --- |
| waiting page, 99 of 100 within | {cell(USUAL).p99:.0f} ms | 40 ms |
| booking on SQLite, 99 of 100 within | {writers.p99:.0f} ms | 250 ms |
| booking on SQLite, refused | {writers.refused} | 0 |
| waiting page, of one SELECT | {cell(USUAL).times(cell(BASELINES[USUAL])):.2f} | 0.75 |
| booking form, of an answer from memory | {cell(FORM).times(cell(BASELINES[FORM])):.2f} | 0.8 |
| a booking's time, of a committed INSERT's | {of_insert:.1f} | at most 1.5 |
| {many}, of that with 10 | {sizes[0]:.2f} (SQLite {sizes[1]:.2f}) | 0.9 |
| calendar entry, series of 100 | {1000 / cell(ONE_ENTRY).rate:.1f} ms | at most 5 ms |"""
    )


def _machine(maria: MariaServer) -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    [(server_version,)] = maria.administrate("SELECT VERSION()")
    python = programs().checkout / ".venv/bin/python"
    told = run([python, "--version"], Path("/")) + run([python, "-m", "pip", "freeze"], Path("/"))
    versions = [line for line in told.splitlines() if line.lower().startswith(_NAMED)]
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores ({model}), MariaDB {server_version}, {', '.join(versions)}"


if __name__ == "__main__":
    main()
