"""The command line: serve, cleanup, init-db, check."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .cleanup import clean_up
from .config import Config, ConfigError, find_config, load_config
from .database import Database, DatabaseError, open_database
from .look import Look
from .migrate import ForeignTable, migrate, pending, prepare


def run(arguments: list[str]) -> int:
    """Carry out a command and return its exit status: 0 done, 1 not done, 2 not understood."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    file = find_config(os.environ, options.config)
    try:
        config = load_config(file)
        database = open_database(config.database.url, config.database.table, config.folder)
        return int(options.command(config, database, options))
    except (ConfigError, DatabaseError, ForeignTable, LookupError) as error:
        print(f"planado: {error}", file=sys.stderr)
        return 1


def _serve(config: Config, database: Database, options: argparse.Namespace) -> int:
    from .server import serve

    prepare(database)
    if pending(database):
        raise LookupError(
            'the tables are missing or older than this program: run "planado.py init-db"'
        )
    serve(config, database, options.listen)
    return 0


def _cleanup(config: Config, database: Database, options: argparse.Namespace) -> int:
    prepare(database)
    swept = clean_up(database, config.doors, time.time())
    print(f"deleted {swept.deleted}, advanced {swept.advanced}")
    return 1 if swept.left else 0


def _init_db(config: Config, database: Database, options: argparse.Namespace) -> int:
    for name in migrate(database):
        print(f"applied {name}")
    print(f"the table {config.database.table} is up to date")
    return 0


def _check(config: Config, database: Database, options: argparse.Namespace) -> int:
    file = find_config(os.environ, options.config)
    checks: dict[str, Callable[[], str]] = {
        "configuration": lambda: str(file or "built-in defaults"),
        "translations": lambda: _check_translations(config),
        "templates": lambda: _check_templates(config),
        "database": lambda: _check_database(database),
    }
    faults = 0
    for name, check in checks.items():
        try:
            print(f"ok     {name}: {check()}")
        except (DatabaseError, LookupError, ValueError, OSError) as error:
            faults += 1
            print(f"fault  {name}: {error}")
    return 1 if faults else 0


def _check_translations(config: Config) -> str:
    look = Look(config.look_folder, config.site.languages)
    for language in look.languages:
        look.texts(language)
    return ", ".join(look.languages)


def _check_templates(config: Config) -> str:
    if config.look_folder and not config.look_folder.is_dir():
        raise LookupError(f"[look] directory {config.look_folder} is no folder")
    look = Look(config.look_folder)
    names = look.template_names()
    for name in names:
        if not look.template(name).is_valid():
            raise ValueError(f"{name} has a $ that is neither $name nor $$")
    return f"{len(names)} files"


def _check_database(database: Database) -> str:
    prepare(database)
    missing = pending(database)
    if missing:
        raise LookupError(f'{", ".join(missing)} not applied: run "planado.py init-db"')
    return f"{database.dialect}, table {database.table}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="planado.py", description="Appointments for Jitsi Meet.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config",
        metavar="FILE",
        type=_existing_file,
        help="settings (else $PLANADO_CONFIG, else ./planado.ini, else built-in defaults)",
    )
    for name, command, text in (
        ("serve", _serve, "serve with waitress"),
        ("cleanup", _cleanup, "delete what is past and move series on; for cron"),
        ("init-db", _init_db, "create or upgrade the tables"),
        ("check", _check, "say whether configuration, database and templates are in order"),
    ):
        subparser = commands.add_parser(name, parents=[common], help=text, description=text)
        subparser.set_defaults(command=command)
        if name == "serve":
            subparser.add_argument(
                "--listen", metavar="HOST:PORT", help="address to serve on (else [server] listen)"
            )
    return parser


def _existing_file(text: str) -> str:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return text
