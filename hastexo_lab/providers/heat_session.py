"""From a provider's settings to a client of Heat: one keystoneauth session, which connects at the first call.

Settings: "cloud" (a name in clouds.yaml), or "auth_type" and "auth" (whatever Keystone's plugins know), or
"env": true (the OS_* variables). Beside it: "region_name", "interface", "verify", "cacert",
"max_concurrency", "timeout_s".
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from heatclient import exc as heat
from heatclient.common.http import SessionClient
from keystoneauth1.adapter import LegacyJsonAdapter
from keystoneauth1.exceptions import ClientException
from keystoneauth1.session import Session, TCPKeepAliveAdapter
from openstack.config import OpenStackConfig
from openstack.config.cloud_region import CloudRegion
from openstack.exceptions import SDKException

from hastexo_lab.providers import ProviderMisconfigured

WAYS = ("cloud", "auth", "env")
PASSED_ON = ("region_name", "interface", "verify", "cacert")
MAX_CONCURRENCY = 8
LONGEST_CALL_S = 20
KNOWN = {*WAYS, *PASSED_ON, "type", "auth_type", "max_concurrency", "timeout_s"}

# What a plugin would miss only when it signs in; one of each group is needed.
NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "password": (("auth_url",), ("username", "user_id"), ("password",)),
    "v3password": (("auth_url",), ("username", "user_id"), ("password",)),
    "token": (("auth_url",), ("token",)),
    "v3token": (("auth_url",), ("token",)),
    "v3applicationcredential": (("auth_url",), ("application_credential_secret",)),
}


def _retry_after_s(value: str | None) -> float | None:
    """Seconds of a Retry-After header, RFC 9110 section 10.2.3: a number of seconds, or a date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


class _Answers(LegacyJsonAdapter):
    """Keeps what heatclient drops (Retry-After), and keeps bodies, which hold secrets, out of the log."""

    def request(self, url: str, method: str, **kwargs: Any) -> tuple[requests.Response, Any]:
        response, body = super().request(url, method, log=False, **kwargs)
        if response.status_code >= 400:
            error = heat.from_response(response)
            error.retry_after_s = _retry_after_s(response.headers.get("Retry-After"))
            raise error
        return response, body


class HeatHttp(SessionClient, _Answers):  # type: ignore[misc]
    """heatclient's HTTP client, with `_Answers` beneath it."""


class _Session(Session):
    """One that asks for no token while it asks for a token.

    Where what answers at auth_url wants a token itself, as any other service does, keystoneauth would wait for
    its own lock for good. No headers mean AuthorizationFailure.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asking = threading.local()

    def get_auth_headers(self, auth: Any = None) -> Any:
        if getattr(self._asking, "now", False):
            return None
        self._asking.now = True
        try:
            return super().get_auth_headers(auth)
        finally:
            self._asking.now = False


def _config(*, files: bool, env: bool) -> OpenStackConfig:
    return OpenStackConfig(session_constructor=_Session, load_yaml_config=files, load_envvars=env)


def _region(config: dict[str, Any]) -> CloudRegion:
    given = {key: config[key] for key in PASSED_ON if key in config}
    if "cloud" in config:
        return _config(files=True, env=True).get_one(cloud=config["cloud"], **given)
    if config.get("env"):
        return _config(files="OS_CLOUD" in os.environ, env=True).get_one(**given)
    auth_type = config.get("auth_type", "password")
    return _config(files=False, env=False).get_one(auth_type=auth_type, auth=dict(config["auth"]), **given)


def _require(name: str, config: dict[str, Any]) -> None:
    def misconfigured(text: str) -> ProviderMisconfigured:
        return ProviderMisconfigured(f'Provider "{name}": {text}')

    if unknown := sorted(config.keys() - KNOWN):
        raise misconfigured(f'there is no setting "{unknown[0]}". Known: {", ".join(sorted(KNOWN))}.')
    if len([way for way in WAYS if config.get(way)]) != 1:
        raise misconfigured(
            'it has no credentials. Give one of "cloud" (a name in clouds.yaml), "auth" (with "auth_type"), '
            'or "env": true (OS_* variables).'
        )
    if config.get("env") and not os.environ.keys() & {"OS_AUTH_URL", "OS_CLOUD"}:
        raise misconfigured('"env" is true, but neither OS_AUTH_URL nor OS_CLOUD is set.')
    if "auth" in config and not isinstance(config["auth"], dict):
        raise misconfigured('"auth" must be a dictionary.')
    for key, most in (("max_concurrency", 256), ("timeout_s", LONGEST_CALL_S)):
        if key in config and not (isinstance(config[key], int | float) and 0 < config[key] <= most):
            raise misconfigured(f'"{key}" must be a number above 0, at most {most}.')


def _require_auth(name: str, region: CloudRegion) -> None:
    auth = region.config.get("auth") or {}
    auth_type = region.config.get("auth_type", "password")
    for group in NEEDED.get(auth_type, ()):
        if not any(auth.get(key) for key in group):
            raise ProviderMisconfigured(
                f'Provider "{name}": its credentials ({auth_type}) lack "{group[0]}".'
                ' Give it in "auth", in clouds.yaml, or in the OS_* variables, whichever it uses.'
            )


def _session(name: str, config: dict[str, Any]) -> tuple[CloudRegion, Session]:
    try:
        region = _region(config)
        _require_auth(name, region)
        return region, region.get_session()
    except (ClientException, SDKException, TypeError, OSError) as error:
        way = next(way for way in WAYS if config.get(way))
        raise ProviderMisconfigured(f'Provider "{name}": what its "{way}" says cannot work: {error}') from None


def connect(name: str, config: dict[str, Any]) -> HeatHttp:
    """The provider's client on a session of its own. Nothing is connected to yet. Any thread may use it.

    Raises ProviderMisconfigured, whose text names the provider, the key and the remedy.
    """
    _require(name, config)
    region, session = _session(name, config)
    session.timeout = config.get("timeout_s", LONGEST_CALL_S)
    adapter = TCPKeepAliveAdapter(pool_maxsize=int(config.get("max_concurrency", MAX_CONCURRENCY)))
    for scheme in ("http://", "https://"):
        session.session.mount(scheme, adapter)
    return HeatHttp(
        session,
        service_type="orchestration",
        interface=region.get_interface("orchestration"),
        region_name=region.get_region_name("orchestration"),
        endpoint_override=region.get_endpoint("orchestration"),
    )
