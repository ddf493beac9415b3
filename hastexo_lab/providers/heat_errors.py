"""From Heat's answers to the five kinds of error: one table, and what Heat says in words.

Sources: heat/api/middleware/fault.py (status and `error.type` of each), heat/engine/service.py (limits).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import requests
from heatclient import exc as heat
from keystoneauth1 import exceptions as keystone
from urllib3.exceptions import NewConnectionError

from hastexo_lab.providers.base import (
    AuthorMistake,
    Lost,
    ProviderError,
    ProviderFull,
    Transient,
    UnknownOutcome,
)

LONGEST = 800

# Status → kind. What is not named here (500, 502, 504) comes after Heat may have begun: unknown outcome.
KINDS: dict[int, type[ProviderError]] = {
    300: Transient,
    400: AuthorMistake,
    401: Transient,
    403: Transient,
    404: Lost,
    405: Transient,
    408: Transient,
    409: Transient,
    413: AuthorMistake,
    429: Transient,
    503: Transient,
}

# (status, message, kind): 400 is also the answer when the project is full, and when a service that Heat asked
# could not say; 403 when a resource type is not for everybody.
MESSAGES: tuple[tuple[int, re.Pattern[str], type[ProviderError]], ...] = (
    (400, re.compile("maximum stacks per tenant"), ProviderFull),
    (
        400,
        re.compile(r"Unable to establish connection|Service Unavailable|timed out|HTTP 50\d", re.I),
        Transient,
    ),
    (403, re.compile("not authorized to use"), AuthorMistake),
)
FILES = re.compile(r'No content found in the "files" section|Could not fetch remote template|Invalid URL scheme')
NO_FILES = "A template must be one file: get_file and resource types that are files are not supported."

# What only `stack_status_reason` tells; the first that fits counts. Quota first: it comes as 403 or 413.
REASONS: tuple[tuple[re.Pattern[str], type[ProviderError]], ...] = (
    (
        re.compile(
            r"quota|No valid host|exhausted all hosts|no more (floating )?ip|OverLimit"
            r"|IpAddressGenerationFailure|ExternalIpAddressExhausted"
            r"|insufficient (compute )?resources|not enough (hosts|space)"
            r"|Maximum number of \w+ exceeded|limit exceeded",
            re.I,
        ),
        ProviderFull,
    ),
    (re.compile(r"timed? ?out|HTTP 5\d\d|Unable to establish connection|HTTP 429", re.I), Transient),
    (
        re.compile(
            r"(BadRequest|NotFound|Forbidden|StackValidationFailed|Unprocessable\w*|WaitConditionFailure"
            r"|PropertyError|ResourceTypeUnavailable|InvalidTemplate\w*|EntityNotFound|TypeError)\b"
            r"|Property error|HTTP 40[034]|No images? match|could not be found",
        ),
        AuthorMistake,
    ),
)


def classify_failure(reason: str) -> type[ProviderError]:
    """The kind of failure that a *_FAILED stack's `stack_status_reason` tells of; else Transient."""
    return next((kind for pattern, kind in REASONS if pattern.search(reason)), Transient)


def fault(error: Exception) -> tuple[str, str]:
    """Heat's own (type, message) of an answer; the type is "" where it was not Heat that answered."""
    told: Any = getattr(error, "error", None)
    told = told.get("error") if isinstance(told, dict) else None
    if not isinstance(told, dict):
        return "", str(error)[:LONGEST]
    message = told.get("message") or ""
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    return str(told.get("type") or ""), text.strip()[:LONGEST]


def refused(provider: str) -> Transient:
    """Keystone does not know these credentials. An operator can mend it, so it is tried again later."""
    return Transient(
        f'The credentials of provider "{provider}" were refused: check its "auth" ("auth_url" too), its "cloud" '
        "in clouds.yaml, or the OS_* variables, whichever it uses."
    )


def denied(provider: str) -> Transient:
    """Keystone knows who it is, and Heat does not let them; its message says no more than that."""
    return Transient(
        f'The credentials of provider "{provider}" were refused by Heat (HTTP 403): its user needs a role that '
        "may own stacks in its project; an application credential must be unrestricted and allowed to create "
        "trusts (docs/providers.md)."
    )


REFUSALS: dict[int, Callable[[str], Transient]] = {401: refused, 403: denied}


def _answered(error: heat.HTTPException, provider: str, *, changes: bool) -> ProviderError:
    type_, message = fault(error)
    text = f'Heat of provider "{provider}" says: {message} (HTTP {error.code})'
    kind = KINDS.get(error.code, UnknownOutcome if changes else Transient)
    for code, pattern, special in MESSAGES:
        if code == error.code and pattern.search(message):
            kind = special
    if error.code in REFUSALS and kind is Transient:
        return REFUSALS[error.code](provider)
    if kind is Lost and not type_:
        return Transient(f'What answers as Heat of provider "{provider}" is not Heat (HTTP 404).')
    if kind is AuthorMistake and FILES.search(message):
        text = f"{NO_FILES} {text}"
    return Transient(text, getattr(error, "retry_after_s", None)) if kind is Transient else kind(text)


def _never_sent(error: Exception) -> bool:
    """Whether no connection came about. keystoneauth has one name for this and for a lost answer."""
    cause = error.__context__
    if isinstance(cause, requests.ConnectTimeout | requests.exceptions.SSLError):
        return True
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    return isinstance(reason, NewConnectionError)


def before_heat(error: Exception, provider: str) -> ProviderError:
    """What it means that no token or no endpoint was to be had: nothing has been asked of Heat yet."""
    if isinstance(error, keystone.Unauthorized | keystone.Forbidden | keystone.AuthorizationFailure):
        return refused(provider)
    if isinstance(error, keystone.CatalogException):
        return Transient(
            f'The catalogue of provider "{provider}" names no Heat (service type "orchestration"): check its '
            '"region_name" and "interface".'
        )
    if isinstance(error, keystone.HttpError):
        retry_after_s = float(getattr(error, "retry_after", 0) or 0) or None
        mend = ': check its "auth_url" and its credentials.' if error.http_status < 429 else "."
        return Transient(f'Keystone of provider "{provider}" answers HTTP {error.http_status}{mend}', retry_after_s)
    return Transient(
        f'Keystone of provider "{provider}" cannot be reached: check its "auth_url". {str(error)[:LONGEST]}'
    )


def sort(error: Exception, provider: str, *, changes: bool) -> ProviderError:
    """The kind of an error of a call to Heat. `changes`: the call was to change something, so it may have."""
    if isinstance(error, ProviderError):
        return error
    if isinstance(error, heat.HTTPException):
        return _answered(error, provider, changes=changes)
    text = f'Heat of provider "{provider}" did not answer: {type(error).__name__}: {str(error)[:LONGEST]}'
    if not changes or _never_sent(error):
        return Transient(text)
    return UnknownOutcome(text)
