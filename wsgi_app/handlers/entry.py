"""Entry: the one way out of Planado and into a room."""

from __future__ import annotations

from http import HTTPStatus

from ..page import Html
from ..web import Request, Response
from .document import document

# On a link: script appends the name of the conference as Jitsi reads it.
PASS_NAME = Html("data-pass-name")


def enter_room(request: Request, rid: int) -> Response:
    """Return the privacy page with its link into the room, or a redirect where that page is off.

    Only the answer names the room: an address of ours with it would end up in logs.
    """
    room_url = request.config.jitsi.url_of(rid)
    if request.config.privacy.page:
        content = request.markup(
            "privacy.html",
            introduction=request.texts.format(
                "privacy_introduction", host=request.config.jitsi.host
            ),
            policy_url=request.config.privacy.policy_url,
            room_url=room_url,
            pass_name=PASS_NAME if request.config.jitsi.pass_name else Html(),
        )
        return document(request, request.texts["privacy_title"], content)
    if request.method == "POST":
        return Response(b"", HTTPStatus.SEE_OTHER, {"Location": room_url})
    if "#" not in room_url and not request.config.jitsi.pass_name:
        # Else browsers would hand on the fragment of our address, which has the name.
        room_url += "#"
    return redirect(room_url)


def passes_name(request: Request) -> bool:
    """Say whether a link of ours leads right into the room and shall hand it the name."""
    return request.config.jitsi.pass_name and not request.config.privacy.page


def redirect(url: str, status: HTTPStatus = HTTPStatus.FOUND) -> Response:
    """Return a redirect, to which browsers hand on the fragment of the address they asked for."""
    return Response(b"", status, {"Location": url})
