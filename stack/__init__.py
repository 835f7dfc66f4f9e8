"""Runs the whole stack on one machine: the local Snowflake, and Airflow."""

import sys
from pathlib import Path

# The product lies where Airflow looks for it; Airflow puts that folder on the path of its processes itself.
_PLUGINS = str(Path(__file__).resolve().parent.parent / "plugins")
if _PLUGINS not in sys.path:
    sys.path.append(_PLUGINS)
