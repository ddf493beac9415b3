"""A project of which the user ada has a terminal and a desktop."""

from __future__ import annotations

import pytest

from tests.embed.project import Project, make
from tests.gateway.fixtures import LabHost, Program


@pytest.fixture(scope="package")
def project(tmp_path_factory: pytest.TempPathFactory, guacd: Program, sshd: LabHost, xvnc: Program) -> Project:
    """Made of the document's own files."""
    here = {"address": "127.0.0.1"}
    shell = {**here, "port": sshd.port, "login": sshd.user, "private_key": sshd.keys["rsa"]}
    desktop = {**here, "port": xvnc.port, "protocol": "vnc"}
    machines: dict[str, object] = {
        "terminal": {"owner": "ada", "place": shell},
        "screen": {"owner": "ada", "place": desktop},
    }
    return make(tmp_path_factory.mktemp("project"), machines, guacd.port)
