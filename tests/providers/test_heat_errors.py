"""From Heat's answers to the five kinds: the table, case by case."""

from __future__ import annotations

import json

import pytest
import requests
from heatclient import exc as heat
from keystoneauth1 import exceptions as keystone
from keystoneauth1.session import Session

from hastexo_lab.providers.base import (
    AuthorMistake,
    Lost,
    ProviderError,
    ProviderFull,
    Transient,
    UnknownOutcome,
)
from hastexo_lab.providers.heat_errors import before_heat, classify_failure, sort


def answer(status: int, message: str, type_: str = "Some", retry_after_s: float | None = None) -> Exception:
    """What heatclient raises for Heat's answer."""
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps({"code": status, "error": {"type": type_, "message": message}}).encode()
    error: Exception = heat.from_response(response)
    error.retry_after_s = retry_after_s  # type: ignore[attr-defined]
    return error


def page(status: int) -> Exception:
    """What heatclient raises for the page of a proxy."""
    response = requests.Response()
    response.status_code = status
    response._content = b"<html>nginx</html>"
    error: Exception = heat.from_response(response)
    return error


FULL = "You have reached the maximum stacks per tenant, 512. Please delete some stacks."
BIG = "Request limit exceeded: Template size (600161 bytes) exceeds maximum allowed size (524288 bytes)."


@pytest.mark.parametrize(
    ("error", "when_reading", "when_changing"),
    [
        (answer(400, FULL, "RequestLimitExceeded"), ProviderFull, ProviderFull),
        (answer(400, BIG, "RequestLimitExceeded"), AuthorMistake, AuthorMistake),
        (answer(400, "The Resource Type (OS::X) could not be found."), AuthorMistake, AuthorMistake),
        (answer(400, "Error validating value: Unable to establish connection to x"), Transient, Transient),
        (answer(401, "Authentication required"), Transient, Transient),
        (answer(403, ""), Transient, Transient),
        (answer(403, "You are not authorized to use OS::Keystone::Project."), AuthorMistake, AuthorMistake),
        (answer(404, "The Stack (x) could not be found.", "EntityNotFound"), Lost, Lost),
        (page(404), Transient, Transient),
        (answer(409, "already has an action in progress", "ActionInProgress"), Transient, Transient),
        (answer(413, "too large"), AuthorMistake, AuthorMistake),
        (answer(429, "slow down"), Transient, Transient),
        (answer(500, "Timed out waiting for a reply"), Transient, UnknownOutcome),
        (page(502), Transient, UnknownOutcome),
        (answer(503, "busy"), Transient, Transient),
        (page(504), Transient, UnknownOutcome),
        (answer(418, "teapot"), Transient, UnknownOutcome),
        (keystone.ConnectTimeout("no answer"), Transient, UnknownOutcome),
        (keystone.ConnectFailure("Connection aborted"), Transient, UnknownOutcome),
        (KeyError("stack"), Transient, UnknownOutcome),
    ],
    ids=repr,
)
def test_kinds(error: Exception, when_reading: type, when_changing: type) -> None:
    for changes, kind in ((False, when_reading), (True, when_changing)):
        sorted_ = sort(error, "west", changes=changes)
        assert type(sorted_) is kind
        assert '"west"' in str(sorted_)


def test_heats_own_words_are_told() -> None:
    assert FULL in str(sort(answer(400, FULL), "west", changes=True))


@pytest.mark.parametrize("status", [429, 503])
def test_the_pause_that_the_cloud_asks_for_is_kept(status: int) -> None:
    sorted_ = sort(answer(status, "busy", retry_after_s=17), "west", changes=True)
    assert isinstance(sorted_, Transient)
    assert sorted_.retry_after_s == 17


def test_a_connection_that_never_came_about_changed_nothing() -> None:
    with pytest.raises(keystone.ConnectFailure) as caught:
        Session().get("http://127.0.0.1:1/")
    assert type(sort(caught.value, "west", changes=True)) is Transient


def test_a_provider_error_stays_what_it_is() -> None:
    error = Lost("gone")
    assert sort(error, "west", changes=True) is error


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ('No content found in the "files" section for get_file path: x.sh', "get_file"),
        ('Could not fetch remote template "x.yaml": Invalid URL scheme ', "must be one file"),
    ],
)
def test_templates_of_several_files_are_refused_clearly(message: str, told: str) -> None:
    sorted_ = sort(answer(400, message, "StackValidationFailed"), "west", changes=True)
    assert type(sorted_) is AuthorMistake
    assert told in str(sorted_)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (keystone.Unauthorized(), 'credentials of provider "west" were refused'),
        (keystone.Forbidden(), 'credentials of provider "west" were refused'),
        (keystone.AuthorizationFailure(), 'credentials of provider "west" were refused'),
        (keystone.EndpointNotFound(), '"region_name"'),
        (keystone.EmptyCatalog(), '"region_name"'),
        (keystone.NotFound(http_status=404), '"auth_url"'),
        (keystone.ServiceUnavailable(http_status=503), "HTTP 503"),
        (keystone.ConnectFailure("refused"), '"auth_url"'),
        (ValueError("strange"), "Keystone"),
    ],
    ids=repr,
)
def test_before_heat_is_asked_nothing_can_have_happened(error: Exception, told: str) -> None:
    sorted_ = before_heat(error, "west")
    assert type(sorted_) is Transient
    assert told in str(sorted_)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (
            "Resource CREATE failed: ResourceInError: resources.server: Went to status ERROR due to "
            '"Message: No valid host was found. , Code: 500"',
            ProviderFull,
        ),
        (
            "Resource CREATE failed: Forbidden: resources.server: Quota exceeded for cores: Requested 1, but "
            "already used 20 of 20 cores (HTTP 403) (Request-ID: req-1)",
            ProviderFull,
        ),
        ("Resource CREATE failed: OverQuotaClient: resources.fip: Quota exceeded", ProviderFull),
        ("Resource CREATE failed: OverLimit: resources.volume: VolumeSizeExceedsAvailableQuota", ProviderFull),
        ("IpAddressGenerationFailureClient: No more IP addresses available on network 1.", ProviderFull),
        ("ExternalIpAddressExhaustedClient: resources.fip: Unable to find any IP address", ProviderFull),
        ("Resource CREATE failed: BadRequest: resources.s: Invalid key_name provided. (HTTP 400)", AuthorMistake),
        ("Resource CREATE failed: NotFound: resources.port: Network x could not be found.", AuthorMistake),
        ("Resource CREATE failed: WaitConditionFailure: resources.wait: boot failed", AuthorMistake),
        ("Create timed out", Transient),
        ("Resource CREATE failed: WaitConditionTimeout: resources.wait: 0 of 1 received", Transient),
        ("Resource CREATE failed: ClientException: resources.s: Unexpected API Error (HTTP 500)", Transient),
        ("Resource CREATE failed: ValueError: resources.host: LabFault: CREATE told to fail", Transient),
        ("Engine went down during stack CREATE", Transient),
        ("", Transient),
    ],
)
def test_reasons_of_failed_stacks(reason: str, kind: type[ProviderError]) -> None:
    assert classify_failure(reason) is kind
