"""Entry: the one way out of Planado and into a room."""

from __future__ import annotations

from http import HTTPStatus

from ..web import Request, Response
from .document import document


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
        )
        return document(request, request.texts["privacy_title"], content)
    status = HTTPStatus.SEE_OTHER if request.method == "POST" else HTTPStatus.FOUND
    return Response(b"", status, {"Location": room_url})


def redirect(url: str, status: HTTPStatus = HTTPStatus.FOUND) -> Response:
    """Return a redirect to another address of ours."""
    return Response(b"", status, {"Location": url})
