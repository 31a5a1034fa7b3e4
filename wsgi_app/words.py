"""Dates, spans and rhythms in the words of a language."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from .recurrence import parse_rhythm, to_local, week_of_month
from .texts import Texts


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
    local = to_local(instant, zone)
    return texts.format(
        "date_and_time", date=day_words(texts, local), time=_time_words(texts, local)
    )


def span_words(texts: Texts, instant: int, minutes: int, zone: ZoneInfo) -> str:
    """Return `Tuesday, 24 November 2026, 10:00 to 11:00`, or both days where they differ."""
    start = to_local(instant, zone)
    end = to_local(instant + minutes * 60, zone)
    if start.date() == end.date():
        until = _time_words(texts, end)
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


def rhythm_words(texts: Texts, rectype: str, first: date) -> str:
    """Return `every 2 weeks`, `every month on the second Tuesday` and the like; `once` without a
    rhythm.
    """
    if not rectype:
        return str(texts["once"])
    rhythm = parse_rhythm(rectype)
    match rhythm.unit:
        case "weekdays":
            return str(texts["every_weekday"])
        case "monthlyday":
            return texts.plural(
                "every_monthlyday",
                rhythm.interval,
                on_nth_weekday=texts["on_nth_weekdays"][week_of_month(first) - 1][first.weekday()],
            )
        case "monthly" if first.day == 31:
            return texts.plural("every_month_last_day", rhythm.interval)
        case "monthly":
            return texts.plural("every_month", rhythm.interval, day=first.day)
        case "weekly":
            on_weekday = texts["on_weekdays"][first.weekday()]
            return texts.plural("every_week", rhythm.interval, on_weekday=on_weekday)
        case _:
            return texts.plural("every_day", rhythm.interval)


def series_words(texts: Texts, rectype: str, first: date, number: int, last: date) -> str:
    """Return `every week on Tuesday, 5 dates, the last on Tuesday, 30 March 2027`; `once` without a
    rhythm.

    `first` is the day on which the series began, `number` and `last` are of its dates still to
    come.
    """
    rhythm = rhythm_words(texts, rectype, first)
    if not rectype:
        return rhythm
    return texts.plural("series", number, rhythm=rhythm, last=day_words(texts, last))


def _time_words(texts: Texts, local: datetime) -> str:
    return texts.format("time_of_day", time=f"{local:%H:%M}")
