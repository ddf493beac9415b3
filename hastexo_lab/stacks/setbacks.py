"""What is so after a step that did not work: tried again later, or failed, with a reason for staff."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime

from django.utils import timezone

from hastexo_lab.models import ErrorKind, Phase, Stack
from hastexo_lab.providers.base import (
    AuthorMistake,
    CloudStack,
    CloudState,
    ProviderError,
    ProviderFull,
    Transient,
    UnknownOutcome,
)
from hastexo_lab.stacks.outcome import Outcome
from hastexo_lab.stacks.plan import Do, Step

log = logging.getLogger("hastexo_lab.stacks")

MAX_BACKOFF_S = 60.0
# So often a create is tried, and a start goes on after an error of our own.
MOST_ATTEMPTS = 5
REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
ERROR_KIND_OF: dict[type[ProviderError], ErrorKind] = {
    AuthorMistake: ErrorKind.AUTHOR,
    ProviderFull: ErrorKind.FULL,
}


class Setback(Exception):
    """The lab has failed; `kind` says what the learner is told, the text is for staff."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def backoff_s(attempts: int) -> float:
    """Seconds to wait after so many attempts."""
    return min(2.0 ** min(attempts, 6), MAX_BACKOFF_S)


def failed(stack: Stack, kind: ErrorKind, message: str) -> Outcome:
    """The lab has failed: the learner gets a reference, staff find the reason by it."""
    pick = secrets.choice
    reference = "-".join("".join(pick(REFERENCE_ALPHABET) for _ in range(4)) for _ in range(2))
    # What a cloud says of an author's mistake may quote a value of the environment, which may be a secret: that is
    # for the course team's eyes, by the reference.
    reason = "the course team sees it" if kind == ErrorKind.AUTHOR else message
    log.warning("stack failed stack=%s kind=%s reference=%s reason=%r", stack.name, kind, reference, reason)
    failure = {
        "error_kind": kind,
        "error_message": message,
        "error_reference": reference,
        "error_at": timezone.now(),
    }
    # What a failed create has left is cleared away at once.
    return Outcome(phase=Phase.FAILED, fields=failure, note=message, in_s=1 if stack.launched_at else None)


def set_back(stack: Stack, step: Step, error: ProviderError) -> Outcome:
    """It did not work this time: say so, keep what is, try again later; or fail, where trying will not help."""
    if isinstance(error, AuthorMistake) and step.do in (Do.CREATE, Do.LEARN) and not stack.ready_at:
        return failed(stack, ErrorKind.AUTHOR, str(error))
    if step.do == Do.CREATE and stack.attempts >= MOST_ATTEMPTS:
        return failed(stack, ErrorKind.TRANSIENT, str(error))
    reason = "" if isinstance(error, AuthorMistake) else str(error)
    log.info(
        "step did not work stack=%s do=%s kind=%s reason=%r", stack.name, step.do, type(error).__name__, reason
    )
    asked_s = (error.retry_after_s or 0) if isinstance(error, Transient) else 0
    settling_s = 1 if isinstance(error, UnknownOutcome) else 0
    return Outcome(
        phase=Phase(stack.phase) if step.do == Do.SUSPEND else step.phase,
        fields={"error_message": str(error), "attempts": stack.attempts + 1},
        in_s=max(backoff_s(stack.attempts) + settling_s, asked_s),
        note=news(stack, str(error)),
    )


def stumbled(stack: Stack, error: Exception) -> Outcome:
    """A step ended in an error of our own, or not at all. A start that does so again and again has failed."""
    where = stack.provider or "its provider"
    message = (
        f"A step of this stack ended in an error of hastexo_lab ({type(error).__name__}): see the worker's log."
    )
    if isinstance(error, TimeoutError):
        message = f"A step did not end in time: {where} answers too slowly, or not at all."
    starting = stack.phase in (Phase.NEW, Phase.CREATING, Phase.BOOTING, Phase.RESUMING)
    if starting and stack.attempts >= MOST_ATTEMPTS:
        return failed(stack, ErrorKind.TRANSIENT, message)
    return Outcome(
        phase=Phase(stack.phase),
        fields={"error_message": message, "attempts": stack.attempts + 1},
        in_s=backoff_s(stack.attempts),
        note=news(stack, message),
    )


def news(stack: Stack, message: str) -> str:
    """The message if it was not told last: the history of a long trouble stays short."""
    return message if message != stack.error_message else ""


def time_is_over(stack: Stack, cloud: CloudStack | None, last: object, now: datetime) -> Setback:
    """The failure of a stack whose deadline has passed. `last`: what went wrong lately, "" = nothing known."""
    waited_s = round((now - stack.phase_since).total_seconds())
    shown = f"is {cloud.state}" if cloud else "could not be observed"
    told = f"{stack.name} {shown} at {stack.provider} after {waited_s} s"
    ending = f" Last: {last}" if last else ""
    if stack.phase in (Phase.NEW, Phase.CREATING):
        limit = f"(launch_timeout is {stack.launch_timeout} s)"
        return Setback(ErrorKind.TRANSIENT, f"{told} {limit}.{ending}")
    if cloud is None or cloud.state not in (CloudState.RUNNING, CloudState.SUSPEND_FAILED):
        return Setback(ErrorKind.UNREACHABLE, f"{told}. Try again, or look at it in the cloud.{ending}")
    ports = ", ".join(f"{stack.address}:{p['port'] + stack.port_offset} ({p['kind']})" for p in stack.probes)
    return Setback(
        ErrorKind.UNREACHABLE,
        f"{stack.name} at {stack.provider} did not answer for {waited_s} s. All of these must: {ports}.{ending}",
    )
