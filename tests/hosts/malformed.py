"""Requests that no honest browser sends, each with numbers and a name that no log may learn."""

from __future__ import annotations

import re
import socket
import struct
from contextlib import suppress

from tests.hosts.site import Site

CLIENT = "127.0.0.7"
"""Where they come from: an address that is no server's."""
NUMBER, ADMIN_NUMBER, NAME = "4242424242424242", "5151515151515151", "Mallory"
SECRETS = (NUMBER, ADMIN_NUMBER, NAME, CLIENT)

# To whom it takes for somebody who left, Apache says 500 in words of its own.
_TAKEN_FOR_GONE = {
    "body that is cut off",
    "chunk that is cut off",
    "chunks without an end",
    "trailer that is broken",
}
# Nobody answers these before somebody says that no more will come.
_WITHOUT_AN_END = {
    "header that is cut off",
    "body that is cut off",
    "chunk that is cut off",
    "chunks without an end",
}
_PATH = f"/admin/{NUMBER}/{ADMIN_NUMBER}?name={NAME}"
_LONG = 40_000
_SECONDS = 0.5
_MOST_SECONDS = 10


def malformed(mount: str) -> dict[str, bytes]:
    """Return the requests by what is wrong with them."""
    path = mount + _PATH
    get = f"GET {path} HTTP/1.1\r\n"
    host = "Host: planado.example\r\n"
    post = f"POST {path} HTTP/1.1\r\n{host}Content-Type: application/x-www-form-urlencoded\r\n"
    texts = {
        "no version": f"GET {path}\r\n\r\n",
        "version 9": f"GET {path} HTTP/9.9\r\n{host}\r\n",
        "version of HTTP/2": f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{path}",
        "version in letters": f"GET {path} HTTP/x.y\r\n{host}\r\n",
        "method in small letters": f"get {path} HTTP/1.1\r\n{host}\r\n",
        "method of signs": f"G@T{{}} {path} HTTP/1.1\r\n{host}\r\n",
        "method that nobody knows": f"{NAME} {path} HTTP/1.1\r\n{host}\r\n",
        "method that is long": f"{NAME * 5000} {path} HTTP/1.1\r\n{host}\r\n",
        "CONNECT": f"CONNECT {path} HTTP/1.1\r\n{host}\r\n",
        "path without slash": f"GET {path[1:]} HTTP/1.1\r\n{host}\r\n",
        "two spaces": f"GET  {path} HTTP/1.1\r\n{host}\r\n",
        "space in the path": f"GET {path} and more HTTP/1.1\r\n{host}\r\n",
        "only a path": f"{path}\r\n\r\n",
        "NUL in the path": f"GET {path}\0 HTTP/1.1\r\n{host}\r\n",
        "NUL escaped in the path": f"GET {mount}/i/{NUMBER}%00 HTTP/1.1\r\n{host}\r\n",
        "broken escape": f"GET {mount}/i/{NUMBER}%zz?name=%q HTTP/1.1\r\n{host}\r\n",
        "escape that is not UTF-8": f"GET {mount}/i/{NUMBER}%ff%fe HTTP/1.1\r\n{host}\r\n",
        "path that climbs": f"GET {mount}/../../{NUMBER}/%2e%2e/ HTTP/1.1\r\n{host}\r\n",
        "slash escaped": f"GET {mount}/i%2f{NUMBER} HTTP/1.1\r\n{host}\r\n",
        "path that is long": f"GET {path}{'x' * _LONG} HTTP/1.1\r\n{host}\r\n",
        "path part that is long": f"GET {mount}/i/{NUMBER}{'x' * 3000} HTTP/1.1\r\n{host}\r\n",
        "address of another site": f"GET http://other.example{path} HTTP/1.1\r\n{host}\r\n",
        "address with a broken host": f"GET http://[::1{path} HTTP/1.1\r\n{host}\r\n",
        "address with a password": f"GET http://{NAME}:x@other{path} HTTP/1.1\r\n{host}\r\n",
        "address of another kind": f"GET file://{path} HTTP/1.1\r\n{host}\r\n",
        "no host": f"{get}\r\n",
        "two hosts": f"{get}{host}Host: {NAME}.example\r\n\r\n",
        "broken host": f"{get}Host: {NAME}/@:x:y\r\n\r\n",
        "header without colon": f"{get}{host}{NAME} {NUMBER}\r\n\r\n",
        "header without name": f"{get}{host}: {NUMBER}\r\n\r\n",
        "header with a space before the colon": f"{get}{host}{NAME} : {NUMBER}\r\n\r\n",
        "header with signs": f"{get}{host}X[{NAME}]: {NUMBER}\r\n\r\n",
        "header with underscores": f"{get}{host}X_{NAME}: {NUMBER}\r\n\r\n",
        "header that is folded": f"{get}{host}X-Name: {NAME}\r\n {NUMBER}\r\n\r\n",
        "header that begins folded": f"{get} {NAME}: {NUMBER}\r\n{host}\r\n",
        "header with a NUL": f"{get}{host}X-Name: {NAME}\0{NUMBER}\r\n\r\n",
        "header with a lonely return": f"{get}{host}X-Name: {NAME}\r{NUMBER}\r\n\r\n",
        "header that is long": f"{get}{host}X-Name: {NAME}{'x' * _LONG}\r\n\r\n",
        "headers that are many": f"{get}{host}" + f"X-Name: {NAME}\r\n" * 500 + "\r\n",
        "header that is cut off": f"{get}{host}X-Name: {NAME}",
        "lines that end in LF": f"{get}{host}X-Name: {NAME}\n\n",
        "Authorization that is broken": f"{get}{host}Authorization: Bearer {ADMIN_NUMBER}\x01\r\n"
        "\r\n",
        "Expect of another kind": f"{post}Expect: {NAME}\r\nContent-Length: 1\r\n\r\nx",
        "Upgrade": f"{get}{host}Connection: Upgrade\r\nUpgrade: {NAME}\r\n\r\n",
        "Range that is broken": f"{get}{host}Range: {NAME}={NUMBER}\r\n\r\n",
        "length in letters": f"{post}Content-Length: {NAME}\r\n\r\nx",
        "length below zero": f"{post}Content-Length: -{NUMBER}\r\n\r\nx",
        "length that is huge": f"{post}Content-Length: {NUMBER}\r\n\r\nx",
        "length beyond 64 bits": f"{post}Content-Length: {NUMBER * 3}\r\n\r\nx",
        "two lengths": f"{post}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "length with a plus": f"{post}Content-Length: +1\r\n\r\nx",
        "length and chunks": f"{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\n",
        "body that is cut off": f"{post}Content-Length: 500\r\n\r\nname={NAME}&id={NUMBER}",
        "encoding that nobody knows": f"{post}Transfer-Encoding: {NAME}\r\n\r\nx",
        "encoding twice": f"{post}Transfer-Encoding: chunked, {NAME}\r\n\r\n0\r\n\r\n",
        "encoding in HTTP/1.0": f"POST {path} HTTP/1.0\r\n{host}Transfer-Encoding: chunked\r\n"
        f"\r\n{NAME}",
        "language that is broken": f"{get}{host}Accept-Language: {NAME};q={NUMBER};;\r\n\r\n",
        "forwarded": f"{get}{host}X-Forwarded-For: {CLIENT}\r\nX-Forwarded-Proto: {NAME}\r\n"
        f"X-Forwarded-Host: {NUMBER}\r\nForwarded: for={CLIENT}\r\n\r\n",
        "header that names a proxy": f"{get}{host}Proxy: {NAME}\r\n\r\n",
        "header of PROXY": f"PROXY TCP4 {CLIENT} {CLIENT} {NUMBER} 80\r\n{get}{host}\r\n",
    }
    requests = {what: text.encode() for what, text in texts.items()}
    requests["bytes that are no text"] = f"GET {path}".encode() + b"\xff\xfe HTTP/1.1\r\n\r\n"
    requests["header that is no text"] = f"{get}{host}X: {NAME}".encode() + b"\xff\xfe\r\n\r\n"
    greeting = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    requests["TLS"] = greeting + f"{NAME}.example{NUMBER}".encode()
    for what, body in bad_chunks().items():
        requests[what] = f"{post}Transfer-Encoding: chunked\r\n\r\n".encode() + body
    return requests


