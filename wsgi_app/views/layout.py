"""Whole pages: the frame around each of them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from ..text.html import Html, Page, Template, joined
from ..web.request import Request
from ..web.response import Problem, Response

_NO_HEAD = Html()
# Reloads a page until its script does so and stops the refresh. Not in <noscript>: a browser that
# cannot read our script, or did not get it, ignores that. With an address, since Chromium does not
# reload a page whose own has a #fragment.
_WAITING = Template(
    '<meta http-equiv="refresh" content="$reload_in; url=$again_url">\n'
    '<script src="$script_url" defer></script>'
)
# An operator's own rules, after ours, so that a few lines suffice.
_OWN_STYLE = Template('\n<link rel="stylesheet" href="$url">')
_LANGUAGES = Template('<ul class="languages">\n$items</ul>\n')
_LANGUAGE = Template('<li><a href="$url" lang="$language"$current>$name</a>\n')
_CURRENT = Html(' aria-current="true"')
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
    body = _layout(request).render({}, **_frame(request, title), content=content, head=head)
    return in_language(request, body.encode("utf-8"), status, headers)


def open_document(
    request: Request, title: str, content: Template | Html, head: Template | Html = _NO_HEAD
) -> Page:
    """Return a page whose content and head may have names that are filled in later."""
    page = _layout(request).fill({}, **_frame(request, title), content=content, head=head)
    return page.encoded()


def waiting_head(request: Request) -> Template:
    """Return what makes a page load `$again_url` after `$reload_in` seconds."""
    return _WAITING.fill({}, script_url=request.static_url("waiting.js"))


def in_language(
    request: Request,
    body: bytes,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] = _NO_HEADERS,
) -> Response:
    """Return an answer in the visitor's language."""
    language = request.texts.language
    headers = {"Content-Language": language, "Vary": "Accept-Language", **headers}
    return Response(body, status, headers)


def _layout(request: Request) -> Template:
    return request.theme.template_in("layout.html", request.texts.language)


def _frame(request: Request, title: str) -> dict[str, object]:
    """Return what surrounds the content, by its names in the layout."""
    return {
        "language": request.texts.language,
        "direction": request.texts["direction"],
        "title": title,
        "site": request.config.site.title,
        "home_url": request.page_url("/"),
        "style_url": request.static_url("planado.css"),
        "script_url": request.static_url("planado.js"),
        "icon_url": request.static_url("planado.svg"),
        "own_style": _OWN_STYLE.render({}, url=request.static_url("own.css"))
        if request.theme.static_file("own.css")
        else Html(),
        "languages": _languages(request),
    }


def _languages(request: Request) -> Html:
    """Return a link to this page in each language, nothing where there is only one.

    Nothing in an answer to a form either: another language would mean to book or change twice, or
    to lose what was typed. The page before had the links.
    """
    names = request.theme.language_names
    if len(names) < 2 or not request.is_safe:
        return Html()
    try:
        items = [
            _LANGUAGE.render(
                {},
                # Without the path, so that no page tells where it was asked for.
                url="?" + request.query.encoded_with("language", language),
                language=language,
                name=name,
                current=_CURRENT if language == request.texts.language else Html(),
            )
            for language, name in names.items()
        ]
    except Problem:  # An unreadable address cannot be requested again.
        return Html()
    return _LANGUAGES.render({}, items=joined(items))
