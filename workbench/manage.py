#!/usr/bin/env python3
"""Django's command line for the workbench."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lab_workbench.settings")
    execute_from_command_line(sys.argv)
