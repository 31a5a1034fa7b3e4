"""What `planado.py check` looks at: one function for each line, which raises what is wrong."""

from __future__ import annotations

import os
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import log
from ..config import Config, load_config
from ..domain import recurrence
from ..storage import conferences
from ..storage.database import Database, DatabaseError
from ..storage.migrations import pending
from ..storage.opening import open_database
from ..storage.sqlite import user_name
from ..text.messages import FALLBACK
from ..text.theme import Theme


def count_faults(config: Config, ini: Path | None) -> int:
    """Print a line for each thing looked at, and return how many are not in order."""
    theme = Theme(config.look_folder, config.site.languages)

    def database() -> Database:
        return open_database(config.database.url, config.database.table, config.folder)

    checks: dict[str, Callable[[], str]] = {
        "translations": lambda: _check_translations(theme),
        "templates": lambda: _check_templates(theme),
        "time zones": _check_time_zones,
        "database": lambda: _check_database(database()),
        "files": lambda: _check_files(database(), _secret_files(config, ini)),
    }
    faults = 0
    for name, check in checks.items():
        try:
            print(f"ok     {name}: {check()}")
        except (DatabaseError, LookupError, ValueError, OSError) as error:
            faults += 1
            print(f"fault  {name}: {error}")
    return faults


def complain(config: Config, ini: Path | None, database: Database) -> None:
    """Log which files with secrets everybody may open."""
    for error in _exposed([*database.files(), *_secret_files(config, ini)]):
        log.error("%s", error)


def _check_translations(theme: Theme) -> str:
    """Return the languages on offer; raises ValueError where a translation would break a page."""
    english = Theme(None).texts(FALLBACK)
    for language in theme.languages:
        for key, text in theme.texts(language).items():
            if key not in english:
                raise ValueError(f"{language}.json: there is no text {key}")
            if type(text) is not type(english[key]):
                raise ValueError(f"{language}.json: {key} has another form than in English")
            unknown = _placeholders(text) - _placeholders(english[key])
            if unknown:
                raise ValueError(f"{language}.json: {key} has an unknown {{{unknown.pop()}}}")
    return ", ".join(theme.languages)


def _check_templates(theme: Theme) -> str:
    """Return the number of templates; raises ValueError where one would break a page."""
    built_in = Theme(None)
    texts = {f"t.{key}" for key in built_in.texts(FALLBACK)}
    for name in theme.template_names():
        if name not in built_in.template_names():
            raise ValueError(f"{name}: no page uses a template of this name")
        template = theme.template(name)
        if not template.is_valid():
            raise ValueError(f"{name}: a $ that begins no name is written $$")
        values = set(built_in.template(name).get_identifiers())
        unknown = set(template.get_identifiers()) - values - texts
        if unknown:
            raise ValueError(f"{name}: unknown ${{{unknown.pop()}}}")
    return f"{len(theme.template_names())} files"


def _check_time_zones() -> str:
    """Return the version of the time zone data in force, and whose it is."""
    version, folder = recurrence.zone_data()
    place = "of the package tzdata" if folder == recurrence.PACKAGE_ZONES else f"in {folder}"
    return f"{version}, {place}"


def _check_database(database: Database) -> str:
    """Say which database it is, having tried to write to it; raises LookupError where it needs
    `init-db`, DatabaseError.
    """
    if not database.exists():
        database.check_place()
        return f"{database.dialect}, made at the first start"
    missing = pending(database)
    if missing:
        raise LookupError(f'{", ".join(missing)} not applied: run "planado.py init-db"')
    conferences.try_to_write(database)
    return f"{database.dialect}, table {database.table}"


def _check_files(database: Database, secrets: list[Path]) -> str:
    """Say whose the files of the database are; raises ValueError where the service may not be able
    to open them, or where everybody may open one of them or of `secrets`.
    """
    for fault in _exposed([*database.files(), *secrets]):
        raise ValueError(fault)
    if not database.files():
        return "closed to others"
    file = database.files()[0]
    owner, of_the_folder = file.stat().st_uid, file.resolve().parent.stat().st_uid
    if owner == os.geteuid() == 0 != of_the_folder:
        user = user_name(of_the_folder)
        raise ValueError(f"{file} belongs to root, its folder to {user}: chown {user} {file}")
    if owner != os.geteuid() == 0:
        user = user_name(owner)
        return f"of {user}, and this is root: look with runuser -u {user} -- planado check"
    return f"of {user_name(owner)}, closed to others"


def _exposed(files: list[Path]) -> list[str]:
    """Return a sentence for each of the files that any user of this machine may read or write."""
    return [
        f"{file} is open to everybody on this machine: chmod o= {file}"
        for file in files
        if _is_exposed(file.resolve())
    ]


def _secret_files(config: Config, ini: Path | None) -> list[Path]:
    """Return the files that hold the password of the database, the configuration perhaps."""
    found = []
    # As the file has it, whatever the environment says.
    if ini and load_config(ini, {}).database.url.password:
        found.append(ini.absolute())
    password_file = config.database.url.password_file
    return [*found, config.folder / password_file] if password_file else found


def _is_exposed(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & 0o006) and all(
            folder.stat().st_mode & 0o001 for folder in file.parents
        )
    except OSError:
        # What cannot be looked at is somebody else's to close.
        return False


def _placeholders(text: Any) -> set[str]:
    if isinstance(text, dict):
        text = list(text.values())
    if isinstance(text, list):
        return set().union(*map(_placeholders, text))
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
