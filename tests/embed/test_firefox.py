"""A terminal and a desktop in Firefox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embed.project import Project
from tests.firefox import Firefox
from tests.gateway.fixtures import Program, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.guacd]

INSIDE = "document.querySelector('hastexo-lab').shadowRoot"


@pytest.fixture(scope="module")
def site(project: Project) -> Iterator[Program]:
    """The project under uvicorn."""
    with project.serving("uvicorn") as program:
        yield program


@pytest.fixture(scope="module")
def ada(firefox: Firefox, site: Program) -> Firefox:
    """Firefox, signed in."""
    firefox.goto(f"http://127.0.0.1:{site.port}/admin/login/?next=/static/lab.css")
    for name in ("username", "password"):
        firefox.evaluate(f"document.getElementsByName('{name}')[0].value = 'ada'")
    firefox.evaluate("document.forms[0].submit()")
    firefox.until("location.pathname === '/static/lab.css'")
    return firefox


def test_a_terminal_takes_what_is_typed(ada: Firefox, site: Program, tmp_path: Path) -> None:
    ada.goto(f"http://127.0.0.1:{site.port}/labs/terminal/")
    ada.until(f"{INSIDE}.querySelector('.xterm-rows')?.textContent.includes('$')")
    ada.evaluate(f"{INSIDE}.querySelector('.xterm-helper-textarea').focus()")
    ada.type(f"printf hi > {tmp_path}/said\n")
    wait_for(lambda: (tmp_path / "said").exists() and (tmp_path / "said").read_text() == "hi")


def test_a_desktop_is_drawn(ada: Firefox, site: Program) -> None:
    ada.goto(f"http://127.0.0.1:{site.port}/labs/screen/")
    ada.until(
        f"[...{INSIDE}.querySelectorAll('canvas')].some(canvas => canvas.width === 1024 && canvas.height === 768 &&"
        " canvas.getContext('2d').getImageData(500, 500, 1, 1).data[3] === 255)"
    )
