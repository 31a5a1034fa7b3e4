#!/usr/bin/env python3
"""Planado as a CGI program, beside its packages in vendor/ and its planado.ini."""

import os
import sys
from pathlib import Path
from wsgiref.handlers import CGIHandler

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER / "vendor"))
os.environ.setdefault("PLANADO_CONFIG", str(FOLDER / "planado.ini"))
# Visitors do not see this file's name: .htaccess adds it.
os.environ["SCRIPT_NAME"] = os.environ.get("SCRIPT_NAME", "").removesuffix("/planado.cgi")

from planado import application  # noqa: E402  # found in vendor/

CGIHandler().run(application)
# Apache loses the answer to a body that was refused unread (mod_cgid, measured).
while sys.stdin.buffer.read(65536):
    pass
