"""The entry into a room, the only place that leads out of Planado."""

from __future__ import annotations

from http import HTTPStatus

from ..domain import identifier
from ..text.html import Html, Page
from ..views.layout import in_language, open_document
from ..web.request import Request
from ..web.response import Response, redirect

# On a link: script appends the name of the conference as Jitsi reads it.
_PASS_NAME = Html("data-pass-name")


def start_room(request: Request) -> Response:
    """Leads into a room of its own that nobody else knows."""
    return enter_room(request, identifier.draw())


def enter_room(request: Request, rid: int) -> Response:
    """Return the privacy page with its link into the room, or a redirect where that page is off.

    Only the answer names the room: an address of ours with it would end up in logs.
    """
    room_url = request.config.jitsi.url_of(rid)
    if request.config.privacy.page:
        # All but the room is the same for everybody: at a start, many come at once.
        # An answer to a form has no links to other languages.
        name = "privacy" if request.is_safe else "privacy after a form"
        page = request.cached_page(name, lambda: _privacy_page(request))
        return in_language(request, page.render(room_url=room_url))
    if request.method == "POST":
        return redirect(room_url, HTTPStatus.SEE_OTHER)
    if "#" not in room_url and not request.config.jitsi.pass_name:
        # Else browsers would hand on the fragment of our address, which has the name.
        room_url += "#"
    return redirect(room_url)


def _privacy_page(request: Request) -> Page:
    content = request.theme.template_in("privacy.html", request.texts.language).fill(
        {},
        introduction=request.texts.format("privacy_introduction", host=request.config.jitsi.host),
        policy_url=request.config.privacy.policy_url,
        pass_name=_PASS_NAME if request.config.jitsi.pass_name else Html(),
    )
    return open_document(request, request.texts["privacy_title"], content)


def pass_name(request: Request) -> Html:
    """Return the attribute of a link of ours that leads right into the room, empty where it is not
    to pass on the name.
    """
    passes_name = request.config.jitsi.pass_name and not request.config.privacy.page
    return _PASS_NAME if passes_name else Html()
