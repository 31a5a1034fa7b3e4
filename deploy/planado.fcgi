#!/usr/bin/env python3
"""Planado as a FastCGI program, beside its packages (flup too) in vendor/ and its planado.ini."""

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER / "vendor"))
os.environ.setdefault("PLANADO_CONFIG", str(FOLDER / "planado.ini"))

from flup.server.fcgi import WSGIServer  # noqa: E402  # found in vendor/
from planado import application  # noqa: E402


def answer(environ, start_response):
    # Visitors do not see this file's name: .htaccess adds it.
    environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "").removesuffix("/planado.fcgi")
    return application(environ, start_response)


WSGIServer(answer).run()
