"""Settings of a gateway process under test: a database file and a guacd that the environment names."""

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import HASTEXO_LAB as UNIT_TESTS

DEBUG = False
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["HASTEXO_LAB_TEST_FILE"],
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}
HASTEXO_LAB = {**UNIT_TESTS, **json.loads(os.environ.get("HASTEXO_LAB_TEST_SETTINGS", "{}"))}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"hastexo_lab": {"handlers": ["stderr"], "level": "INFO"}},
}
