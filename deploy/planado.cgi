#!/usr/bin/env python3
"""Planado as a CGI program, beside its packages in vendor/ and its planado.ini."""

import gc
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER / "vendor"))
os.environ.setdefault("PLANADO_CONFIG", str(FOLDER / "planado.ini"))
# Visitors do not see this file's name: .htaccess adds it.
os.environ["SCRIPT_NAME"] = os.environ.get("SCRIPT_NAME", "").removesuffix("/planado.cgi")

# Nothing lives long enough here to be worth collecting.
gc.disable()

from planado import answer_cgi  # noqa: E402  # found in vendor/

answer_cgi()
