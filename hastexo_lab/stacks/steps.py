"""One step of one stack: gather the facts, ask the planner, carry out what it says, write back what is so."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.db.models import Case, DateTimeField, F, Value, When
from django.utils import timezone

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Blueprint, ErrorKind, Goal, Phase, Stack, StackEvent
from hastexo_lab.providers.base import (
    AuthorMistake,
    CloudStack,
    CloudState,
    Provider,
    ProviderError,
    ProviderFull,
    Transient,
    UnknownOutcome,
)
from hastexo_lab.remote.connect import answers
from hastexo_lab.secretbox import seal
from hastexo_lab.stacks.place import launch_order, places
from hastexo_lab.stacks.plan import Do, Facts, Step, plan
from hastexo_lab.stacks.registry import NoSuchProvider, providers

log = logging.getLogger("hastexo_lab.stacks")

# Seconds until the next look, by phase: short where a learner waits.
LOOK_AGAIN_S = {
    Phase.NEW: 1.0,
    Phase.CREATING: 1.0,
    Phase.BOOTING: 0.5,
    Phase.RESUMING: 0.5,
    Phase.SUSPENDING: 1.0,
    Phase.DELETING: 1.0,
}
UP_LOOK_S, ASLEEP_LOOK_S, MAX_BACKOFF_S = 300.0, 3600.0, 60.0
PROGRESS_EVERY_S = 3
PLACE_ATTEMPTS = 5
PROBE_TIMEOUT_S = 2.0
# A page that was seen within this time is open: the gateway writes presence every 30 s.
PRESENT_S = 90.0
# Weight of the newest time in what is typical.
NEWEST = 0.3
REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
ERROR_KIND_OF: dict[type[ProviderError], ErrorKind] = {
    AuthorMistake: ErrorKind.AUTHOR,
    ProviderFull: ErrorKind.FULL,
}


@dataclass(kw_only=True)
class Outcome:
    """What is so after a step. `in_s`: seconds until the next look, None = the phase's own."""

    phase: Phase
    fields: dict[str, Any] = field(default_factory=dict)
    in_s: float | None = None
    note: str = ""


