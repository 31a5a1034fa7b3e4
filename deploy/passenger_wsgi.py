"""Planado for Passenger, beside its planado.ini and, unless a virtual environment has them, its
packages in vendor/.
"""

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER / "vendor"))
os.environ.setdefault("PLANADO_CONFIG", str(FOLDER / "planado.ini"))

from planado import application  # noqa: E402, F401  # found in vendor/; Passenger calls it
