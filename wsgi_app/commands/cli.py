"""The command line."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .. import __version__
from ..config import Config, ConfigError, find_config, load_config
from ..domain.recurrence import zone_names
from ..setting_parsers import Listen, parse_listen
from ..storage.cleanup import CleanupResult, clean_up
from ..storage.database import ANSWER_SECONDS, Database, DatabaseError
from ..storage.import_php import NotUnderstood
from ..storage.migrations import ForeignTable, make_where_empty, migrate, pending, prepare
from ..storage.opening import open_database
from .check import complain, count_faults

# A change of a large table takes its time.
_MIGRATION_SECONDS = 24 * 60 * 60


def run(arguments: list[str]) -> int:
    """Carry out a command and return its exit status: 0 done, 1 not done, 2 not understood."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    try:
        return int(options.command(options))
    except (ConfigError, DatabaseError, ForeignTable, NotUnderstood, LookupError) as error:
        print(f"planado: {error}", file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace) -> int:
    from .serve import serve

    config = _config(options)
    database = _database(config)
    prepare(database)
    if pending(database) and not make_where_empty(database):
        raise LookupError(
            'the tables are missing or older than this program: run "planado.py init-db"'
        )
    complain(config, _file(options), database)
    serve(config, database, options.listen)
    return 0


def _cleanup(options: argparse.Namespace) -> int:
    config = _config(options)
    database = _database(config)
    # Visitors come first: without this, their pages take three times as long meanwhile (measured).
    os.nice(10)
    result = CleanupResult()
    if database.exists():
        result = clean_up(database, config.opening_hours, time.time())
    else:
        print("planado: there is no database yet", file=sys.stderr)
    print(f"deleted {result.deleted}, advanced {result.advanced}")
    return 1 if result.left else 0


def _init_db(options: argparse.Namespace) -> int:
    config = _config(options)
    database = _database(config, _MIGRATION_SECONDS)
    for line in migrate(database, options.timezone):
        print(line)
    database.rewrite()
    print(f"the table {config.database.table} is up to date")
    return 0


def _check(options: argparse.Namespace) -> int:
    try:
        config = _config(options)
    except ConfigError as error:
        print(f"fault  configuration: {error}")
        return 1
    print(f"ok     configuration: {_file(options) or 'built-in defaults'}")
    return 1 if count_faults(config, _file(options)) else 0


def _backup(options: argparse.Namespace) -> int:
    _database(_config(options)).backup(options.file)
    return 0


def _file(options: argparse.Namespace) -> Path | None:
    return find_config(os.environ, options.config)


def _config(options: argparse.Namespace) -> Config:
    return load_config(_file(options))


def _database(config: Config, answer_seconds: int = ANSWER_SECONDS) -> Database:
    settings = config.database
    return open_database(settings.url, settings.table, config.folder, answer_seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="planado.py", description="Appointments for Jitsi Meet.")
    parser.add_argument("--version", action="version", version=f"planado {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config",
        metavar="FILE",
        type=_existing_file,
        help="settings (else $PLANADO_CONFIG, else ./planado.ini, else built-in defaults)",
    )

    def add(
        name: str, command: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        subparser = commands.add_parser(name, parents=[common], help=text, description=text)
        subparser.set_defaults(command=command)
        return subparser

    add("serve", _serve, "serve with waitress").add_argument(
        "--listen",
        metavar="HOST:PORT|unix:/PATH",
        type=_listen,
        help="address or Unix socket to serve on (else [server] listen)",
    )
    add("cleanup", _cleanup, "delete what is past and move series on; for cron")
    add("init-db", _init_db, "create or upgrade the tables").add_argument(
        "--timezone",
        metavar="ZONE",
        type=_zone,
        help="time zone of the series in a table of the PHP version that is taken over",
    )
    add("check", _check, "say whether configuration, database and templates are in order")
    add("backup", _backup, "copy an SQLite database while it is in use").add_argument(
        "file", metavar="FILE", type=Path, help="the copy, which may not be there yet"
    )
    return parser


def _listen(text: str) -> Listen:
    try:
        return parse_listen(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"allowed is {error}") from error


def _zone(text: str) -> str:
    if text not in zone_names():
        raise argparse.ArgumentTypeError(f"there is no time zone {text}")
    return text


def _existing_file(text: str) -> str:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return text
