"""A Django project without XBlock, made of the files that docs/embedding.md shows, and a sign-in page."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.gateway.fixtures import ROOT, Program, free_port, running

DOCUMENT = ROOT / "docs" / "embedding.md"
BLOCK = re.compile(r"^```(?:python|html)\n(?:# |<!-- )(\S+)(?: -->)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# What any project has already. An import of anything of XBlock's fails the process.
SETTINGS = """
import json, sys
from importlib.abc import MetaPathFinder
from pathlib import Path


class NoXBlock(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in ("xblock", "web_fragments", "opaque_keys", "workbench"):
            raise ModuleNotFoundError(f"{name}: this project has no XBlock", name=name)


sys.meta_path.insert(0, NoXBlock())
HERE = Path(__file__).parent
SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["127.0.0.1"]
DEBUG = True
USE_TZ = True
ROOT_URLCONF = "urls"
STATIC_URL = "/static/"
LOGIN_URL = "/sign-in/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "db.sqlite3",
                         "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"}}}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [HERE / "templates"],
              "OPTIONS": {"context_processors": ["django.contrib.auth.context_processors.auth"]}}]
MACHINES = json.loads((HERE / "machines.json").read_text())
LOGGING = {"version": 1, "disable_existing_loggers": False,
           "handlers": {"stderr": {"class": "logging.StreamHandler"}},
           "loggers": {"hastexo_lab": {"handlers": ["stderr"], "level": "INFO"}}}
"""
URLS = """
from django.contrib.auth.views import LoginView
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

urlpatterns = [path("sign-in/", LoginView.as_view()), path("labs/", include("labs")), *staticfiles_urlpatterns()]
"""
SIGN_IN = """<form method="post">{% csrf_token %}{{ form.as_p }}<button>Sign in</button></form>"""
USERS = """
import django; django.setup()
from django.contrib.auth.models import User
for name in ("ada", "eve"):
    User.objects.create_user(name, password=name)
"""

SERVERS = {
    "uvicorn": ["uvicorn", "asgi:application", "--port", "{port}", "--ws-per-message-deflate", "false"],
    "daphne": ["daphne", "-b", "127.0.0.1", "-p", "{port}", "asgi:application"],
    "gunicorn": ["gunicorn", "asgi:application", "-k", "worker.Worker", "-b", "127.0.0.1:{port}"],
}


def blocks() -> dict[str, str]:
    """The files that the document shows, by their paths."""
    return dict(BLOCK.findall(DOCUMENT.read_text()))


@dataclass
class Project:
    """A folder with the project in it."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of its processes."""
        path = os.pathsep.join([str(self.folder), str(ROOT)])
        return {**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": path}

    def python(self, *arguments: str) -> str:
        """Run Python in the project; its output."""
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def serving(self, server: str) -> Iterator[Program]:
        """The project under this server."""
        port = free_port()
        command = [sys.executable, "-m", *(part.format(port=port) for part in SERVERS[server])]
        with running(command, port, self.folder / f"{server}.log", self.env) as program:
            yield program


def make(folder: Path, machines: dict[str, object], guacd_port: int) -> Project:
    """The project, migrated, with the users ada and eve (their names are their passwords)."""
    files = blocks()
    files["settings.py"] = SETTINGS + files["settings.py"] + f'HASTEXO_LAB["guacd_port"] = {guacd_port}\n'
    files |= {"urls.py": URLS, "templates/registration/login.html": SIGN_IN, "machines.json": json.dumps(machines)}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project = Project(folder)
    project.python("-m", "django", "migrate", "-v0")
    project.python("-c", USERS)
    return project
