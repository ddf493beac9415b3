"""From the block's fields to what is ordered for a learner: the hosts of the window and the lab itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _

from hastexo_lab.block import assets, check
from hastexo_lab.block.olx import HOOK_EVENTS
from hastexo_lab.block.visitor import Visitor, course_key
from hastexo_lab.block.words import AuthorTrouble, Fault, Sentence
from hastexo_lab.conf import lab_settings
from hastexo_lab.stacks.wishes import Candidate, LabOrder

log = logging.getLogger("hastexo_lab.block")

PORTS = {"ssh": 22, "rdp": 3389, "vnc": 5900}
KINDS = {"ssh": "terminal", "rdp": "desktop", "vnc": "desktop"}


@dataclass(frozen=True)
class Host:
    """One tab of the window. `port` is the author's: the stack's own offset is added at the gateway.

    `door`: the gateway's door that it is shown by, "shell" or "desktop" (where guacd draws it).
    """

    name: str
    port: int
    protocol: str
    door: str

    @property
    def kind(self) -> str:
        """What the window calls it: terminal or desktop."""
        return KINDS[self.protocol]


def field_values(block: Any) -> dict[str, Any]:
    """All that the author has set; `provider`, as old courses have it, read as the one row it stands for."""
    values = {name: getattr(block, name) for name in check.CHECKS}
    values["ports"] = values["ports"] or []
    values["tests"] = values["tests"] or []
    values["providers"] = values["providers"] or ([{"name": block.provider}] if block.provider else [])
    return values


def faults(block: Any) -> list[Fault]:
    """What keeps this block from being a lab, without a look at its files."""
    return check.checked(field_values(block))[1]


def _sound(block: Any) -> dict[str, Any]:
    clean, wrong = check.checked(field_values(block))
    if wrong:
        raise AuthorTrouble(Sentence(_("{field}: {remedy}"), field=wrong[0].field, remedy=wrong[0].remedy))
    return clean


def hosts(block: Any) -> list[Host]:
    """The tabs of the window, in the author's order; the index of one is all that a page may choose."""
    values = _sound(block)
    own = values["stack_protocol"]
    rows = values["ports"] or [{"name": "", "number": PORTS[own]}]
    return [_host(row["name"], row["number"], row.get("protocol", own), values["terminal"]) for row in rows]


def _host(name: str, port: int, protocol: str, terminal: str) -> Host:
    return Host(name, port, protocol, "shell" if (protocol, terminal) == ("ssh", "native") else "desktop")


def _templates(values: dict[str, Any]) -> list[str]:
    rows = [row for row in values["providers"] if row["capacity"]]
    own = values["stack_template_path"]
    return [row.get("template") or own for row in rows] or [own]


def lab_name(block: Any) -> str:
    """What tells this lab from the course's others: units with one name share it. Raises AuthorTrouble."""
    values = _sound(block)
    return str(values["lab_name"] or values["stack_template_path"] or _templates(values)[0])


def _file(block: Any, path: str, fault_of: Callable[[str], Sentence | None]) -> str:
    if not path:
        return ""
    text = assets.read(course_key(block), path)
    if wrong := fault_of(text):
        raise AuthorTrouble(Sentence(_('The file "{path}": {remedy}'), path=path, remedy=wrong))
    return text


def _candidate(block: Any, row: dict[str, Any], own: str) -> Candidate:
    return Candidate(
        provider=row["name"],
        capacity=row["capacity"],
        template=_file(block, row.get("template") or own, check.template_fault),
        environment=_file(block, row.get("environment", ""), check.environment_fault),
    )


def _candidates(block: Any, values: dict[str, Any]) -> tuple[Candidate, ...]:
    """One for each provider in use. One with a broken file is left out, unless there is no other."""
    rows = [row for row in values["providers"] if row["capacity"]]
    if values["providers"] and not rows:
        raise AuthorTrouble(Sentence(_("Every provider of this lab is off. Give one of them room for labs.")))
    found: list[Candidate] = []
    troubles: list[AuthorTrouble] = []
    for row in rows or [{"name": "", "capacity": -1}]:  # no name: the site's own order
        try:
            found.append(_candidate(block, row, values["stack_template_path"]))
        except AuthorTrouble as trouble:
            troubles.append(trouble)
            log.info("%s: provider %r is left out: %s", block.scope_ids.usage_id, row["name"], trouble)
    if not found:
        raise troubles[0]
    return tuple(found)


def _probes(block: Any) -> tuple[dict[str, Any], ...]:
    """The lab's own SSH always, since its scripts come in by it; and each port that a learner can open."""
    probes = {22: {"port": 22, "kind": "ssh", "name": ""}}
    for host in hosts(block):
        kind = "ssh" if host.port == 22 or host.protocol == "ssh" else "tcp"
        probes[host.port] = {"port": host.port, "kind": kind, "name": host.name}
    return tuple(probes.values())


def _hook_events(values: dict[str, Any]) -> tuple[str, ...]:
    if not values["hook_script"]:
        return ()
    chosen = values["hook_events"]
    return tuple(event for event in HOOK_EVENTS if chosen is None or chosen[event])


def _no_fault(text: str) -> Sentence | None:
    return None


def lab_order(block: Any, visitor: Visitor) -> LabOrder:
    """All that the workers need to know of this learner's lab. AuthorTrouble names the field or file."""
    values, site = _sound(block), lab_settings()

    def seconds(name: str) -> int:
        own: int | None = values[name]
        return getattr(site, name) if own is None else own

    return LabOrder(
        course_id=visitor.course_id,
        learner_id=visitor.user_id,
        learner_name=visitor.name[:255],
        lab=lab_name(block),
        candidates=_candidates(block, values),
        probes=_probes(block),
        hook_script=_file(block, values["hook_script"], _no_fault),
        hook_events=_hook_events(values),
        launch_timeout=seconds("launch_timeout"),
        suspend_timeout=seconds("suspend_timeout"),
        delete_age=seconds("delete_age"),
    )
