"""What `planado.py check` looks at: one function for each line, which raises what is wrong."""

from __future__ import annotations

import string
from typing import Any

from . import recurrence
from .database import Database
from .look import Look
from .migrate import pending
from .texts import FALLBACK


def check_translations(look: Look) -> str:
    """Return the languages on offer; raises ValueError where a translation would break a page."""
    english = Look(None).texts(FALLBACK)
    for language in look.languages:
        for key, text in look.texts(language).items():
            if key not in english:
                raise ValueError(f"{language}.json: there is no text {key}")
            if type(text) is not type(english[key]):
                raise ValueError(f"{language}.json: {key} has another form than in English")
            unknown = _placeholders(text) - _placeholders(english[key])
            if unknown:
                raise ValueError(f"{language}.json: {key} has an unknown {{{unknown.pop()}}}")
    return ", ".join(look.languages)


def check_templates(look: Look) -> str:
    """Return the number of templates; raises ValueError where one would break a page."""
    built_in = Look(None)
    texts = {f"t.{key}" for key in built_in.texts(FALLBACK)}
    for name in look.template_names():
        if name not in built_in.template_names():
            raise ValueError(f"{name}: no page uses a template of this name")
        template = look.template(name)
        if not template.is_valid():
            raise ValueError(f"{name}: a $ that begins no name is written $$")
        values = set(built_in.template(name).get_identifiers())
        unknown = set(template.get_identifiers()) - values - texts
        if unknown:
            raise ValueError(f"{name}: unknown ${{{unknown.pop()}}}")
    return f"{len(look.template_names())} files"


def check_time_zones() -> str:
    """Return the version of the time zone data in force, and whose it is."""
    version, folder = recurrence.zone_data()
    place = "of the package tzdata" if folder == recurrence.PACKAGE_ZONES else f"in {folder}"
    return f"{version}, {place}"


def check_database(database: Database) -> str:
    """Say which database it is; raises LookupError where it needs `init-db`, DatabaseError."""
    if not database.exists():
        return f"{database.dialect}, made at the first start"
    missing = pending(database)
    if missing:
        raise LookupError(f'{", ".join(missing)} not applied: run "planado.py init-db"')
    return f"{database.dialect}, table {database.table}"


def _placeholders(text: Any) -> set[str]:
    if isinstance(text, dict):
        return set().union(*map(_placeholders, text.values()))
    if isinstance(text, list):
        return set().union(*map(_placeholders, text))
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