class Setback(Exception):
    """The lab has failed; `kind` says what the learner is told, the text is for staff."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Drive:
    """One claimed stack and what its cloud shows, for the time of one step."""

    def __init__(self, stack: Stack, seen: CloudStack | ProviderError | None) -> None:
        self.stack = stack
        self.cloud = seen if isinstance(seen, CloudStack) else None
        self.unseen = seen if isinstance(seen, ProviderError) else None
        self.now = timezone.now()

    async def go(self) -> None:
        """Drive the stack one step further and write back what is so, if the lease still holds."""
        await self._let_go()
        step = plan(self._facts())
        try:
            outcome = await self._carry_out(step)
        except Setback as setback:
            outcome = self._fail(setback.kind, str(setback))
        except ProviderError as error:
            outcome = self._set_back(step, error)
        await self._write(outcome)

    # What is so

    def _facts(self) -> Facts:
        stack = self.stack
        return Facts(
            goal=Goal(stack.goal),
            phase=Phase(stack.phase),
            seen=self.cloud.state if self.cloud else None,
            stale=stack.generation < stack.wanted_generation,
            ordered=stack.launched_at is not None,
            learned="of" in stack.progress,
            ever_ready=stack.ready_at is not None,
            overdue=stack.deadline_at is not None and stack.deadline_at < self.now,
            told=bool(stack.error_kind),
            keep=stack.error_kind == ErrorKind.UNREACHABLE,
        )

    async def _let_go(self) -> None:
        """Nobody needs the lab any more: it may sleep, or at its age go. Not if somebody came this moment."""
        stack = self.stack
        quiet_s = (self.now - stack.active_at).total_seconds()
        present = stack.seen_at is not None and (self.now - stack.seen_at).total_seconds() < PRESENT_S
        old = stack.delete_age and quiet_s >= stack.delete_age and not present
        idle = stack.suspend_timeout and quiet_s >= stack.suspend_timeout
        if old and stack.goal != Goal.GONE and stack.phase in (Phase.UP, Phase.ASLEEP, Phase.FAILED):
            await self._set_goal(Goal.GONE, gone_reason="age")
        elif idle and stack.goal == Goal.UP and stack.phase == Phase.UP:
            await self._set_goal(Goal.ASLEEP)

    async def _set_goal(self, goal: Goal, **fields: Any) -> None:
        stack = self.stack
        still_so = Stack.objects.filter(
            pk=stack.pk, epoch=stack.epoch, wish=stack.wish, active_at=stack.active_at, seen_at=stack.seen_at
        )
        if await still_so.aupdate(goal=goal, **fields):
            stack.goal = goal

    # Carrying out

    def _provider(self) -> Provider:
        found = providers().get(self.stack.provider)
        if isinstance(found, ProviderError):
            raise found
        return found

    async def _carry_out(self, step: Step) -> Outcome:
        match step.do:
            case Do.WAIT:
                return await self._wait(step.phase)
            case Do.CREATE:
                return await self._create()
            case Do.LEARN:
                return await self._learn(step.phase)
            case Do.PROBE:
                return await self._probe(step.phase)
            case Do.SUSPEND:
                await self._provider().suspend(self._ref)
                return self._ordered(step.phase)
            case Do.RESUME:
                await self._provider().resume(self._ref)
                return self._ordered(step.phase)
            case Do.DELETE:
                await self._provider().delete(self._ref)
                return self._ordered(step.phase)
            case Do.CLEAR:
                return self._clear()
            case Do.FORGET:
                return Outcome(phase=step.phase, fields={"ref": "", "launched_at": None, "progress": {}})
            case Do.BLAME_CREATE:
                self._blame()
            case Do.LOSE:
                raise Setback(ErrorKind.LOST, f"{self.stack.name} is not at {self.stack.provider} any more.")
            case Do.GIVE_UP:
                self._give_up()
        raise AssertionError(step)

    def _ordered(self, phase: Phase) -> Outcome:
        """The cloud has taken the order. One that must be given again is given less and less often."""
        stack = self.stack
        if phase != stack.phase:
            return Outcome(phase=phase, fields={"progress": {}})
        again = {"progress": {}, "attempts": stack.attempts + 1}
        return Outcome(phase=phase, fields=again, in_s=min(2.0**stack.attempts, MAX_BACKOFF_S))

    @property
    def _ref(self) -> str:
        return self.stack.ref or (self.cloud.ref if self.cloud else "")

    async def _wait(self, phase: Phase) -> Outcome:
        stack = self.stack
        elapsed_s = int((self.now - stack.phase_since).total_seconds())
        if phase == Phase.CREATING and self.cloud and elapsed_s % PROGRESS_EVERY_S == 1:
            progress = await self._provider().progress(self._ref)
            return Outcome(phase=phase, fields={"progress": {"done": progress.done, "total": progress.total}})
        clearing = phase == Phase.FAILED and self.cloud and self.cloud.state == CloudState.DELETING
        return Outcome(
            phase=phase, fields={"progress": {}} if phase != stack.phase else {}, in_s=1 if clearing else None
        )

    async def _create(self) -> Outcome:
        """Order the stack at the first place that takes it."""
        found, refused = await places(self.stack)
        for place in found:
            if not await self._intend(place.name, place.blueprint):
                return Outcome(phase=Phase.NEW, in_s=0)
            try:
                ref = await place.provider.create(await launch_order(self.stack, place.blueprint))
            except (ProviderFull, Transient) as error:
                refused.append(error)
                await self._intend("", None)
                continue
            return Outcome(phase=Phase.CREATING, fields={"ref": ref, "progress": {}}, note=f"at {place.name}")
        reasons = " ".join(str(error) for error in refused)
        if any(isinstance(error, ProviderFull) for error in refused):
            raise Setback(ErrorKind.FULL, reasons)
        if self.stack.attempts >= PLACE_ATTEMPTS or all(isinstance(error, NoSuchProvider) for error in refused):
            raise Setback(ErrorKind.TRANSIENT, reasons)
        raise Transient(reasons)

    async def _intend(self, provider: str, blueprint: Blueprint | None) -> bool:
        """Write where the create is about to be sent: if this worker dies now, the next one asks there."""
        stack = self.stack
        stack.provider, stack.blueprint = provider, blueprint
        stack.launched_at = (stack.launched_at or self.now) if provider else None
        mine = Stack.objects.filter(pk=stack.pk, epoch=stack.epoch)
        return bool(await mine.aupdate(provider=provider, blueprint=blueprint, launched_at=stack.launched_at))

    async def _learn(self, phase: Phase) -> Outcome:
        """Read what the running stack tells, then ask its hosts at once."""
        stack = self.stack
        outputs = await self._provider().outputs(self._ref)
        fields: dict[str, Any] = {
            "ref": self._ref,
            "address": outputs.address,
            "port_offset": outputs.port_offset,
        }
        fields["host_keys"] = outputs.host_keys or stack.host_keys
        if outputs.secrets:
            # Newer ones win, but an output that has gone missing takes nothing away.
            fields["sealed_secrets"] = seal({**stack.secrets, **outputs.secrets})
        for name, value in fields.items():
            setattr(stack, name, value)
        probed = await self._probe(phase)
        probed.fields = {**fields, **probed.fields}
        return probed

    async def _probe(self, phase: Phase) -> Outcome:
        """See whether every host answers; when all do, the lab is up."""
        stack = self.stack
        answered = await asyncio.gather(
            *(
                answers(stack.address, probe["port"] + stack.port_offset, probe["kind"], timeout_s=PROBE_TIMEOUT_S)
                for probe in stack.probes
            )
        )
        progress = {"answering": sum(answered), "of": len(answered)}
        if not all(answered):
            return Outcome(phase=phase, fields={"progress": progress})
        await self._note_typical()
        ready = {"ready_at": stack.ready_at or self.now, "error_kind": "", "error_message": ""}
        return Outcome(phase=Phase.UP, fields={"progress": progress, **ready})

    async def _note_typical(self) -> None:
        """Remember how long it took, so that the next learner can be told."""
        stack = self.stack
        if not stack.blueprint_id:
            return
        if stack.phase == Phase.RESUMING:
            name, took = "wake_s", self.now - stack.phase_since
        elif stack.phase in (Phase.CREATING, Phase.BOOTING) and stack.launched_at:
            name, took = "launch_s", self.now - stack.launched_at
        elif stack.phase == Phase.SUSPENDING:
            name, took = "sleep_s", self.now - stack.phase_since
        else:
            return
        took_s = took.total_seconds()
        blended = Case(When(**{name: 0}, then=Value(took_s)), default=F(name) * (1 - NEWEST) + took_s * NEWEST)
        await Blueprint.objects.filter(pk=stack.blueprint_id).aupdate(**{name: blended})

    def _clear(self) -> Outcome:
        stack = self.stack
        bare: dict[str, Any] = {
            "ref": "",
            "provider": "",
            "launched_at": None,
            "address": "",
            "progress": {},
            "sealed_secrets": "",
        }
        bare |= {"ready_at": None, "host_keys": "", "error_kind": "", "error_message": ""}
        if stack.goal == Goal.GONE and stack.generation >= stack.wanted_generation:
            return Outcome(phase=Phase.GONE, fields=bare)
        generation = max(stack.wanted_generation, stack.generation + 1)
        return Outcome(phase=Phase.NEW, fields={**bare, "generation": generation, "gone_reason": ""}, in_s=0)

    # Failing

    def _blame(self) -> NoReturn:
        reason = self.cloud.reason if self.cloud else ""
        kind = ERROR_KIND_OF.get(self._provider().failure_kind(reason), ErrorKind.TRANSIENT)
        raise Setback(kind, f"{self.stack.provider}: {reason or 'the stack failed without a reason'}")

    def _give_up(self) -> NoReturn:
        stack = self.stack
        waited_s = round((self.now - stack.phase_since).total_seconds())
        last = f" Last: {self.unseen or stack.error_message}" if self.unseen or stack.error_message else ""
        if stack.phase in (Phase.NEW, Phase.CREATING):
            state = self.cloud.state if self.cloud else "not seen"
            raise Setback(
                ErrorKind.TRANSIENT,
                f"{stack.name} is {state} at {stack.provider} after {waited_s} s (launch_timeout is "
                f"{stack.launch_timeout} s).{last}",
            )
        ports = ", ".join(f"{stack.address}:{p['port'] + stack.port_offset} ({p['kind']})" for p in stack.probes)
        raise Setback(
            ErrorKind.UNREACHABLE,
            f"{stack.name} at {stack.provider} did not answer for {waited_s} s. All of these must: {ports}.{last}",
        )

    def _fail(self, kind: ErrorKind, message: str) -> Outcome:
        pick = secrets.choice
        reference = "-".join("".join(pick(REFERENCE_ALPHABET) for _ in range(4)) for _ in range(2))
        log.warning("stack failed stack=%s kind=%s reference=%s", self.stack.name, kind, reference)
        failure = {
            "error_kind": kind,
            "error_message": message,
            "error_reference": reference,
            "error_at": self.now,
        }
        return Outcome(phase=Phase.FAILED, fields=failure, note=message, in_s=1 if self.stack.launched_at else None)

    def _set_back(self, step: Step, error: ProviderError) -> Outcome:
        """It did not work this time: say so, keep what is, try again later."""
        stack = self.stack
        if isinstance(error, AuthorMistake) and not stack.ready_at:
            return self._fail(ErrorKind.AUTHOR, str(error))
        phase = Phase(stack.phase) if step.do == Do.SUSPEND else step.phase
        asked_s = error.retry_after_s if isinstance(error, Transient) else None
        backoff_s = min(2.0**stack.attempts, MAX_BACKOFF_S) + (1 if isinstance(error, UnknownOutcome) else 0)
        fields = {"error_message": str(error), "attempts": stack.attempts + 1}
        log.info("step did not work stack=%s do=%s kind=%s", stack.name, step.do, type(error).__name__)
        return Outcome(phase=phase, fields=fields, in_s=max(backoff_s, asked_s or 0), note=str(error))

    # Writing back

    def _next_at(self, outcome: Outcome) -> datetime | None:
        stack, phase = self.stack, outcome.phase
        if outcome.in_s is not None:
            return self.now + timedelta(seconds=outcome.in_s)
        if phase in LOOK_AGAIN_S:
            return self.now + timedelta(seconds=LOOK_AGAIN_S[phase])
        if phase == Phase.UP and stack.goal == Goal.UP:
            return self._bounded(stack.suspend_timeout, UP_LOOK_S)
        if phase == Phase.UP or (phase == Phase.ASLEEP and stack.goal == Goal.UP):
            return self.now + timedelta(seconds=0.1)
        if phase in (Phase.ASLEEP, Phase.FAILED):
            return self._bounded(stack.delete_age, ASLEEP_LOOK_S)
        return None

    def _bounded(self, age_s: int, at_most_s: float) -> datetime:
        latest = self.now + timedelta(seconds=at_most_s)
        due = self.stack.active_at + timedelta(seconds=age_s)
        return max(self.now + timedelta(seconds=1), min(due, latest)) if age_s else latest

    def _deadline_at(self, phase: Phase) -> datetime | None:
        stack = self.stack
        if phase in (stack.phase, Phase.BOOTING):
            return stack.deadline_at
        timeout_s = {Phase.CREATING: stack.launch_timeout, Phase.RESUMING: lab_settings().resume_timeout}.get(
            phase, 0
        )
        return self.now + timedelta(seconds=timeout_s) if timeout_s else None

    async def _write(self, outcome: Outcome) -> None:
        stack, changed = self.stack, outcome.phase != self.stack.phase
        if changed and outcome.phase == Phase.ASLEEP:
            await self._note_typical()
        next_at = Value(self._next_at(outcome), output_field=DateTimeField())
        fields = {
            "attempts": 0 if changed else stack.attempts,
            **outcome.fields,
            "phase": outcome.phase,
            "phase_since": self.now if changed else stack.phase_since,
            "deadline_at": self._deadline_at(outcome.phase),
            # A wish that came meanwhile is looked at now.
            "next_at": Case(
                When(wish=stack.wish, then=next_at), default=Value(self.now, output_field=DateTimeField())
            ),
            "lease_until": None,
        }
        written = await Stack.objects.filter(pk=stack.pk, epoch=stack.epoch).aupdate(**fields)
        if written and (changed or outcome.note):
            await StackEvent.objects.acreate(
                stack=stack,
                kind="phase" if changed else "setback",
                phase=outcome.phase,
                generation=fields.get("generation", stack.generation),
                message=outcome.note,
            )
