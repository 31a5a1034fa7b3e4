"""A database with its tables, one after the other on SQLite and on MariaDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from wsgi_app.config import Config
from wsgi_app.storage.database import Database
from wsgi_app.storage.migrations import migrate
from wsgi_app.storage.opening import open_database


@pytest.fixture
def database(make_config: Callable[[str], Config], database_url: str) -> Iterator[Database]:
    config = make_config(f"[database]\nurl = {database_url}")
    opened = open_database(config.database.url, config.database.table, config.folder)
    migrate(opened)
    yield opened
    opened.close()
