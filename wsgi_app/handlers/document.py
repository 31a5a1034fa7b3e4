"""Whole pages: the frame around each of them, and the page that reports a problem."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from ..page import Html, Template
from ..web import Problem, Request, Response

# Not in the template folder: it must work even where an operator's template does not.
_BARE = Template("<!doctype html><title>$status</title><p>$status</p>")

_NO_HEAD = Html()
_NO_HEADERS: Mapping[str, str] = {}


def document(
    request: Request,
    title: str,
    content: Html,
    status: HTTPStatus = HTTPStatus.OK,
    head: Html = _NO_HEAD,
    headers: Mapping[str, str] = _NO_HEADERS,
) -> Response:
    """Return a page with the given heading, and with `head` in its <head>."""
    body = request.markup(
        "layout.html",
        language=request.texts.language,
        direction=request.texts["direction"],
        title=title,
        site=request.config.site.title,
        content=content,
        head=head,
        home_url=request.url("/"),
        style_url=request.static_url("planado.css"),
        script_url=request.static_url("planado.js"),
        icon_url=request.static_url("planado.svg"),
    )
    return Response(
        body.encode("utf-8"),
        status,
        {
            "Content-Language": request.texts.language,
            "Vary": "Accept-Language",
            **headers,
        },
    )


def problem_page(request: Request, problem: Problem) -> Response:
    """Return the page that tells a visitor what went wrong, in a sentence."""
    try:
        content = request.markup(
            "problem.html", explanation=request.texts[problem.text], home_url=request.url("/")
        )
        title = request.texts[f"{problem.text}_title"]
        return document(request, title, content, problem.status, headers=problem.headers)
    except (LookupError, ValueError, OSError):
        status = f"{problem.status.value} {problem.status.phrase}"
        body = _BARE.render(request.texts, status=status)
        return Response(body.encode("utf-8"), problem.status, problem.headers)
