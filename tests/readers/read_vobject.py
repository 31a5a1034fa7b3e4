"""Reads calendar entries with vobject: a JSON list of streams on standard input, on standard output
what each says. Run by the Python of .venv-readers.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import vobject


def read(stream: str) -> dict[str, Any]:
    """Return the name, the starts and the seconds that the event lasts."""
    event = vobject.readOne(stream).vevent
    first = event.dtstart.value
    # The rule is read in local time, as section 3.8.5.3 wants it.
    dates = list(event.getrruleset(addRDate=True) or [first])
    starts = [date.replace(tzinfo=first.tzinfo).timestamp() for date in dates]
    return {"name": event.summary.value, "starts": starts, "seconds": _seconds(event)}


def _seconds(event: Any) -> float:
    if hasattr(event, "duration"):
        return float(event.duration.value.total_seconds())
    return float((event.dtend.value - event.dtstart.value).total_seconds())


if __name__ == "__main__":
    json.dump([read(stream) for stream in json.load(sys.stdin)], sys.stdout)
