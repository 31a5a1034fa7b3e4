"""The plan of the house: who may import whom; where clock, chance and SQL may stand."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from wsgi_app import routes
from wsgi_app.web.router import PlainRoute

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "wsgi_app"

# From the foundations up: a module imports only what stands on an earlier line.
LAYERS = [
    {
        "domain.identifier",
        "domain.recurrence",
        "text.html",
        "text.messages",
        "storage.url",
        "storage.mariadb_errors",
        "log",
        "formats.qr_code",
    },
    {
        "domain.conference",
        "text.theme",
        "text.dates",
        "storage.database",
        "formats.vtimezone",
        "commands.processes",
    },
    {"config", "storage.conferences", "formats.ical"},
    {"storage.import_php"},
    {"storage.migrations"},
    {"commands.check"},
    {"domain.validation", "storage.cleanup", "web.request"},
    {"views.links", "views.layout", "handlers.files", "web.cors"},
    {"handlers.room", "views.form", "views.details", "handlers.calendar"},
    {"views.problem", "handlers.api"},
    {"handlers.booking", "handlers.invitation", "handlers.admin", "handlers.legacy"},
    {"routes"},
    {"application"},
    {"commands.serve"},
    {"commands.cli"},
]
MODULES = sorted(file for file in PACKAGE.rglob("*.py") if file.name != "__init__.py")


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts)


def imports_of(file: Path) -> set[str]:
    """Return what a module imports, our own modules without the package's name."""
    tree = ast.parse(file.read_text("utf-8"))
    folder = file.relative_to(PACKAGE).parent.parts
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = [*folder[: len(folder) - node.level + 1], *filter(None, [node.module])]
            own = {".".join([*base, alias.name]) for alias in node.names}
            known = {name_of(module) for module in MODULES}
            found |= own & known or {".".join(base)}
    return found


def test_every_module_has_its_layer() -> None:
    assert {name_of(file) for file in MODULES} == set().union(*LAYERS)


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_a_module_imports_only_what_stands_below_it(file: Path) -> None:
    level = next(number for number, layer in enumerate(LAYERS) if name_of(file) in layer)
    above = set().union(*LAYERS[level:])
    typing_only = {"storage.database"} if name_of(file) == "web.request" else set()
    assert not (imports_of(file) - typing_only) & above


def test_each_technology_stays_in_its_place() -> None:
    places = {
        "icalendar": {"formats.ical"},
        "icalendar.prop": {"formats.ical"},
        "pymysql": {"storage.database"},
        "segno": {"formats.qr_code"},
        "sqlite3": {"storage.database"},
        "secrets": {"domain.identifier"},
        "random": set(),
        "time": {
            "application",
            "commands.cli",
            "storage.database",
            "commands.processes",
            "commands.serve",
        },
        "waitress": {"commands.serve"},
        "waitress.server": {"commands.serve"},
    }
    for file in MODULES:
        for technology in imports_of(file) & set(places):
            assert name_of(file) in places[technology], (name_of(file), technology)
        source = file.read_text("utf-8")
        assert "datetime.now" not in source
        assert "utcnow" not in source
        assert "date.today" not in source


def test_the_calendar_cannot_reach_the_database() -> None:
    reached = {"handlers.calendar"}
    todo = ["handlers.calendar"]
    files = {name_of(file): file for file in MODULES}
    while todo:
        for name in imports_of(files[todo.pop()]) & set(files):
            # web knows the type of a database for its annotations only.
            if name not in reached and name != "storage.database":
                reached.add(name)
                todo.append(name)
    assert (
        not {"storage.conferences", "storage.migrations", "storage.cleanup", "application"}
        & reached
    )
    [route] = [route for route in routes.PLAIN if route.pattern == "/cal/{file}"]
    assert type(route) is PlainRoute


def test_sql_is_never_put_together_from_pieces() -> None:
    for file in MODULES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("one", "all", "run")
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("db", "storage.database")
            ):
                first = node.args[0]
                literal = isinstance(first, ast.Constant)
                assert literal or name_of(file) == "storage.migrations", (
                    name_of(file),
                    node.lineno,
                )


def test_migrations_have_the_same_names_for_both_databases() -> None:
    names = [
        sorted(file.name for file in (ROOT / "sql" / dialect).glob("*.sql"))
        for dialect in ("mariadb", "sqlite")
    ]
    assert names[0] == names[1] != []


def test_nothing_is_logged_but_methods_patterns_and_numbers() -> None:
    allowed = re.compile(
        r"request\.method|pattern|error|log\.without_values\(error\)|type\(error\)\.__name__"
        r"|swept\.left|cause|pause"
    )
    for file in MODULES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "log"
            ):
                for argument in node.args[1:]:
                    assert allowed.fullmatch(ast.unparse(argument)), (file, node.lineno)


def test_an_admin_number_is_compared_in_constant_time() -> None:
    conference = (PACKAGE / "conference.py").read_text("utf-8")
    assert "hmac.compare_digest(str(self.aid), str(aid))" in conference
    for file in MODULES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Compare) and re.search(r"\baid\b", ast.unparse(node)):
                assert isinstance(node.ops[0], ast.Is | ast.IsNot), (file, node.lineno)


def test_only_waits_are_taken_from_the_clock_below_the_application() -> None:
    source = (PACKAGE / "database.py").read_text("utf-8")
    assert set(re.findall(r"\btime\.(\w+)", source)) == {"sleep"}
