"""Whole pages: the frame around each of them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from ..page import Html, Template
from ..web import Request, Response

_NO_HEAD = Html()
_REFRESH = Template('<noscript><meta http-equiv="refresh" content="$seconds;url=$url"></noscript>')
# An operator's own rules, after ours, so that a few lines suffice.
_OWN_STYLE = Template('\n<link rel="stylesheet" href="$url">')
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
        own_style=_own_style(request),
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


def _own_style(request: Request) -> Html:
    if request.look.static_file("own.css") is None:
        return Html()
    return _OWN_STYLE.render({}, url=request.static_url("own.css"))
