"""Every address Planado answers to. Order matters only where two patterns match one path."""

from __future__ import annotations

from .handlers import admin, booking, calendar, invitation, service
from .web import PlainRoute, StoredRoute

PLAIN = (
    PlainRoute("GET", "/", booking.show_form),
    PlainRoute("POST", "/room", booking.start_room),
    PlainRoute("GET", "/i", invitation.show_number_form),
    PlainRoute("GET", "/cal/{file}", calendar.show_entry),
    PlainRoute("GET", "/static/{file}", service.show_static_file),
    PlainRoute("GET", "/robots.txt", service.show_robots),
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
    StoredRoute("GET", "/health", service.show_health),
)
