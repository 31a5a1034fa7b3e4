"""The plan of the house: who may import whom, and where each technology may stand."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from wsgi_app import routes
from wsgi_app.web.router import PlainRoute

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "wsgi_app"

# From the foundations up: a folder, or a module beside them, imports from itself and from what
# stands on an earlier line, not from what stands beside it.
LAYERS = (
    {"domain", "log"},
    {"storage", "text", "formats", "setting_parsers"},
    {"config"},
    {"web"},
    {"views"},
    {"handlers"},
    {"routes"},
    {"application"},
    {"commands"},
)
# Who may ask the module time, and for what: the hour itself is an argument everywhere else.
CLOCKS = {
    "application": {"time"},
    "storage.database": {"sleep"},
    "commands.cli": {"time"},
    "commands.processes": {"monotonic"},
    # Where it ends, the server compares with times that waitress took.
    "commands.serve": {"monotonic", "time"},
}
MODULES = sorted(file for file in PACKAGE.rglob("*.py") if file.name != "__init__.py")


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts)


OWN_MODULES = frozenset(map(name_of, MODULES))


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
            found |= own & OWN_MODULES or {".".join(base)}
    return found


def place_of(name: str) -> str:
    """Return the folder of a module, or its own name where it lies beside the folders."""
    return name.partition(".")[0]


def test_every_folder_has_its_layer() -> None:
    assert {place_of(name_of(file)) for file in MODULES} == set().union(*LAYERS)


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_a_module_imports_only_what_stands_below_its_folder(file: Path) -> None:
    own = place_of(name_of(file))
    level = next(number for number, layer in enumerate(LAYERS) if own in layer)
    allowed = {own}.union(*LAYERS[:level])
    imported = {place_of(name) for name in imports_of(file) & OWN_MODULES}
    assert imported <= allowed


def test_no_modules_import_each_other_in_a_circle() -> None:
    imported = {name_of(file): imports_of(file) & OWN_MODULES for file in MODULES}
    while imported:
        free = {name for name, needed in imported.items() if not needed & set(imported)}
        assert free, imported
        for name in free:
            del imported[name]


def test_each_technology_stays_in_its_place() -> None:
    places = {
        "icalendar": {"formats.ical"},
        "icalendar.prop": {"formats.ical"},
        "pymysql": {"storage.mariadb"},
        "segno": {"formats.qr_code"},
        "sqlite3": {"storage.sqlite"},
        "secrets": {"domain.identifier"},
        "random": set(),
        "uuid": set(),
        "time": set(CLOCKS),
        "waitress": {"commands.serve"},
        "waitress.server": {"commands.serve"},
    }
    for file in MODULES:
        for technology in imports_of(file) & set(places):
            assert name_of(file) in places[technology], (name_of(file), technology)


@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_is_asked_only_what_its_place_may_ask(name: str) -> None:
    source = (PACKAGE / f"{name.replace('.', '/')}.py").read_text("utf-8")
    assert set(re.findall(r"\btime\.(\w+)", source)) == CLOCKS[name]


def test_the_calendar_cannot_reach_the_database() -> None:
    reached = {"handlers.calendar"}
    todo = ["handlers.calendar"]
    files = {name_of(file): file for file in MODULES}
    while todo:
        for name in imports_of(files[todo.pop()]) & set(files):
            if name not in reached:
                reached.add(name)
                todo.append(name)
    # The configuration knows what the address of a database looks like.
    assert {name for name in reached if place_of(name) == "storage"} == {"storage.url"}
    [route] = [route for route in routes.PLAIN if route.pattern == "/cal/{file}"]
    assert type(route) is PlainRoute


def test_migrations_have_the_same_names_for_both_databases() -> None:
    names = [
        sorted(file.name for file in (ROOT / "sql" / dialect).glob("*.sql"))
        for dialect in ("mariadb", "sqlite")
    ]
    assert names[0] == names[1] != []


def test_an_admin_number_is_compared_in_constant_time() -> None:
    conference = (PACKAGE / "domain/conference.py").read_text("utf-8")
    assert "hmac.compare_digest(str(self.aid), str(aid))" in conference
