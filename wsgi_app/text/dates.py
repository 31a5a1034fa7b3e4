"""Dates, spans and recurrences in the words of a language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ..domain.recurrence import parse_recurrence, to_local, week_of_month
from .messages import Texts


def day_words(texts: Texts, day: date) -> str:
    """Return `Tuesday, 24 November 2026`."""
    return texts.format(
        "date",
        weekday=texts["weekdays"][day.weekday()],
        day=day.day,
        month=texts["months"][day.month - 1],
        year=day.year,
    )


def moment_words(texts: Texts, instant: float, zone: ZoneInfo) -> str:
    """Return `Tuesday, 24 November 2026, 10:00`."""
    [words] = many_moments_words(texts, [instant], zone)
    return words


def many_moments_words(texts: Texts, instants: Sequence[float], zone: ZoneInfo) -> list[str]:
    """Return for each instant what `moment_words` does."""
    # One pattern for all, and filled in by %: twice as fast, and a page may have a thousand.
    named = texts.format("date_and_time", date=texts["date"], time=texts["time_of_day"])
    fields = {name: f"%({name})s" for name in ("weekday", "day", "month", "year", "time")}
    pattern = named.replace("%", "%%").format(**fields)
    weekdays, months = texts["weekdays"], texts["months"]
    return [
        pattern
        % {
            "weekday": weekdays[local.weekday()],
            "day": local.day,
            "month": months[local.month - 1],
            "year": local.year,
            "time": _clock(local.hour, local.minute),
        }
        for local in (datetime.fromtimestamp(int(instant), zone) for instant in instants)
    ]


def span_words(texts: Texts, instant: int, minutes: int, zone: ZoneInfo) -> str:
    """Return `Tuesday, 24 November 2026, 10:00 to 11:00`, or both days where they differ."""
    start = to_local(instant, zone)
    end = to_local(instant + minutes * 60, zone)
    if start.date() == end.date():
        until = texts.format("time_of_day", time=_clock(end.hour, end.minute))
    else:
        until = moment_words(texts, instant + minutes * 60, zone)
    return texts.format("span", start=moment_words(texts, instant, zone), end=until)


def zone_words(instant: int, zone: ZoneInfo) -> str:
    """Return `Europe/Berlin (UTC+01:00)`, with the offset that holds at the instant."""
    if zone.key == "UTC":
        return zone.key
    utc = to_local(instant, ZoneInfo("UTC"))
    offset = to_local(instant, zone) - utc
    sign = "−" if offset < timedelta(0) else "+"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{zone.key} (UTC{sign}{hours:02}:{minutes:02})"


def zoned_moment_words(texts: Texts, instant: int, zone: ZoneInfo) -> str:
    """Return `Tuesday, 24 November 2026, 10:00, Europe/Berlin (UTC+01:00)`."""
    moment = moment_words(texts, instant, zone)
    return texts.format("with_zone", moment=moment, zone=zone_words(instant, zone))


# Many guests wait for the same start.
@lru_cache(maxsize=256)
def utc_words(instant: int) -> str:
    """Return `2026-11-24T09:00:00Z`."""
    return f"{to_local(instant, ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"


def recurrence_words(texts: Texts, rectype: str, first: date) -> str:
    """Return `every 2 weeks`, `every month on the second Tuesday` and the like; `once` without a
    recurrence.
    """
    if not rectype:
        return str(texts["once"])
    recurrence = parse_recurrence(rectype)
    match recurrence.unit:
        case "weekdays":
            return str(texts["every_weekday"])
        case "monthlyday":
            return texts.plural(
                "every_monthlyday",
                recurrence.interval,
                on_nth_weekday=texts["on_nth_weekdays"][week_of_month(first) - 1][first.weekday()],
            )
        case "monthly" if first.day == 31:
            return texts.plural("every_month_last_day", recurrence.interval)
        case "monthly":
            return texts.plural("every_month", recurrence.interval, day=first.day)
        case "weekly":
            on_weekday = texts["on_weekdays"][first.weekday()]
            return texts.plural("every_week", recurrence.interval, on_weekday=on_weekday)
        case _:
            return texts.plural("every_day", recurrence.interval)


def series_words(texts: Texts, rectype: str, first: date, number: int, last: date) -> str:
    """Return `every week on Tuesday, 5 dates, the last on Tuesday, 30 March 2027`; `once` without a
    recurrence.

    `first` is the day on which the series began, `number` and `last` are of the
    occurrences to come.
    """
    recurrence = recurrence_words(texts, rectype, first)
    if not rectype:
        return recurrence
    return texts.plural("series", number, rhythm=recurrence, last=day_words(texts, last))


# Each occurrence of a series has the same clock time.
@lru_cache(maxsize=256)
def _clock(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"
