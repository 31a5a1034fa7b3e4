"""From the URL of the configuration to a database."""

from __future__ import annotations

from pathlib import Path

from .database import ANSWER_SECONDS, Database
from .url import DatabaseUrl


def open_database(
    url: DatabaseUrl, table: str, folder: Path, answer_seconds: int = ANSWER_SECONDS
) -> Database:
    """Return the database that `url` names, its relative paths taken from `folder`.

    It connects at the first statement. A MariaDB that does not answer one within
    `answer_seconds` counts as away.
    """
    # Only the module that is needed: a CGI call pays for each.
    if url.scheme == "sqlite":
        from .sqlite import SqliteDatabase

        return SqliteDatabase(folder / url.name, table)
    from .mariadb import MariaDatabase

    return MariaDatabase(url, table, folder, answer_seconds)
