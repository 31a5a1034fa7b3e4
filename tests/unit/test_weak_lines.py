"""Lines that are weak wherever they stand: the source has none, and each would be found."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.unit.test_architecture import MODULES, ROOT, name_of

DATABASE = re.compile(r"(self\.)?_?\w*(db|database|beside)")
# What the databases make of a statement that storage has sent.
PREPARED = re.compile(r"(_for_mariadb|with_table)\(sql, self\.table(, '\"')?\)")
SENT = re.compile(
    r"\b(iid|aid|rid|environ)\b|\brequest\.(path|path_values|query|form|environ|header)\b"
)
PRINTED = re.compile(rf"{SENT.pattern}|\.name\b")
CLOCK = re.compile(r"(\w+\.)?(date|datetime)\.(now|today|utcnow)")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
LOGGED = re.compile(
    r"request\.method|pattern|error|log\.without_values\(error\)|type\(error\)\.__name__"
    r"|result\.left|cause|pause"
)
# Migrations carry out the files in sql/; the module of Html makes it out of what is escaped.
EXEMPT = {("storage.migrations", "statement from pieces"), ("text.html", "markup around a value")}


def weak_lines(source: str) -> Iterator[tuple[int, str]]:
    """Yield the number of each weak line, and what is weak about it."""
    for node in ast.walk(ast.parse(source)):
        weakness = weakness_of(node)
        if weakness:
            yield getattr(node, "lineno", 0), weakness


def weakness_of(node: ast.AST) -> str:
    """Return what is weak about a piece of source, empty for nothing."""
    match node:
        case ast.Call():
            return weakness_of_call(node)
        case ast.Raise(exc=ast.Call(args=texts)) if any(map(SENT.search, map(ast.unparse, texts))):
            # Its text may be logged.
            return "visitor in an exception"
        case ast.Compare(ops=[operator, *_]) if not isinstance(operator, ast.Is | ast.IsNot):
            # hmac.compare_digest takes as long for a near miss.
            return "secret compared early" if re.search(r"\baid\b", ast.unparse(node)) else ""
        case ast.Attribute() if CLOCK.fullmatch(ast.unparse(node)):
            return "clock out of its place"
        case ast.Attribute(ast.Name("os"), "urandom" | "getrandom"):
            return "randomness out of its place"
    return ""


def weakness_of_call(call: ast.Call) -> str:
    match call:
        case ast.Call(ast.Attribute(value, "one" | "all" | "run"), [sql, *_]):
            weak = DATABASE.fullmatch(ast.unparse(value)) and not is_literal(sql)
            return "statement from pieces" if weak else ""
        case ast.Call(ast.Attribute(attr="execute"), [sql, *_]):
            weak = not is_literal(sql) and not PREPARED.fullmatch(ast.unparse(sql))
            return "statement from pieces" if weak else ""
        case ast.Call(ast.Name("Html"), [markup]) if not is_literal(markup):
            return "markup around a value"
        case ast.Call(ast.Attribute(ast.Name("log" | "logging"), level), [message, *values]):
            allowed = all(LOGGED.fullmatch(ast.unparse(value)) for value in values)
            weak = level in LEVELS and not (is_literal(message) and allowed)
            return "visitor in the log" if weak else ""
        case ast.Call(ast.Name("print")) if PRINTED.search(ast.unparse(call)):
            return "visitor in the output"
    return ""


def is_literal(node: ast.AST) -> bool:
    match node:
        case ast.IfExp(body=one, orelse=other):
            return is_literal(one) and is_literal(other)
    return isinstance(node, ast.Constant)


def test_no_line_of_the_source_is_weak() -> None:
    found = [
        (name_of(file), line, weakness)
        for file in MODULES
        for line, weakness in weak_lines(file.read_text("utf-8"))
        if (name_of(file), weakness) not in EXEMPT
    ]
    assert found == []
    assert list(weak_lines((ROOT / "planado.py").read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("line", "weakness"),
    [
        ('db.one(f"SELECT rid FROM {{table}} WHERE iid = {number}")', "statement from pieces"),
        ('self._db.run("DELETE FROM {table} WHERE iid = " + number)', "statement from pieces"),
        ('database.all("SELECT 1 WHERE 1 = %s" % number)', "statement from pieces"),
        ("beside.one(statement)", "statement from pieces"),
        ('cursor.execute("SELECT {}".format(number))', "statement from pieces"),
        ('connection.execute(f"PRAGMA {name}")', "statement from pieces"),
        ('Html(f"<b>{name}</b>")', "markup around a value"),
        ('Html("<b>" + name)', "markup around a value"),
        ('Html("open" if chosen else name)', "markup around a value"),
        ('log.error("no conference %s", conference.rid)', "visitor in the log"),
        ('log.error(f"room {room}")', "visitor in the log"),
        ('log.error("%s %s failed: %s", request.method, request.path, 1)', "visitor in the log"),
        ('logging.warning("%s came", environ["REMOTE_ADDR"])', "visitor in the log"),
        ("print(conference.name)", "visitor in the output"),
        ('print(f"deleted {iid}")', "visitor in the output"),
        ('raise ValueError(f"no conference {conference.iid}")', "visitor in an exception"),
        ('raise LookupError("not found: " + request.path)', "visitor in an exception"),
        ("conference.aid == number", "secret compared early"),
        ("number in (aid, 0)", "secret compared early"),
        ("datetime.now(UTC)", "clock out of its place"),
        ("datetime.date.today()", "clock out of its place"),
        ("os.urandom(8)", "randomness out of its place"),
    ],
)
def test_a_weak_line_is_found(line: str, weakness: str) -> None:
    assert list(weak_lines(line)) == [(1, weakness)]
