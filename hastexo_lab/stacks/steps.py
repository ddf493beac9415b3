"""One step of one stack: gather the facts, ask the planner, carry out what it says, tell what is so then."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NoReturn

from django.utils import timezone

from hastexo_lab.models import ErrorKind, Goal, Phase, Stack
from hastexo_lab.providers.base import (
    AuthorMistake,
    CloudStack,
    CloudState,
    Provider,
    ProviderError,
    ProviderFull,
    Transient,
)
from hastexo_lab.remote.connect import answers
from hastexo_lab.secretbox import SecretsUnreadable, seal
from hastexo_lab.stacks.facts import facts_of, let_go
from hastexo_lab.stacks.outcome import Outcome
from hastexo_lab.stacks.place import launch_order, leave, places, take
from hastexo_lab.stacks.plan import Do, Step, plan
from hastexo_lab.stacks.registry import NoSuchProvider, providers
from hastexo_lab.stacks.setbacks import ERROR_KIND_OF, Setback, backoff_s, failed, news, set_back, time_is_over

PROGRESS_EVERY_S = 3
PROGRESS_TIMEOUT_S = 2.0
PROBE_TIMEOUT_S = 2.0
# Where a cloud could not be observed: seconds until the next look, with somebody waiting, and without.
UNSEEN_LOOK_S, UNSEEN_IDLE_LOOK_S = 5.0, 60.0
WAITED_FOR = (Phase.NEW, Phase.CREATING, Phase.BOOTING, Phase.RESUMING, Phase.SUSPENDING, Phase.DELETING)
# A place that let us wait this long leaves no time for another: the next attempt begins with that one.
LAST_ORDER_AFTER_S = 4.0


class Drive:
    """One claimed stack and what its cloud shows, for the time of one step."""

    def __init__(self, stack: Stack, seen: CloudStack | ProviderError | None) -> None:
        self.stack = stack
        self.cloud = seen if isinstance(seen, CloudStack) else None
        self.unseen = seen if isinstance(seen, ProviderError) else None
        self.now = timezone.now()

    async def go(self) -> Outcome:
        """Drive the stack one step further. Whoever claimed it writes the outcome back."""
        await let_go(self.stack, self.now)
        step = plan(facts_of(self.stack, self.cloud, self.now))
        outcome = await self._try(step)
        if self._ref != self.stack.ref:
            # A create whose answer was lost has gone through.
            outcome.fields.setdefault("ref", self._ref)
        return outcome

    async def _try(self, step: Step) -> Outcome:
        stack = self.stack
        try:
            return await self._carry_out(step)
        except Setback as setback:
            return failed(stack, setback.kind, str(setback))
        except ProviderError as error:
            if not step.last:
                return set_back(stack, step, error)
            over = time_is_over(stack, self.cloud, error, self.now)
            return failed(stack, over.kind, str(over))

    async def _carry_out(self, step: Step) -> Outcome:
        match step.do:
            case Do.WAIT:
                return await self._wait(step.phase)
            case Do.CREATE:
                return await self._create()
            case Do.LEARN:
                return await self._learn(step)
            case Do.PROBE:
                return await self._probe(step)
            case Do.SUSPEND | Do.RESUME | Do.DELETE:
                return await self._order(step)
            case Do.CLEAR:
                return self._clear()
            case Do.FORGET:
                return Outcome(phase=step.phase, fields={"ref": "", "launched_at": None, "progress": {}})
            case Do.BLAME_CREATE:
                self._blame()
            case Do.GIVE_UP:
                self._give_up()
            case Do.LOSE:
                self._lose()
        raise AssertionError(step)

    def _provider(self) -> Provider:
        found = providers().get(self.stack.provider)
        if isinstance(found, ProviderError):
            raise found
        return found

    @property
    def _ref(self) -> str:
        return self.stack.ref or (self.cloud.ref if self.cloud else "")

    @property
    def _kept(self) -> bool:
        return self.stack.error_kind == ErrorKind.UNREACHABLE

    # Waiting

    async def _wait(self, phase: Phase) -> Outcome:
        stack = self.stack
        if self.unseen:
            return self._wait_for_sight(phase, self.unseen)
        if phase == Phase.NEW and stack.launched_at:
            return Outcome(phase=phase, in_s=1)
        if phase != stack.phase:
            return Outcome(phase=phase, fields={"progress": {}})
        if phase == Phase.CREATING:
            return Outcome(phase=phase, fields=await self._progress())
        if phase == Phase.FAILED and stack.launched_at and not (stack.ready_at or self._kept):
            # What a failed create has left is on its way out, or not to be seen yet.
            going = self.cloud is not None and self.cloud.state == CloudState.DELETING
            return Outcome(phase=phase, in_s=1 if going else UNSEEN_IDLE_LOOK_S)
        return Outcome(phase=phase)

    def _wait_for_sight(self, phase: Phase, error: ProviderError) -> Outcome:
        stack = self.stack
        asked_s = (error.retry_after_s or 0) if isinstance(error, Transient) else 0
        look_s = UNSEEN_LOOK_S if phase in WAITED_FOR else UNSEEN_IDLE_LOOK_S
        if phase == Phase.FAILED:
            return Outcome(phase=phase, in_s=max(look_s, asked_s))
        fields: dict[str, Any] = {"error_message": str(error)}
        if phase != stack.phase:
            fields["progress"] = {}
        return Outcome(phase=phase, fields=fields, in_s=max(look_s, asked_s), note=news(stack, str(error)))

    async def _progress(self) -> dict[str, Any]:
        """How far the machines are, now and then. It is only to be told: nothing waits for it or fails by it."""
        elapsed_s = int((self.now - self.stack.phase_since).total_seconds())
        if elapsed_s % PROGRESS_EVERY_S != 1:
            return {}
        try:
            async with asyncio.timeout(PROGRESS_TIMEOUT_S):
                progress = await self._provider().progress(self._ref)
        except (ProviderError, TimeoutError):
            return {}
        return {"progress": {"done": progress.done, "total": progress.total}}

    # Orders

    async def _order(self, step: Step) -> Outcome:
        """Give an order to the cloud. One that must be given again is given less and less often."""
        stack, provider = self.stack, self._provider()
        orders = {Do.SUSPEND: provider.suspend, Do.RESUME: provider.resume, Do.DELETE: provider.delete}
        await orders[step.do](self._ref)
        if step.phase != stack.phase:
            return Outcome(phase=step.phase, fields={"progress": {}})
        again = {"progress": {}, "attempts": stack.attempts + 1}
        return Outcome(phase=step.phase, fields=again, in_s=backoff_s(stack.attempts))

    async def _create(self) -> Outcome:
        """Order the stack at the first place that takes it."""
        stack, began = self.stack, time.monotonic()
        found, refused = await places(stack)
        # Each attempt begins one place further, so that one that lets us wait keeps nobody from the next.
        first = stack.attempts % len(found) if found else 0
        for place in found[first:] + found[:first]:
            if time.monotonic() - began > LAST_ORDER_AFTER_S:
                break
            try:
                if not await take(stack, place, timezone.now()):
                    return Outcome(phase=Phase.NEW)
                ref = await place.provider.create(await launch_order(stack, place.blueprint))
            except (ProviderFull, Transient) as error:
                refused.append(error)
                await leave(stack)
                continue
            except AuthorMistake:
                await leave(stack)
                raise
            return Outcome(phase=Phase.CREATING, fields={"ref": ref, "progress": {}}, note=f"at {place.name}")
        raise _no_place(refused)

    # A running stack

    async def _learn(self, step: Step) -> Outcome:
        """Read what the running stack tells, then ask its hosts at once."""
        stack = self.stack
        outputs = await self._provider().outputs(self._ref)
        fields: dict[str, Any] = {
            "address": outputs.address,
            "port_offset": outputs.port_offset,
            "host_keys": outputs.host_keys or stack.host_keys,
        }
        if outputs.secrets:
            # Newer ones win, but an output that has gone missing takes nothing away.
            try:
                fields["sealed_secrets"] = seal({**stack.secrets, **outputs.secrets})
            except SecretsUnreadable as error:
                raise Transient(str(error)) from error
        for name, value in fields.items():
            setattr(stack, name, value)
        probed = await self._probe(step)
        probed.fields = {**fields, **probed.fields}
        return probed

    async def _probe(self, step: Step) -> Outcome:
        """See whether every host answers; when all do, the lab is up."""
        stack = self.stack
        asked = (
            answers(stack.address, probe["port"] + stack.port_offset, probe["kind"], timeout_s=PROBE_TIMEOUT_S)
            for probe in stack.probes
        )
        answered = await asyncio.gather(*asked)
        progress = {"answering": sum(answered), "of": len(answered)}
        if all(answered):
            ready = {"ready_at": stack.ready_at or timezone.now(), "error_kind": "", "error_message": ""}
            return Outcome(phase=Phase.UP, fields={"progress": progress, **ready})
        if step.last:
            self._give_up()
        return Outcome(phase=step.phase, fields={"progress": progress})

    # Endings

    def _clear(self) -> Outcome:
        stack = self.stack
        bare: dict[str, Any] = {
            "ref": "",
            "provider": "",
            "launched_at": None,
            "address": "",
            "progress": {},
            "sealed_secrets": "",
            "ready_at": None,
            "host_keys": "",
            "error_kind": "",
            "error_message": "",
        }
        if stack.goal == Goal.GONE and stack.generation >= stack.wanted_generation:
            return Outcome(phase=Phase.GONE, fields=bare)
        bare["generation"] = max(stack.wanted_generation, stack.generation + 1)
        return Outcome(phase=Phase.NEW, fields=bare, in_s=0)

    def _blame(self) -> NoReturn:
        reason = self.cloud.reason if self.cloud else ""
        kind = ERROR_KIND_OF.get(self._provider().failure_kind(reason), ErrorKind.TRANSIENT)
        raise Setback(kind, f"{self.stack.provider}: {reason or 'the stack failed without a reason'}")

    def _lose(self) -> NoReturn:
        where = f"{self.stack.name} is not at {self.stack.provider} any more"
        raise Setback(ErrorKind.LOST, f"{where}: it was deleted there. Only a new lab can be started.")

    def _give_up(self) -> NoReturn:
        raise time_is_over(self.stack, self.cloud, self.unseen or self.stack.error_message, self.now)


def _no_place(refused: list[ProviderError]) -> Exception:
    reasons = " ".join(str(error) for error in refused)
    if any(isinstance(error, ProviderFull) for error in refused):
        return Setback(ErrorKind.FULL, reasons)
    if all(isinstance(error, NoSuchProvider) for error in refused):
        return Setback(ErrorKind.TRANSIENT, reasons)
    return Transient(reasons, max((getattr(error, "retry_after_s", None) or 0 for error in refused), default=0))
