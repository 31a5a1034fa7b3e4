"""What MariaDB's errors mean, in words for operators; imported when the first one occurs."""

from __future__ import annotations

import socket
import ssl

_MEANINGS = {
    0: "the connection was closed",
    1021: "its disk is full",
    1040: "all its connections are taken: raise max_connections",
    1044: "this user has no right to this database, or there is none of this name",
    1045: (
        "access denied: there is no such user, the password is wrong, or the user may not come "
        "from this computer or without TLS"
    ),
    1047: "this node is cut off from its cluster",
    1049: "there is no database of this name",
    1062: "a row with this key exists",
    1114: "its disk or a table is full",
    1129: "it refuses this computer after too many errors: FLUSH HOSTS",
    1130: "no user may come from this computer",
    1142: "this user lacks a right: see docs/mariadb.md",
    1143: "this user lacks a right: see docs/mariadb.md",
    1203: "this user has too many connections: raise max_user_connections",
    1205: "another program holds a lock",
    1213: "another transaction went first",
    1226: "this user has used up what its account allows",
    1227: "this user lacks a right: see docs/mariadb.md",
    1290: "it is read-only",
    1665: "it cannot write with binlog_format = STATEMENT: set MIXED or ROW",
    1698: (
        "access denied: this user comes in over the Unix socket alone, as the user of the "
        "operating system of the same name"
    ),
    1820: "the password has expired",
    1836: "it is read-only",
    1862: "the password has expired",
    2006: "the connection was closed",
    2013: "the connection broke",
    2026: "it does not offer TLS",
    2059: "this user signs in in a way that PyMySQL does not know",
    4151: "this user is locked",
}

_REASONS: dict[type[OSError], str] = {
    socket.gaierror: "its name is unknown or cannot be looked up",
    FileNotFoundError: "there is no such socket",
    ConnectionRefusedError: "nothing listens there",
    PermissionError: "this user of the operating system may not open it",
    TimeoutError: "no answer in time",
}

# By what PyMySQL asks for: the extra of its own that brings it.
_EXTRAS = {"cryptography": "rsa", "pynacl": "ed25519"}


def in_words(error: Exception) -> str:
    """Return what went wrong, with its number where it has one; nothing of what was sent, and of
    the configuration at most the host that a certificate was refused for.
    """
    if isinstance(error, RuntimeError):
        return _package_needed(error)
    if isinstance(error, UnicodeError):
        return "this cannot be the name of a host"
    cause = error if isinstance(error, OSError) else error.__context__
    meaning = _reason(cause) if isinstance(cause, OSError) else ""
    number = error.args[0] if error.args else None
    if isinstance(error, OSError):
        return meaning
    if not isinstance(number, int):
        return f"what answers there does not speak as MariaDB does ({type(error).__name__})"
    meaning = meaning or _MEANINGS.get(number, "")
    return f"{meaning} (error {number})" if meaning else f"error {number}"


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}"
    for kind, reason in _REASONS.items():
        if isinstance(error, kind):
            return reason
    return error.strerror or type(error).__name__


def _package_needed(error: RuntimeError) -> str:
    for package, extra in _EXTRAS.items():
        if package in str(error):
            return (
                f"this user signs in in a way for which PyMySQL needs the package {package}: "
                f"pip install 'pymysql[{extra}]'"
            )
    return type(error).__name__
