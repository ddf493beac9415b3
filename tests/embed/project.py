"""A fresh `django-admin startproject`, and in it what docs/embedding.md shows, done as it says."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.gateway.fixtures import ROOT, Program, free_port, running

DOCUMENT = (ROOT / "docs" / "embedding.md").read_text()
BLOCK = re.compile(
    r"^```(?:python|html)\n(?:# |<!-- )(\S+?)(: at its end)?(?: -->)?\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
COMMAND = re.compile(r"^(?:uvicorn|daphne|gunicorn) mysite.asgi:.*$", re.MULTILINE)
SERVERS = {line.split()[0]: line.split() for line in COMMAND.findall(DOCUMENT)}
PORT = {"uvicorn": "--port={}", "daphne": "--port={}", "gunicorn": "--bind=127.0.0.1:{}"}

# Not in the project's folder: this Python has no XBlock.
NO_XBLOCK = """
import sys
from importlib.abc import MetaPathFinder


class NoXBlock(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in ("xblock", "web_fragments", "opaque_keys", "workbench"):
            raise ModuleNotFoundError(f"{name}: this Python has no XBlock", name=name)


sys.meta_path.insert(0, NoXBlock())
"""
USERS = """
from django.contrib.auth.models import User
for name in ("ada", "eve"):
    User.objects.create_superuser(name, password=name)
"""


@dataclass(frozen=True)
class Block:
    """A file that the document shows, or what it puts at the end of one."""

    path: str
    at_end: bool
    text: str


def blocks() -> list[Block]:
    """All that the document shows, in its order."""
    return [Block(path, bool(at_end), text) for path, at_end, text in BLOCK.findall(DOCUMENT)]


@dataclass
class Project:
    """The folder that `startproject` made."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of its processes: without the tests' own settings."""
        ours = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        return {**ours, "PYTHONPATH": str(self.folder.parent / "python")}

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of this Python's in the project; its output."""
        command = [str(_program(program)), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def manage(self, *arguments: str) -> str:
        """Run `manage.py`; its output."""
        return self.run("python", "manage.py", *arguments)

    @contextlib.contextmanager
    def serving(self, server: str) -> Iterator[Program]:
        """The project under this server, started as the document says."""
        program, *arguments = SERVERS[server]
        port = free_port()
        command = [str(_program(program)), *arguments, PORT[server].format(port)]
        with running(command, port, self.folder.parent / f"{server}.log", self.env, self.folder) as served:
            yield served


def _program(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def make(folder: Path, mine: dict[str, str], private_key: str) -> Project:
    """The project, migrated, with the users ada and eve (their names are their passwords).

    `mine`: what the document's settings show → what a reader has instead.
    """
    project = Project(folder / "mysite")
    (folder / "python").mkdir()
    (folder / "python" / "sitecustomize.py").write_text(NO_XBLOCK)
    subprocess.run([_program("django-admin"), "startproject", "mysite"], cwd=folder, env=project.env, check=True)
    project.manage("startapp", "labs")
    (project.folder / "ada.pem").write_text(private_key)
    for block in blocks():
        path, text = project.folder / block.path, block.text
        if block.path == "mysite/settings.py":
            for shown, own in mine.items():
                assert shown in text, shown
                text = text.replace(shown, own)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.read_text() + text if block.at_end else text)
    project.manage("migrate", "-v0")
    project.manage("shell", "-v0", "-c", USERS)
    return project
