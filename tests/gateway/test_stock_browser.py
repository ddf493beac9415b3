"""guacamole-common-js as npm has it, in Chromium, against a real gateway and a real guacd."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.gateway import labs
from tests.gateway.fixtures import SERVERS, LabHost, Program, running_gateway, wait_for
from tests.gateway.stock_site import LIBRARY

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.guacd,
    pytest.mark.usefixtures("site_database"),
    pytest.mark.skipif(not LIBRARY.exists(), reason="run npm ci in frontend/"),
]

OPEN, CLOSED, UNSTABLE, CONNECTED = 1, 2, 3, 3  # Guacamole.Tunnel.State, and Guacamole.Client.State


@pytest.fixture(scope="module", params=sorted(SERVERS))
def site(
    request: pytest.FixtureRequest, guacd: Program, database_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    """A gateway, and beside it the page with the client."""
    folder = tmp_path_factory.mktemp("stock")
    app = "tests.gateway.stock_site:application"
    with running_gateway(request.param, database_file, folder, app=app, guacd_port=guacd.port) as program:
        yield program


@pytest.fixture
def enter(browser: Browser, site: Program, sshd: LabHost) -> Iterator[Callable[[str], Page]]:
    """Opens the page with this ticket."""
    context = browser.new_context()

    def opened(ticket: str) -> Page:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{site.port}/#{ticket}")
        page.wait_for_function("window.seen")
        return page

    yield opened
    context.close()


def terminal(sshd: LabHost) -> str:
    """A ticket into a terminal lab of its own."""
    stack = labs.lab(secrets={"private_key": sshd.keys["rsa"]})
    return labs.ticket(stack, port=sshd.port, login=sshd.user)


def test_the_client_of_apaches_pages_works_as_it_is(
    enter: Callable[[str], Page], sshd: LabHost, tmp_path: Path
) -> None:
    page = enter(terminal(sshd))
    page.wait_for_function(f"seen.states.includes({CONNECTED}) && seen.names.length > 0", timeout=20_000)
    assert uuid.UUID(page.evaluate("seen.uuid"))
    assert page.evaluate("[client.getDisplay().getWidth(), client.getDisplay().getHeight()]") == [800, 600]
    page.keyboard.type(f"echo hi > {tmp_path}/said; printf '\\e]0;\\303\\244\\360\\237\\230\\200;,\\a'\n")
    wait_for(lambda: (tmp_path / "said").exists() and (tmp_path / "said").read_text() == "hi\n")
    page.wait_for_function("seen.names.includes('ä😀;,')")


def test_an_idle_client_stays_stable(enter: Callable[[str], Page], sshd: LabHost) -> None:
    page = enter(terminal(sshd))
    page.wait_for_function(f"seen.states.includes({CONNECTED}) && seen.names.length > 0", timeout=20_000)
    page.wait_for_timeout(4000)  # twice as long as it takes the client to doubt its tunnel
    assert page.evaluate("seen.tunnels").count(UNSTABLE) == 0
    assert page.evaluate("seen.errors") == []


def test_the_client_is_told_the_status(enter: Callable[[str], Page]) -> None:
    page = enter("rubbish")
    page.wait_for_function("seen.errors.length > 0", timeout=20_000)
    assert page.evaluate("seen.errors") == [0x0301]
    page.wait_for_function(f"seen.tunnels.includes({CLOSED})")
