"""Firefox where it is installed, driven by WebDriver BiDi: Playwright knows its own patched one only.

https://w3c.github.io/webdriver-bidi/
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.gateway.fixtures import end, wait_for

FIREFOX = os.environ.get("HASTEXO_LAB_FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox") or ""
LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


class Firefox:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._id = 0
        self._ask("session.new", capabilities={})
        self._tab = self._ask("browsingContext.getTree")["contexts"][0]["context"]

    def goto(self, url: str) -> None:
        """Open this page, until it has loaded."""
        self._ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def evaluate(self, script: str) -> Any:
        """The value of this expression: a boolean, a number or a text."""
        said = self._ask("script.evaluate", expression=script, target={"context": self._tab}, awaitPromise=True)
        assert said["type"] == "success", said
        return said["result"].get("value")

    def until(self, script: str) -> Any:
        """The first true value of this expression."""
        return wait_for(lambda: self.evaluate(script), what=script)

    def type(self, text: str) -> None:
        """Key by key; "\\n" is Enter."""
        keys = ["\ue006" if sign == "\n" else sign for sign in text]
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._ask(
            "input.performActions", context=self._tab, actions=[{"type": "key", "id": "k", "actions": actions}]
        )

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        self._socket.send(json.dumps({"id": self._id, "method": method, "params": params}))
        while (said := json.loads(self._socket.recv(timeout=30))).get("id") != self._id:
            pass
        assert said["type"] == "success", said
        result: dict[str, Any] = said["result"]
        return result


@contextlib.contextmanager
def running_firefox(folder: Path) -> Iterator[Firefox]:
    """A Firefox of one's own, without a window."""
    log = folder / "firefox.log"
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"]
    with log.open("w") as out:
        process = subprocess.Popen([*command, "about:blank"], stdout=out, stderr=out, text=True)
    try:
        wait_for(lambda: LISTENS.search(log.read_text()) or process.poll() is not None, what="Firefox")
        found = LISTENS.search(log.read_text())
        assert found, log.read_text()
        with connect(f"{found[1]}/session", proxy=None, max_size=None) as socket:
            yield Firefox(socket)
    finally:
        end(process)


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Firefox, for the tests of one module."""
    if not FIREFOX:
        pytest.skip("Firefox is not installed")
    with running_firefox(tmp_path_factory.mktemp("firefox")) as browser:
        yield browser
