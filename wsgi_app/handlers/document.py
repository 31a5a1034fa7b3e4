"""Whole pages: the frame around each of them, and the page that reports a problem."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from ..page import Html, Template
from ..web import Problem, Request, Response

# Not in the template folder: it must work even where an operator's template does not.
_BARE = Template("<!doctype html><title>$status</title><p>$status</p>")

_NO_HEAD = Html()
_REFRESH = Template('<noscript><meta http-equiv="refresh" content="$seconds;url=$url"></noscript>')
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


def refresh(seconds: int, url: str) -> Html:
    """Return what makes a page without script ask for itself again; with script, script does."""
    # With the address in it, since a browser reloads no page whose own has a #fragment (Chromium).
    return _REFRESH.render({}, seconds=seconds, url=url)


def problem_page(request: Request, problem: Problem) -> Response:
    """Return the page that tells a visitor what went wrong, in a sentence."""
    try:
        retry_after = int(problem.headers.get("Retry-After", 0)) if request.method == "GET" else 0
        content = request.markup(
            "problem.html",
            explanation=request.texts[problem.text],
            home_url=request.url("/"),
            reload=Html(f'data-reload-in="{retry_after * 1000}"') if retry_after else Html(),
        )
        head = refresh(retry_after, request.this_url) if retry_after else Html()
        title = request.texts[f"{problem.text}_title"]
        return document(request, title, content, problem.status, head, problem.headers)
    except (LookupError, ValueError, OSError):
        status = f"{problem.status.value} {problem.status.phrase}"
        body = _BARE.render(request.texts, status=status)
        return Response(body.encode("utf-8"), problem.status, problem.headers)
