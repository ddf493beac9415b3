"""OpenStack Heat as a provider: python-heatclient on one keystoneauth session, in a bounded pool of threads.

The pool is the only place with threads. Nothing here belongs to an event loop, so that one object serves the
loops of a process one after the other. Heat's errors are sorted in `heat_errors`, its words in `heat_words`.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import yaml
from heatclient import exc as heat
from heatclient.v1.actions import ActionManager
from heatclient.v1.resources import ResourceManager
from heatclient.v1.stacks import StackManager

from hastexo_lab.providers.base import (
    AuthorMistake,
    CloudStack,
    CloudState,
    Launch,
    Lost,
    Outputs,
    Progress,
    ProviderError,
    Transient,
    UnknownOutcome,
)
from hastexo_lab.providers.heat_errors import before_heat, classify_failure, fault, sort
from hastexo_lab.providers.heat_session import LONGEST_CALL_S, MAX_CONCURRENCY, connect
from hastexo_lab.providers.heat_words import observation, outputs_of, ref_of
from hastexo_lab.providers.tags import site_tags

T = TypeVar("T")

# How deep `progress` counts: a group of servers is one resource of the stack, its servers are one level down.
NESTED_DEPTH = 2
BUSY = {CloudState.CREATING, CloudState.SUSPENDING, CloudState.RESUMING, CloudState.DELETING}
ASLEEP = {CloudState.SUSPENDED, CloudState.SUSPENDING}
AWAKE = {CloudState.RUNNING, CloudState.RESUMING}


class HeatProvider:
    """A project in an OpenStack cloud. `config` is described in docs/providers.md.

    Raises ProviderMisconfigured for settings that cannot work, as far as that shows without connecting.
    A ref is "name/id", which Heat answers without a redirect.
    """

    def __init__(self, name: str, config: dict[str, Any], *, site: str) -> None:
        self.name = name
        self._tags = site_tags(site)
        self._timeout_s = float(config.get("timeout_s", LONGEST_CALL_S))
        self._http = connect(name, config)
        self._stacks = StackManager(self._http)
        self._actions = ActionManager(self._http)
        self._resources = ResourceManager(self._http)
        self._pool = ThreadPoolExecutor(
            int(config.get("max_concurrency", MAX_CONCURRENCY)), thread_name_prefix=f"heat-{name}"
        )

    def __repr__(self) -> str:
        return f"<HeatProvider {self.name}>"

    async def create(self, launch: Launch) -> str:
        """Order a stack and return its ref, "name/id"; see Provider."""
        return await self._call(lambda: self._create(launch), changes=True)

    async def observe(self, ref: str) -> CloudStack:
        """What the stack is now; see Provider."""
        try:
            return await self._call(lambda: self._observe(ref))
        except Lost:
            return CloudStack(ref=ref, name=ref.partition("/")[0], state=CloudState.ABSENT)

    async def observe_all(self) -> dict[str, CloudStack]:
        """All stacks with our site's tags, by ref; see Provider."""
        return await self._call(self._observe_all)

    async def suspend(self, ref: str) -> None:
        """Let the stack fall asleep; see Provider."""
        await self._call(lambda: self._suspend(ref), changes=True)

    async def resume(self, ref: str) -> None:
        """Wake the stack; see Provider.

        One that is SUSPEND_FAILED is ordered to sleep again instead: Heat wakes a stack only from there.
        """
        await self._call(lambda: self._resume(ref), changes=True)

    async def delete(self, ref: str) -> None:
        """Take the stack down; see Provider."""
        try:
            await self._call(lambda: self._stacks.delete(ref), changes=True)
        except Lost:
            return

    async def outputs(self, ref: str) -> Outputs:
        """What a running stack tells; see Provider."""
        return await self._call(lambda: self._outputs(ref))

    async def progress(self, ref: str) -> Progress:
        """Resources for which the action under way is complete, of all; see Provider."""
        return await self._call(lambda: self._progress(ref))

    async def check(self, template: str, environment: str) -> None:
        """Heat's validation and what it leaves out (parameters without value, `public_ip`); see Provider."""
        await self._call(lambda: self._check(template, environment))

    def failure_kind(self, reason: str) -> type[ProviderError]:
        """What kind of failure `reason` tells of; see Provider."""
        return classify_failure(reason)

    async def close(self) -> None:
        """Let go of connections. Calls that are under way end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._http.session.session.close()

    async def _call(self, work: Callable[[], T], *, changes: bool = False) -> T:
        """Do `work` in the pool; raises ProviderErrors only. `changes`: it may have worked when it fails."""
        asked = threading.Event()
        job = self._pool.submit(self._work, work, changes, asked)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.wrap_future(job)
        except TimeoutError:
            text = f'Heat of provider "{self.name}" did not answer within {self._timeout_s:g} s.'
            job.cancel()  # unless a thread has it already
            raise (UnknownOutcome if changes and asked.is_set() else Transient)(text) from None

    def _work(self, work: Callable[[], T], changes: bool, asked: threading.Event) -> T:
        try:
            self._http.session.get_auth_headers()
            self._http.get_endpoint()
        except Exception as error:
            raise before_heat(error, self.name) from error
        asked.set()
        try:
            return work()
        except Exception as error:
            raise sort(error, self.name, changes=changes) from error

    def _create(self, launch: Launch) -> str:
        order: dict[str, Any] = {
            "stack_name": launch.name,
            "template": launch.template,
            "environment": launch.environment,
            "parameters": launch.parameters,
            "disable_rollback": True,
            "timeout_mins": max(1, math.ceil(launch.timeout_s / 60)),
        }
        if launch.tags:
            order["tags"] = ",".join(launch.tags)
        try:
            return ref_of(launch.name, self._stacks.create(**order)["stack"]["id"])
        except heat.HTTPConflict as error:
            if fault(error)[0] != "StackExists":
                raise
        return self._adopt(launch)

    def _adopt(self, launch: Launch) -> str:
        try:
            found = self._observe(launch.name)
        except heat.HTTPNotFound:
            raise Transient(f"The stack {launch.name} was there and is gone: the name is free now.") from None
        if set(found.tags) != set(launch.tags):
            raise AuthorMistake(
                f'In the project of provider "{self.name}" there is a stack {launch.name} that is not ours: '
                "delete it or use another project."
            )
        if found.state in (CloudState.DELETING, CloudState.ABSENT):
            raise Transient(f"The stack {launch.name} is still being deleted.")
        return found.ref

    def _observe(self, ref: str) -> CloudStack:
        told = self._stacks.get(ref, resolve_outputs=False).to_dict()
        return observation(told, ref if "/" in ref else "")

    def _observe_all(self) -> dict[str, CloudStack]:
        seen: dict[str, CloudStack] = {}
        for stack in self._stacks.list(tags=",".join(self._tags)):
            try:
                found = observation(stack.to_dict())
            except Transient:
                continue
            if found.state != CloudState.ABSENT:  # Heat lists a stack as DELETE_COMPLETE for a moment
                seen[found.ref] = found
        return seen

    def _suspend(self, ref: str) -> None:
        if self._ready_for(ref, ASLEEP) is not None:
            self._actions.suspend(ref)

    def _resume(self, ref: str) -> None:
        state = self._ready_for(ref, AWAKE)
        if state == CloudState.SUSPEND_FAILED:
            self._actions.suspend(ref)
        elif state is not None:
            self._actions.resume(ref)

    def _ready_for(self, ref: str, wanted: set[CloudState]) -> CloudState | None:
        """The stable state from which an action may start; None if what is wanted is so, or under way.

        Heat from 26 on lets a new action silently take the place of one that runs: nothing is sent blindly.
        """
        found = self._observe(ref)
        if found.state in wanted:
            return None
        if found.state == CloudState.ABSENT:
            raise Lost(f"The stack {found.name} is deleted.")
        if found.state in BUSY:
            raise Transient(f"The stack {found.name} is {found.state}: nothing else can be asked of it now.")
        return found.state

    def _outputs(self, ref: str) -> Outputs:
        told = self._stacks.get(ref).to_dict()
        found = observation(told, ref)
        if found.state == CloudState.ABSENT:
            raise Lost(f"The stack {found.name} is deleted.")
        if found.state != CloudState.RUNNING:
            raise Transient(f"The stack {found.name} is {found.state}: it tells its outputs when it runs.")
        return outputs_of(told.get("outputs") or [])

    def _progress(self, ref: str) -> Progress:
        action = self._stacks.get(ref, resolve_outputs=False).action
        resources = self._resources.list(ref, nested_depth=NESTED_DEPTH)
        done = sum(resource.resource_status == f"{action}_COMPLETE" for resource in resources)
        return Progress(done=done, total=len(resources))

    def _check(self, template: str, environment: str) -> None:
        told = self._stacks.validate(template=template, environment=environment)
        given = told.get("Environment") or {}
        known = {*(given.get("parameters") or {}), *(given.get("parameter_defaults") or {})}
        for name, parameter in (told.get("Parameters") or {}).items():
            if "Default" not in parameter and name not in known:
                raise AuthorMistake(
                    f'The template\'s parameter "{name}" has no value: give it a default, or a value in the '
                    "environment."
                )
        if "public_ip" not in (yaml.safe_load(template).get("outputs") or {}):
            raise AuthorMistake('The template must have an output "public_ip" with the lab\'s address.')
