"""Settings for the unit and contract tests. DATABASE_URL-like choice: HASTEXO_LAB_TEST_DB=sqlite|mysql|postgres."""

import os
import tempfile
from pathlib import Path

SECRET_KEY = "only for tests"  # a fixed key, so that sealed fixtures stay readable
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "django_tasks",
    "django_tasks_db",
    "djpyfs",
    "workbench",
    "hastexo_lab",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.contrib.auth.context_processors.auth",
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "tests.urls"
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
WORKBENCH = {"reset_state_on_restart": False, "services": {}}
XBLOCK_SETTINGS: dict[str, object] = {}
EXCLUDED_XBLOCKS: set[str] = set()
DJFS = {"type": "osfs", "directory_root": "/tmp/hastexo-lab-djfs", "url_root": "/static/djpyfs"}
STATIC_URL = "/static/"
HASTEXO_LAB = {"site": "test", "workbench": True, "assets_root": str(Path(__file__).parent / "assets")}

_DATABASES = {
    "sqlite": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        # A file: one in memory is shared between threads without waiting for one another's locks.
        "TEST": {"NAME": str(Path(tempfile.gettempdir()) / f"hastexo-lab-test-{os.getpid()}.sqlite3")},
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        },
    },
    "mysql": {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "hastexo_lab",
        "USER": "root",
        "HOST": os.environ.get("HASTEXO_LAB_TEST_DB_HOST", "127.0.0.1"),
        "PORT": os.environ.get("HASTEXO_LAB_TEST_DB_PORT", "3306"),
        "OPTIONS": {"charset": "utf8mb4"},
        "TEST": {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_bin"},
    },
    "postgres": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": os.environ.get("HASTEXO_LAB_TEST_DB_HOST", "127.0.0.1"),
        "PORT": os.environ.get("HASTEXO_LAB_TEST_DB_PORT", "5432"),
    },
}
DATABASES = {"default": _DATABASES[os.environ.get("HASTEXO_LAB_TEST_DB", "sqlite")]}
