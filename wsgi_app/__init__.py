"""Planado: appointments for Jitsi Meet, as a WSGI application."""

__version__ = "1.0.0"
