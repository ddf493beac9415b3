"""Settings that cannot work are told at once, with the provider's name and the key, without a secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from hastexo_lab.providers import ProviderMisconfigured, build
from hastexo_lab.providers.heat_session import _retry_after_s

SECRET = "s3cret-in-settings"
URL = "http://127.0.0.1:1/v3"
PASSWORD = {"auth_url": URL, "username": "u", "password": SECRET}


@pytest.fixture(autouse=True)
def no_cloud_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_CLIENT_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "no credentials"),
        ({"auth": PASSWORD, "cloud": "x"}, 'Give one of "cloud"'),
        ({"auth": PASSWORD, "colour": "blue"}, '"colour"'),
        ({"auth": SECRET}, '"auth" must be a dictionary'),
        ({"auth": {}, "auth_type": "password", "env": False}, "no credentials"),
        ({"auth": {"username": "u", "password": SECRET}}, "auth_url"),
        ({"auth": {"auth_url": URL, "username": "u"}}, '"password"'),
        ({"auth": {"auth_url": URL, "password": SECRET}}, '"username"'),
        ({"auth_type": "token", "auth": {"auth_url": URL}}, "token"),
        ({"auth_type": "v3applicationcredential", "auth": {"auth_url": URL}}, "application credential"),
        ({"auth_type": "nonsense", "auth": PASSWORD}, "nonsense"),
        ({"auth": {**PASSWORD, "colour": SECRET}}, "colour"),
        ({"cloud": "nowhere"}, "nowhere"),
        ({"env": True}, "OS_AUTH_URL"),
        ({"auth": PASSWORD, "timeout_s": 60}, '"timeout_s"'),
        ({"auth": PASSWORD, "max_concurrency": 0}, '"max_concurrency"'),
    ],
)
def test_misconfigured(config: dict[str, Any], told: str) -> None:
    with pytest.raises(ProviderMisconfigured, match=told) as caught:
        build("west", {"type": "heat", **config}, site="s")
    assert '"west"' in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_broken_clouds_yaml_is_not_quoted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "clouds.yaml").write_text(f"clouds:\n  x:\n    auth: {{password: '{SECRET}\n")
    with pytest.raises(ProviderMisconfigured, match='"cloud" says cannot work: Cloud x was not found') as caught:
        build("west", {"type": "heat", "cloud": "x"}, site="s")
    assert "clouds.yaml" in caplog.text
    assert SECRET not in f"{caught.value} {caplog.text}"


def test_nothing_is_connected_to_and_no_secret_is_shown() -> None:
    provider = build("west", {"type": "heat", "auth": PASSWORD}, site="s")
    assert SECRET not in f"{provider!r} {provider}"


@pytest.mark.parametrize(
    ("header", "seconds"), [("17", 17), ("0", 0), ("-3", 0), ("", None), (None, None), ("soon", None)]
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert _retry_after_s(header) == seconds


def test_retry_after_a_date() -> None:
    at = datetime.now(UTC) + timedelta(seconds=60)
    assert _retry_after_s(format_datetime(at, usegmt=True)) == pytest.approx(60, abs=5)
