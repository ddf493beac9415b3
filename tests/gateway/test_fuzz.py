"""Ten seconds of the fight that `python -m tests.gateway.fuzz` goes on with for as long as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.fixtures import SERVERS, Program, running_gateway, running_sshd
from tests.gateway.fuzz import HARMLESS, SETTINGS, fuzz

pytestmark = [pytest.mark.guacd, pytest.mark.usefixtures("site_database"), pytest.mark.timeout(180)]


@pytest.mark.parametrize("server", sorted(SERVERS))
async def test_hostile_pages_leave_no_trace(
    server: str, guacd: Program, site_database: Path, tmp_path: Path
) -> None:
    with (
        running_sshd(tmp_path, HARMLESS) as host,
        running_gateway(server, site_database, tmp_path, guacd_port=guacd.port, **SETTINGS) as gateway,
    ):
        fought = await fuzz(gateway, guacd, host, seconds=10, seed=20)
    assert fought.counts["ready"] > 0
    assert len(fought.answered_s) > 2
