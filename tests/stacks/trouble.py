"""The local provider with trouble where a test asks for it. Everything else is real."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import Any

from hastexo_lab.providers.local import LocalProvider

CALLS = ("create", "observe", "observe_all", "suspend", "resume", "delete", "outputs", "progress")


class After(Exception):
    """The call is carried out, and then this error is all that comes back."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Troubled(LocalProvider):
    """`trouble[call]`: what happens at the next calls instead: an error, After(error), or seconds of silence.

    `always[call]`: what happens at each. `calls`: how often each was asked for.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trouble: dict[str, list[Exception | float]] = defaultdict(list)
        self.always: dict[str, Exception | float] = {}
        self.calls: Counter[str] = Counter()


def _troubled(name: str) -> Any:
    real = getattr(LocalProvider, name)

    async def call(self: Troubled, *args: Any) -> Any:
        self.calls[name] += 1
        what = self.trouble[name].pop(0) if self.trouble[name] else self.always.get(name)
        if isinstance(what, After):
            await real(self, *args)
            raise what.error
        if isinstance(what, Exception):
            raise what
        if what is not None:
            await asyncio.sleep(what)
        return await real(self, *args)

    return call


for _name in CALLS:
    setattr(Troubled, _name, _troubled(_name))
