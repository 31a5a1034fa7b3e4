"""The form that books and changes: its fields, their values and their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from ..domain import validation
from ..domain.conference import Appointment, Conference
from ..domain.recurrence import OFFERED, exists, listed_zone_names, to_local
from ..domain.validation import (
    LONGEST_DURATION,
    LONGEST_NAME,
    Booking,
    FieldError,
    FieldErrors,
    TimeOfDayError,
    Value,
)
from ..text.dates import recurrence_words
from ..text.html import Html, Template, joined
from ..text.messages import Texts
from ..web.request import Fields, Request

FIELDS = ("name", "date", "time", "timezone", "duration", "repeat", "count")

_WITH_HINT = ("name", "count")

_OPTION = Template('<option value="$value"$selected>$label</option>\n')
_ZONE = Template("<option$selected>$zone")
_HINT = Template('aria-describedby="$field-hint"')
_STATE = Template('aria-invalid="true" aria-describedby="$field-error"')
_ERROR = Template('<p class="error" id="$field-error">$message</p>')
_SUMMARY = Template('<div class="summary" role="alert"><p>$message</p><ul>$items</ul></div>')
_SUMMARY_ITEM = Template('<li><a href="#$field">$label $message</a></li>')
_ANSWER = Template('<p class="answer" aria-live="polite" data-when="$url"></p>')
_SELECTED = Html(" selected")


def fresh_values(request: Request) -> dict[str, str]:
    """Return what an empty form suggests: the next full hour in the instance's zone."""
    timezone = request.config.site.timezone
    zone = ZoneInfo(timezone)
    start = to_local(request.now, zone).replace(minute=0, second=0) + timedelta(hours=1)
    while not exists(start, zone):
        start += timedelta(hours=1)
    duration = request.config.booking.default_duration
    return booking_values(Booking("", duration, Appointment(start, timezone, "", 0)))


def read_booking(
    request: Request, current: Conference | None = None, name_required: bool = True
) -> Booking:
    """Return what the form asks for; raises ValidationError. `current` is the conference that it
    changes.
    """
    limits = request.config.limits
    wanted = _parse(request.form, validation.largest_count(limits, current), name_required)
    return validation.validate(wanted, limits, request.now, current)


def booking_values(booking: Booking) -> dict[str, str]:
    """Return a booking as the form shows it."""
    appointment = booking.appointment
    return {
        "name": booking.name,
        "date": appointment.start.date().isoformat(),
        "time": f"{appointment.start:%H:%M}",
        "timezone": appointment.timezone,
        "duration": str(booking.duration),
        "repeat": appointment.rectype,
        "count": str(appointment.recev or ""),
    }


def form_fields(
    request: Request,
    values: Mapping[str, str] | Fields,
    errors: FieldErrors | None = None,
    started: bool = False,
) -> Html:
    """Return the fields with their values and, beside each wrong one, the reason.

    Script says below them what they mean, unless the conference has `started`: its start may stay
    in the past, where no new one may be.
    """
    texts = request.texts
    messages = {
        _form_field(field, error): texts.format(error.text, **error.values)
        for field, error in (errors or {}).items()
    }
    today = to_local(request.now, ZoneInfo("UTC")) - timedelta(days=1)
    return request.markup(
        "form.html",
        **{field: values[field] for field in ("name", "date", "time", "duration", "count")},
        **{f"{field}_state": _state(field, field in messages) for field in FIELDS},
        **{
            f"{field}_error": _ERROR.render({}, field=field, message=messages[field])
            if field in messages
            else Html()
            for field in FIELDS
        },
        summary=_summary(texts, messages),
        answer=Html() if started else _ANSWER.render(texts, url=request.page_url("/when")),
        zones=_zone_options(values["timezone"]),
        rhythms=_recurrence_options(texts, values["repeat"], values["date"]),
        earliest_date=today.date().isoformat(),
        longest_name=LONGEST_NAME,
        longest_duration=LONGEST_DURATION,
        most_repetitions=request.config.booking.max_count,
    )


def _parse(fields: Fields, most: int, name_required: bool) -> validation.BookingInput:
    errors = FieldErrors()

    def read(field: str, parse: Callable[[str], Value]) -> Value | None:
        if field in fields.duplicates:
            errors[field] = FieldError("error_doubled")
            return None
        return errors.read(field, parse, fields[field])

    name = read("name", validation.parse_name) if name_required or fields["name"] else ""
    day = read("date", validation.parse_date)
    clock = read("time", validation.parse_time)
    return validation.BookingInput(
        name=name,
        start=datetime.combine(day, clock) if day and clock else None,
        timezone=read("timezone", validation.parse_timezone),
        duration=read("duration", validation.parse_duration),
        rectype=read("repeat", validation.parse_rectype),
        recev=read("count", lambda text: validation.parse_count(text, most)),
        errors=errors,
    )


def _form_field(field: str, error: FieldError) -> str:
    if field == "start":
        return "time" if isinstance(error, TimeOfDayError) else "date"
    return field


def _state(field: str, is_wrong: bool) -> Html:
    if is_wrong:
        return _STATE.render({}, field=field)
    return _HINT.render({}, field=field) if field in _WITH_HINT else Html()


def _summary(texts: Texts, messages: Mapping[str, str]) -> Html:
    if not messages:
        return Html()
    items = joined(
        _SUMMARY_ITEM.render(
            texts,
            field=field,
            label=texts.format("labelled", label=texts[f"field_{field}"]),
            message=messages[field],
        )
        for field in FIELDS
        if field in messages
    )
    message = texts.plural("form_errors", len(messages))
    return _SUMMARY.render(texts, message=message, items=items)


def _zone_options(chosen: str) -> Html:
    if chosen in _offered_zones():
        return _offered_options(chosen)
    # Listed too: a visitor sees what was wrong, not another zone.
    return joined([_ZONE.render({}, zone=chosen, selected=_SELECTED), _offered_options("")])


@cache
def _offered_zones() -> tuple[str, ...]:
    return ("UTC", *listed_zone_names())


@lru_cache(maxsize=32)
def _offered_options(chosen: str) -> Html:
    return joined(
        _ZONE.render({}, zone=zone, selected=_SELECTED if zone == chosen else Html())
        for zone in _offered_zones()
    )


def _recurrence_options(texts: Texts, chosen: str, date: str) -> Html:
    labels = {"": texts["once"], **{code: texts["rhythms"][code] for code in OFFERED}}
    if chosen not in labels:
        labels[chosen] = chosen
        with suppress(ValueError):
            labels[chosen] = recurrence_words(texts, chosen, datetime.fromisoformat(date))
    return joined(
        _OPTION.render(
            texts, value=code, label=label, selected=_SELECTED if code == chosen else Html()
        )
        for code, label in labels.items()
    )
