"""Every address Planado answers to. Order matters only where two patterns match one path.

A function names each handler, so that its module is imported at first use.
"""

from __future__ import annotations

from . import handlers
from .web.router import PlainRoute, StoredRoute

PLAIN = (
    PlainRoute("GET", "/", lambda: handlers.booking.show_form),
    PlainRoute("POST", "/room", lambda: handlers.room.start_room),
    PlainRoute("POST", "/when", lambda: handlers.booking.say_when),
    PlainRoute("GET", "/i", lambda: handlers.invitation.show_number_form),
    PlainRoute("GET", "/qr/{file}", lambda: handlers.invitation.show_qr_code),
    PlainRoute("GET", "/cal/{file}", lambda: handlers.calendar.show_entry),
    PlainRoute("GET", "/static/{file}", lambda: handlers.files.show_static_file),
    PlainRoute("GET", "/robots.txt", lambda: handlers.files.show_robots),
    PlainRoute("GET", "/index.php", lambda: handlers.legacy.show_index),
    PlainRoute("GET", "/inv.php", lambda: handlers.legacy.show_invitation),
    PlainRoute("GET", "/admin.php", lambda: handlers.legacy.show_admin),
    PlainRoute("GET", "/cal.php", lambda: handlers.legacy.show_entry),
    PlainRoute("GET", "/out.php", lambda: handlers.legacy.enter),
    PlainRoute("POST", "/api/v1/rooms", lambda: handlers.api.start_room),
    PlainRoute("GET", "/api/v1/openapi.json", lambda: handlers.api.show_description),
    PlainRoute("OPTIONS", "/api/v1/conferences", lambda: handlers.api.answer_preflight),
    PlainRoute("OPTIONS", "/api/v1/conferences/{iid}", lambda: handlers.api.answer_preflight),
    PlainRoute("OPTIONS", "/api/v1/rooms", lambda: handlers.api.answer_preflight),
)

STORED = (
    StoredRoute("POST", "/book", lambda: handlers.booking.book),
    StoredRoute("GET", "/i/{iid}", lambda: handlers.invitation.show),
    StoredRoute("GET", "/i/{iid}/enter", lambda: handlers.invitation.enter),
    StoredRoute("GET", "/admin/{iid}/{aid}", lambda: handlers.admin.show),
    StoredRoute("POST", "/admin/{iid}/{aid}", lambda: handlers.admin.change),
    StoredRoute("POST", "/admin/{iid}/{aid}/cancel", lambda: handlers.admin.cancel),
    StoredRoute("POST", "/admin/{iid}/{aid}/renew", lambda: handlers.admin.renew),
    StoredRoute("POST", "/admin/{iid}/{aid}/skip", lambda: handlers.admin.skip),
    StoredRoute("GET", "/admin/{iid}/{aid}/enter", lambda: handlers.admin.enter),
    StoredRoute("POST", "/api/v1/conferences", lambda: handlers.api.create),
    StoredRoute("GET", "/api/v1/conferences/{iid}", lambda: handlers.api.show),
    StoredRoute("PATCH", "/api/v1/conferences/{iid}", lambda: handlers.api.change),
    StoredRoute("DELETE", "/api/v1/conferences/{iid}", lambda: handlers.api.cancel),
    StoredRoute("GET", "/health", lambda: handlers.health.show_health),
)
