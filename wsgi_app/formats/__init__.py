"""Bytes for other programs."""
