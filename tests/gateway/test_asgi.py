"""The application under real servers: paths, Origin, health."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hastexo_lab import __version__
from tests.gateway import labs
from tests.gateway.fixtures import SERVERS, Program, running_gateway, wait_for
from tests.gateway.page import opened

pytestmark = pytest.mark.usefixtures("site_database")


def get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    """Status and body."""
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", method=method), timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.guacd
def test_health_says_what_can_be_served(gateway: Program) -> None:
    status, body = get(gateway.port, "/hastexo-lab/health")
    assert (status, json.loads(body)) == (
        200,
        {"status": "ok", "version": __version__, "guacd": "ok", "database": "ok"},
    )
    assert get(gateway.port, "/hastexo-lab/health", "HEAD")[0] == 200


@pytest.mark.guacd
@pytest.mark.parametrize("path", ["/", "/hastexo-lab/", "/hastexo-lab/desktop", "/hastexo-lab/health/x", "/health"])
def test_nothing_else_is_there(gateway: Program, path: str) -> None:
    assert get(gateway.port, path) == (404, '{"status": "not found"}')


def test_without_guacd_the_gateway_is_degraded(site_database: Path, tmp_path: Path) -> None:
    with running_gateway("uvicorn", site_database, tmp_path, guacd_port=1) as gateway:
        status, body = get(gateway.port, "/hastexo-lab/health")
    assert status == 200
    assert json.loads(body) | {"version": ""} == {
        "status": "degraded", "version": "", "guacd": "unreachable", "database": "ok"
    }  # fmt: skip


def test_without_a_database_the_gateway_cannot_serve(site_database: Path, tmp_path: Path) -> None:
    with running_gateway("uvicorn", tmp_path / "no" / "file", tmp_path) as gateway:
        status, body = get(gateway.port, "/hastexo-lab/health")
        assert status == 503
        assert json.loads(body)["database"] == "unreachable"


async def test_without_a_database_a_page_is_told_to_try_again(site_database: Path, tmp_path: Path) -> None:
    text = labs.ticket(labs.lab())
    with running_gateway("uvicorn", tmp_path / "no" / "file", tmp_path) as gateway:
        async with opened(gateway.port, text) as page:
            assert await page.closed() == ("unavailable", 4433)


@pytest.mark.guacd
@pytest.mark.parametrize("origin", ["http://evil.example.org", "null", None])
async def test_a_foreign_page_is_turned_away_and_spends_no_ticket(gateway: Program, origin: str | None) -> None:
    text = labs.ticket(labs.lab(), door="events")
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"ws://127.0.0.1:{gateway.port}/hastexo-lab/events",
            origin=origin,  # type: ignore[arg-type]
            subprotocols=["hastexo-lab.v1", f"ticket.{text}"],  # type: ignore[list-item]
            proxy=None,
        ):
            pass
    assert refused.value.response.status_code == 403
    await asyncio.to_thread(wait_for, lambda: "origin refused door=events" in gateway.log.read_text())
    async with opened(gateway.port, text, door="events") as page:
        await page.text("state")


async def test_a_page_of_an_allowed_origin_may_come_in(site_database: Path, tmp_path: Path) -> None:
    origin = "https://lms.example.org"
    with running_gateway("uvicorn", site_database, tmp_path, allowed_origins=[origin]) as gateway:
        async with opened(
            gateway.port, labs.ticket(labs.lab(), door="events"), door="events", origin=origin
        ) as page:
            await page.text("state")


@pytest.mark.guacd
async def test_another_subprotocol_is_turned_away(gateway: Program) -> None:
    with pytest.raises(InvalidStatus):
        async with connect(
            f"ws://127.0.0.1:{gateway.port}/hastexo-lab/desktop",
            origin=f"http://127.0.0.1:{gateway.port}",  # type: ignore[arg-type]
            subprotocols=["another.v1"],  # type: ignore[list-item]
            proxy=None,
        ):
            pass


@pytest.mark.guacd
@pytest.mark.parametrize("door", ["nothing", "", "desktops", "../elsewhere"])
async def test_where_there_is_no_door_the_page_is_told(gateway: Program, door: str) -> None:
    async with opened(gateway.port, "x", door=door) as page:
        assert await page.closed() == ("no-door", 4404)
    assert "Traceback" not in gateway.log.read_text()


@pytest.mark.guacd
async def test_only_the_subprotocol_is_answered_never_the_ticket(gateway: Program) -> None:
    async with opened(gateway.port, labs.ticket(labs.lab(), door="events"), door="events") as page:
        assert page.socket.subprotocol == "hastexo-lab.v1"


@pytest.mark.parametrize("server", sorted(SERVERS))
async def test_the_gateway_stands_in_front_of_another_application(
    server: str, site_database: Path, tmp_path: Path
) -> None:
    with running_gateway(server, site_database, tmp_path, app="tests.gateway.around:application") as gateway:
        assert await asyncio.to_thread(get, gateway.port, "/any/page") == (200, "the other application")
        assert (await asyncio.to_thread(get, gateway.port, "/hastexo-lab/health"))[0] == 200
        assert (await asyncio.to_thread(get, gateway.port, "/hastexo-lab/no"))[0] == 404
        async with opened(gateway.port, labs.ticket(labs.lab(), door="events"), door="events") as page:
            await page.text("state")
