"""Every address Planado answers to. Order matters only where two patterns match one path."""

from __future__ import annotations

from .handlers import admin, api, booking, calendar, invitation, original, service
from .web import PlainRoute, StoredRoute

PLAIN = (
    PlainRoute("GET", "/", booking.show_form),
    PlainRoute("POST", "/room", booking.start_room),
    PlainRoute("POST", "/when", booking.say_when),
    PlainRoute("GET", "/i", invitation.show_number_form),
    PlainRoute("GET", "/cal/{file}", calendar.show_entry),
    PlainRoute("GET", "/static/{file}", service.show_static_file),
    PlainRoute("GET", "/robots.txt", service.show_robots),
    PlainRoute("GET", "/index.php", original.show_index),
    PlainRoute("GET", "/inv.php", original.show_invitation),
    PlainRoute("GET", "/admin.php", original.show_admin),
    PlainRoute("GET", "/cal.php", original.show_entry),
    PlainRoute("GET", "/out.php", original.enter),
    PlainRoute("POST", "/api/v1/rooms", api.start_room),
    PlainRoute("GET", "/api/v1/openapi.json", api.show_description),
    PlainRoute("OPTIONS", "/api/v1/conferences", api.answer_preflight),
    PlainRoute("OPTIONS", "/api/v1/conferences/{iid}", api.answer_preflight),
    PlainRoute("OPTIONS", "/api/v1/rooms", api.answer_preflight),
)

STORED = (
    StoredRoute("POST", "/book", booking.book),
    StoredRoute("GET", "/i/{iid}", invitation.show),
    StoredRoute("GET", "/i/{iid}/enter", invitation.enter),
    StoredRoute("GET", "/admin/{iid}/{aid}", admin.show),
    StoredRoute("POST", "/admin/{iid}/{aid}", admin.change),
    StoredRoute("POST", "/admin/{iid}/{aid}/cancel", admin.cancel),
    StoredRoute("POST", "/admin/{iid}/{aid}/renew", admin.renew),
    StoredRoute("POST", "/admin/{iid}/{aid}/skip", admin.skip),
    StoredRoute("GET", "/admin/{iid}/{aid}/enter", admin.enter),
    StoredRoute("POST", "/api/v1/conferences", api.create),
    StoredRoute("GET", "/api/v1/conferences/{iid}", api.show),
    StoredRoute("PATCH", "/api/v1/conferences/{iid}", api.change),
    StoredRoute("DELETE", "/api/v1/conferences/{iid}", api.cancel),
    StoredRoute("GET", "/health", service.show_health),
)
