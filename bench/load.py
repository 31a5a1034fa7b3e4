"""What wrk asks for and tells."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS_EACH", "2"))
CONNECTIONS = 32
WRITERS_SECONDS = 8
"""Longer than somebody who books on SQLite waits for the others before being refused."""
_SCRIPTS = Path(__file__).parent
_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}


class Told(NamedTuple):
    """Answers a second, the milliseconds within which 99 of 100 came, and how many refused."""

    rate: float
    p99: float
    refused: int


@dataclass
class Cell:
    """Something that is asked for, and what was told of it in each round."""

    url: str
    arguments: tuple[str, ...] = ()
    connections: int = CONNECTIONS
    seconds: int = SECONDS
    rounds: list[Told] = field(default_factory=list)

    def measure(self) -> None:
        """Ask for some seconds; no answer at all is an error."""
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{self.seconds}", "--timeout=60s"]
        command += ["--latency", *self.arguments[:2], self.url, "--", *self.arguments[2:]]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        # uWSGI closes after each answer without saying so, which wrk takes for an error of reading.
        unserved = re.search(r"connect [1-9]|write [1-9]|timeout [1-9]", told)
        assert not unserved, (self.url, told)
        self.rounds.append(_understood(told))

    @property
    def rate(self) -> float:
        return statistics.median(told.rate for told in self.rounds)

    @property
    def p99(self) -> float:
        return statistics.median(told.p99 for told in self.rounds)

    @property
    def refused(self) -> int:
        return sum(told.refused for told in self.rounds)

    def times(self, other: Cell) -> float:
        """Return how many times as many answers as another one's, the median of all rounds."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(mine.rate / its.rate for mine, its in pairs)

    def __str__(self) -> str:
        refused = f", {self.refused} refused" if self.refused else ""
        return f"{self.rate:,.0f} ({self.p99:.0f} ms{refused})"


def asking(root: str, start: str, numbers: Path) -> Cell:
    """Return a cell of many addresses: `start` with one number of a file after the other."""
    return Cell(root, ("-s", str(_SCRIPTS / "ask.lua"), start, str(numbers)))


def booking(root: str) -> Cell:
    """Return a cell of bookings."""
    date = datetime.now(UTC) + timedelta(days=30)
    return Cell(root, ("-s", str(_SCRIPTS / "book.lua"), f"{date:%Y-%m-%d}"))


def entries(root: str, connections: int = CONNECTIONS) -> Cell:
    """Return a cell of calendar entries."""
    return Cell(root, ("-s", str(_SCRIPTS / "entry.lua")), connections)


def _understood(told: str) -> Told:
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    p99 = re.search(r" 99%\s+([\d.]+)(us|ms|s|m)\b", told)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    assert rate and p99, told
    milliseconds = float(p99[1]) * _MILLISECONDS[p99[2]]
    return Told(float(rate[1]), milliseconds, int(refused[1]) if refused else 0)
