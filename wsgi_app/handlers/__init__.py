"""The handlers, one module for each kind of page, imported at first use: each CGI call pays for
its imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import admin as admin
    from . import api as api
    from . import booking as booking
    from . import calendar as calendar
    from . import files as files
    from . import health as health
    from . import invitation as invitation
    from . import legacy as legacy
    from . import room as room
else:

    def __getattr__(name: str) -> object:
        return import_module(f"{__name__}.{name}")
