"""Good and bad examples of each rule in planado.yaml; nothing runs them."""
# ruff: noqa
# mypy: ignore-errors

import logging
import os

# ruleid: chance-outside-its-place
import random
import time
from datetime import date, datetime

log = logging.getLogger("planado")


def statements(db, cursor, iid):
    # ok: sql-from-pieces
    db.one("SELECT rid FROM {table} WHERE iid = :iid", iid=iid)
    # ruleid: sql-from-pieces
    db.one(f"SELECT rid FROM {{table}} WHERE iid = {iid}")
    # ruleid: sql-from-pieces
    db.run("DELETE FROM {table} WHERE iid = " + iid)
    # ruleid: sql-from-pieces
    db.all("SELECT rid FROM {table} WHERE iid = %s" % iid)
    # ruleid: sql-from-pieces
    db.run("DELETE FROM {table} WHERE iid = {}".format(iid))
    statement = "SELECT 1 WHERE " + iid
    # ruleid: sql-from-pieces
    db.one(statement)
    # ok: sql-from-pieces
    cursor.execute("SELECT 1")
    # ruleid: sql-from-pieces
    cursor.execute(f"SELECT {iid}")
    # ruleid: sql-from-pieces
    cursor.execute("SELECT %s" % iid)


def markup(name, chosen):
    # ok: unescaped-markup
    Html()
    # ok: unescaped-markup
    Html(" selected")
    # ok: unescaped-markup
    Html("open") if chosen else Html()
    # ruleid: unescaped-markup
    Html(name)
    # ruleid: unescaped-markup
    Html(f"<b>{name}</b>")
    # ruleid: unescaped-markup
    Html("<b>" + name)
    # ruleid: unescaped-markup
    Html("".join(name))


def clock(now):
    # ok: clock-outside-its-place
    datetime.fromtimestamp(now)
    # ok: clock-outside-its-place
    time.sleep(1)
    # ruleid: clock-outside-its-place
    time.time()
    # ruleid: clock-outside-its-place
    datetime.now()
    # ruleid: clock-outside-its-place
    date.today()


def chance(identifier):
    # ok: chance-outside-its-place
    identifier.draw()
    # ruleid: chance-outside-its-place
    os.urandom(8)


def logged(request, pattern, error, conference, iid, environ):
    # ok: visitor-in-a-log
    log.error("%s %s: database: %s", request.method, pattern, error)
    # ruleid: visitor-in-a-log
    log.error("no conference %s", iid)
    # ruleid: visitor-in-a-log
    log.info(f"room {conference.rid}")
    # ruleid: visitor-in-a-log
    log.exception("%s failed", request.path)
    # ruleid: visitor-in-a-log
    log.warning("%s came", environ["REMOTE_ADDR"])
    # ruleid: visitor-in-a-log
    log.warning("%s", request.form["name"])
    # ruleid: visitor-in-a-log
    print(conference.name)


def raised(request, number, conference):
    if number:
        # ok: visitor-in-an-exception
        raise ValueError("unknown recurrence")
    if request:
        # ruleid: visitor-in-an-exception
        raise ValueError(f"no conference {conference.iid}")
    # ruleid: visitor-in-an-exception
    raise LookupError("not found: " + request.path)


def compared(hmac, conference, aid):
    # ok: identifier-compared-early
    hmac.compare_digest(str(conference.aid), str(aid))
    # ruleid: identifier-compared-early
    return conference.aid == aid