def bad_chunks() -> dict[str, bytes]:
    """Return chunked bodies by what is wrong with them."""
    field = f"name={NAME}&id={NUMBER}"
    texts = {
        "chunk with a size in letters": f"{NAME}\r\n{field}\r\n0\r\n\r\n",
        "chunk with a size below zero": f"-5\r\n{field}\r\n0\r\n\r\n",
        "chunk with a size beyond 64 bits": f"{NUMBER * 3}\r\n{field}\r\n0\r\n\r\n",
        "chunk without a size": f"\r\n{field}\r\n0\r\n\r\n",
        "chunk that is longer than it says": f"3\r\n{field}\r\n0\r\n\r\n",
        "chunk that is cut off": f"500\r\n{field}",
        "chunks without an end": f"{len(field):x}\r\n{field}\r\n",
        "chunk with a broken extension": f"{len(field):x};{NAME}=\0\r\n{field}\r\n0\r\n\r\n",
        "trailer that is broken": f"{len(field):x}\r\n{field}\r\n0\r\n{NAME} {NUMBER}\r\n\r\n",
    }
    return {what: text.encode() for what, text in texts.items()}


def is_refused(what: str, answer: bytes) -> bool:
    """Say whether an answer is a good one, or none: no program failed."""
    if what in _TAKEN_FOR_GONE and b"Planado" not in answer:
        return True
    return not re.match(rb"HTTP/1\.[01] 5(00|02|03|04) ", answer)


def send(site: Site, what: str, request: bytes) -> bytes:
    """Send bytes to a site, say soon that no more will come, and return what it answered."""
    answer = b""
    with _connected(site) as connection, suppress(OSError):
        connection.sendall(request)
        if what not in _WITHOUT_AN_END:
            # nginx takes somebody who says it at once for one who has left.
            connection.settimeout(_SECONDS)
            with suppress(TimeoutError):
                answer = connection.recv(65536)
            connection.settimeout(_MOST_SECONDS)
        connection.shutdown(socket.SHUT_WR)
        while received := connection.recv(65536):
            answer += received
    return answer


def send_and_leave(site: Site, request: bytes) -> None:
    """Send bytes to a site and reset the connection."""
    with _connected(site) as connection, suppress(OSError):
        connection.sendall(request)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _connected(site: Site) -> socket.socket:
    return socket.create_connection(("127.0.0.1", site.port), _MOST_SECONDS, (CLIENT, 0))
