"""Static files and robots.txt."""

from __future__ import annotations

from http import HTTPStatus

from ..web.accept_encoding import takes_gzip
from ..web.request import Request
from ..web.response import Problem, Response


def show_static_file(request: Request) -> Response:
    """A file of the built-in or the operator's static folder."""
    file = request.theme.static_file(request.path_values["file"])
    if file is None:
        raise Problem(HTTPStatus.NOT_FOUND, "problem_not_found")
    # Our pages name the version of a file, so that it may be cached for a year.
    current = request.query["v"] == file.etag
    is_gzipped = file.is_compressible and takes_gzip(request.header("Accept-Encoding"))
    headers = {
        # Another encoding is another representation (RFC 9110 section 8.8.3.3).
        "ETag": f'"{file.etag}-gzip"' if is_gzipped else f'"{file.etag}"',
        "Cache-Control": f"public, max-age={31536000 if current else 86400}"
        + (", immutable" if current else ""),
    }
    if file.is_compressible:
        headers["Vary"] = "Accept-Encoding"
    known = [tag.strip().removeprefix("W/") for tag in request.header("If-None-Match").split(",")]
    if headers["ETag"] in known or known == ["*"]:
        return Response(b"", HTTPStatus.NOT_MODIFIED, headers)
    headers["Content-Type"] = file.content_type
    if is_gzipped:
        return Response(file.gzipped, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, headers=headers)


def show_robots(request: Request) -> Response:
    """Keeps robots out of everything but the booking form."""
    mount = "/" + request.url("/").split("/", 3)[3]
    rules = f"User-agent: *\nAllow: {mount}$\nDisallow: {mount}\n"
    return Response(rules.encode("ascii"), headers={"Content-Type": "text/plain; charset=utf-8"})
