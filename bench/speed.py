"""How fast Planado is, side by side with what it is held against; bench/run runs it.

Each round measures every cell once, so that whatever else the machine does
meets all alike; a cell's figure is the median of its rounds, and a ratio is
the median of the ratios within each round. Servers run on the first core
allowed, wrk and MariaDB on the others: threads of one Python process that
move between cores are slower and measure the machine.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from bench.servers import CORES, OTHER_CORES, SERVER_CORES, fill, on_cores, served
from tests.support.mariadb import MariaServer, free_port, running_mariadb

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS_EACH", "2"))
SIZES = (10, 10_000, 1_000_000)
CONNECTIONS = 32
BENCH = Path(__file__).parent
FLOORS = {
    "waiting waitress mariadb 10000": "floor select",
    "form waitress mariadb 10000": "floor bare",
    "booking waitress mariadb 10000": "floor insert",
}
"""What is held against what."""


@dataclass
class Cell:
    """Something that wrk asks for, and how many answers a second there were in each round."""

    name: str
    url: str
    arguments: tuple[str, ...] = ()
    connections: int = CONNECTIONS
    rates: list[float] = field(default_factory=list)

    def measure(self) -> None:
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{SECONDS}", *self.arguments[:2]]
        command += [self.url, "--", *self.arguments[2:]]
        with on_cores(OTHER_CORES):
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in told and "Socket errors" not in told, (self.name, told)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
        assert rate, told
        self.rates.append(float(rate[1]))

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


def main() -> None:
    """Start everything, measure, and print the tables."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="planado-bench-")))
        with on_cores(OTHER_CORES):
            maria = stack.enter_context(running_mariadb())
        print(_machine(maria), flush=True)
        cells = _cells(stack, folder, maria)
        for number in range(ROUNDS):
            for cell in _in_turn(cells):
                cell.measure()
            print(f"round {number + 1} of {ROUNDS} measured", file=sys.stderr, flush=True)
        _print_rates(cells)
        _print_targets(cells)


def _cells(stack: ExitStack, folder: Path, maria: MariaServer) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    ask = ("-s", str(BENCH / "ask.lua"))

    def add(name: str, address: str, *arguments: str, connections: int = CONNECTIONS) -> None:
        cells[name] = Cell(name, address, arguments, connections)

    for database in ("mariadb", "sqlite"):
        for size in SIZES:
            place = folder / f"{database}-{size}"
            place.mkdir()
            name = f"planado_{size}"
            address = "sqlite:///planado.db"
            if database == "mariadb":
                maria.administrate(f"CREATE DATABASE {name}")
                maria.administrate(f"GRANT ALL ON {name}.* TO planado")
                address = maria.url.replace("/planado?", f"/{name}?")
            numbers = fill(place, address, size)
            listed = place / "waiting"
            listed.write_text("".join(f"{number}\n" for number in numbers.waiting))
            for host in ("waitress", "gunicorn"):
                if host == "gunicorn" and size != 10_000:
                    continue
                # Four workers share all cores with the rest; one process keeps to its own.
                with on_cores(SERVER_CORES if host == "waitress" else set(CORES)):
                    root = stack.enter_context(served(place, host))
                label = f"{host} {database} {size}"
                add(f"waiting {label}", root, *ask, "/i/", str(listed))
                add(f"open {label}", f"{root}/i/{numbers.open}/enter")
                add(f"API {label}", root, *ask, "/api/v1/conferences/", str(listed))
                if size == 10_000:
                    add(f"form {label}", root + "/")
                    add(f"booking {label}", root, "-s", str(BENCH / "book.lua"), _date())
                    add(f"entry {label}", root, "-s", str(BENCH / "entry.lua"), connections=1)
    _add_floors(stack, maria, cells, add)
    return cells


def _add_floors(
    stack: ExitStack, maria: MariaServer, cells: dict[str, Cell], add: Callable[..., None]
) -> None:
    waiting, form, _ = (cells[name] for name in FLOORS)
    path = "/i/" + Path(waiting.arguments[-1]).read_text().split()[0]
    pages = {
        "bare": form.url,
        "select": waiting.url + path,
        "insert": waiting.url + path,
    }
    for kind, page in pages.items():
        port = free_port()
        arguments = [kind, str(port), page, str(maria.socket), "planado_10000"]
        with on_cores(SERVER_CORES):
            process = subprocess.Popen([sys.executable, "-m", "bench.floor", *arguments])
        stack.callback(process.kill)
        asked = waiting.arguments if kind == "select" else ()
        add(f"floor {kind}", f"http://127.0.0.1:{port}/", *asked)
    time.sleep(2)


def _in_turn(cells: dict[str, Cell]) -> Iterator[Cell]:
    """Yield the cells, each floor beside what is held against it, as the machine's pace drifts."""
    for name, cell in cells.items():
        if name not in FLOORS.values():
            yield cell
        if name in FLOORS:
            yield cells[FLOORS[name]]


def _date() -> str:
    return f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"


def _print_rates(cells: dict[str, Cell]) -> None:
    print(f"\nAnswers a second, {CONNECTIONS} connections, medians of {ROUNDS}\n")
    columns = ["waitress mariadb", "waitress sqlite", "gunicorn mariadb", "gunicorn sqlite"]
    print(f"| page, rows | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")
    for page in ("form", "waiting", "open", "API", "booking"):
        for size in SIZES:
            found = [cells.get(f"{page} {column} {size}") for column in columns]
            if any(found):
                rates = " | ".join(f"{cell.rate:.0f}" if cell else "" for cell in found)
                print(f"| {page}, {size:,} | {rates} |")
    for kind in ("bare", "select", "insert"):
        print(f"| floor: {kind} | {cells[f'floor {kind}'].rate:.0f} | | | |")


def _print_targets(cells: dict[str, Cell]) -> None:
    def ratio(above: str, below: str) -> float:
        pairs = zip(cells[above].rates, cells[below].rates, strict=True)
        return statistics.median(one / other for one, other in pairs)

    waiting, form, booking = FLOORS
    print("\n| what | measured | target |\n| --- | --- | --- |")
    lines: list[tuple[str, float, str]] = [
        ("waiting page, of a bare SELECT", ratio(waiting, FLOORS[waiting]), "≥ 0.75"),
        ("form, of a bare answer", ratio(form, FLOORS[form]), "≥ 0.8"),
        ("a booking's time, of an INSERT's", ratio(FLOORS[booking], booking), "≤ 1.5"),
    ]
    for database in ("mariadb", "sqlite"):
        for page in ("waiting", "API"):
            many, few = (f"{page} waitress {database} {n}" for n in (SIZES[-1], SIZES[0]))
            lines.append((f"{page}, 1,000,000 rows of 10, {database}", ratio(many, few), "≥ 0.9"))
    for what, measured, target in lines:
        print(f"| {what} | {measured:.2f} | {target} |")
    entry = cells["entry waitress mariadb 10000"]
    print(f"| calendar entry, series of 100 | {1000 / entry.rate:.1f} ms | ≤ 5 ms |")


def _machine(maria: MariaServer) -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    [(server_version,)] = maria.administrate("SELECT VERSION()")
    return (
        f"{len(CORES)} cores ({model}), Python {platform.python_version()}, "
        f"MariaDB {server_version}, PyMySQL {version('pymysql')}"
    )


if __name__ == "__main__":
    main()
