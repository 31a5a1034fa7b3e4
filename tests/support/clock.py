"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock:
    """UNIX seconds that stand still; begins on Tuesday, 2 March 2027, 08:00 in Berlin."""

    def __init__(self) -> None:
        self.now = datetime(2027, 3, 2, 8, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def local(self, zone: str, ahead: float = 0) -> datetime:
        """Return the naive local time of a zone, `ahead` seconds from now."""
        return datetime.fromtimestamp(self.now + ahead, ZoneInfo(zone)).replace(tzinfo=None)
