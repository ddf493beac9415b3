"""A project of which the user ada has a terminal and a desktop."""

from __future__ import annotations

import pytest

from tests.embed.project import Project, make
from tests.gateway.fixtures import LabHost, Program


@pytest.fixture(scope="package")
def project(tmp_path_factory: pytest.TempPathFactory, guacd: Program, sshd: LabHost, xvnc: Program) -> Project:
    """Made as the document says, with machines that are there."""
    mine = {
        '"192.0.2.10"': '"127.0.0.1"',
        '"port": 22,': f'"port": {sshd.port},',
        '"ubuntu"': f'"{sshd.user}"',
        '"port": 5901,': f'"port": {xvnc.port},',
        '"guacd_port": 4822': f'"guacd_port": {guacd.port}',
    }
    return make(tmp_path_factory.mktemp("project"), mine, sshd.keys["rsa"])
