"""Settings of the workbench. `serve` sets the environment; each variable has a default for `manage.py`.

LAB_WORKBENCH_VAR       folder of everything that is written
LAB_WORKBENCH_PROVIDER  local or heat
LAB_WORKBENCH_GUACD     port of guacd
LAB_WORKBENCH_COURSE    folder with labs of one's own, instead of the scenarios' files
LAB_WORKBENCH_ROLE      web or worker
LAB_WORKBENCH_SETTINGS  JSON, merged over HASTEXO_LAB
"""

import json
import os
import secrets
from pathlib import Path

import sample_xblocks

HERE = Path(__file__).parent
VAR = Path(os.environ.get("LAB_WORKBENCH_VAR", HERE.parent / "var"))
VAR.mkdir(parents=True, exist_ok=True)


def _remembered(name: str, made: str) -> str:
    """A value that is made once for this folder."""
    path = VAR / name
    if not path.exists():
        # Renamed when it is whole: a full disk leaves no empty key behind, and nobody else ever reads it.
        part = VAR / f"{name}.{os.getpid()}"
        part.touch(mode=0o600)
        part.write_text(made)
        part.replace(path)
    return path.read_text()


SECRET_KEY = _remembered("secret-key", secrets.token_urlsafe(40))
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
MEDIA_URL = "/media/"
ROOT_URLCONF = "lab_workbench.urls"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.admin",
    "django_tasks",
    "django_tasks_db",
    "channels",
    "djpyfs",
    "lab_workbench",
    "workbench",
    "hastexo_lab",
]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # xblock-sdk's sample blocks look their templates up by name.
        "DIRS": [str(Path(sample_xblocks.__path__[0]) / "basic" / "templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.contrib.auth.context_processors.auth",
                "django.template.context_processors.request",
                "django.template.context_processors.static",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(VAR / "workbench.db"),
        # Under ASGI each request may have a thread of its own; a worker keeps its one connection.
        "CONN_MAX_AGE": 600 if os.environ.get("LAB_WORKBENCH_ROLE") == "worker" else 0,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"hastexo_lab": {"level": "INFO"}},
}

WORKBENCH = {
    "reset_state_on_restart": False,
    "services": {
        "fs": "xblock.reference.plugins.FSService",
        "settings": "workbench.services.SettingsService",
        "user": "lab_workbench.services.VisitorService",
    },
}
DJFS = {"type": "osfs", "directory_root": str(VAR / "djpyfs"), "url_root": "/static/djpyfs"}
# What the list on the first page leaves out: xblock-sdk's own samples.
EXCLUDED_XBLOCKS = {
    "allscopes_demo",
    "attempts_scoreboard_demo",
    "equality_demo",
    "filethumbs",
    "helloworld_demo",
    "html_demo",
    "problem_demo",
    "sidebar_demo",
    "slider_demo",
    "textinput_demo",
    "thumbs",
    "view_counter_demo",
    # The same block under its other names.
    "hastexo",
    "stackamole",
}
XBLOCK_SETTINGS: dict[str, object] = {}

_CLOUD = {"cloud": os.environ["OS_CLOUD"]} if "OS_CLOUD" in os.environ else {"env": True}
_PROVIDERS = {
    "local": {"local": {"type": "local", "root": str(VAR / "stacks")}},
    "heat": {"heat": {"type": "heat", **_CLOUD}},
}
COURSE = os.environ.get("LAB_WORKBENCH_COURSE", "")
HASTEXO_LAB = {
    "workbench": True,
    "site": _remembered("site", f"wb-{secrets.token_hex(4)}"),
    "providers": _PROVIDERS[os.environ.get("LAB_WORKBENCH_PROVIDER", "local")],
    "assets_root": COURSE or str(HERE.parent / "assets"),
    "guacd_port": int(os.environ.get("LAB_WORKBENCH_GUACD", "4822")),
    # There is no other gateway that could go on with what this one has open.
    "drain_timeout": 0,
    **json.loads(os.environ.get("LAB_WORKBENCH_SETTINGS", "{}")),
}
