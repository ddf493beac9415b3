"""The local provider's template: YAML of our own, checked so that a mistake names its field and its remedy.

hosts:                     1 to 8 hosts; the first is the one behind `public_ip`
  - name: web              [a-z][a-z0-9-]*, at most 32 characters
    desktop: both          optional: vnc, rdp or both
    port: 22               its SSH port on the stack's address; 22 for the first, required for the others
    vnc_port: 5900         optional
    rdp_port: 3389         optional
    files:                 optional small files in the home
      welcome.txt: Hello
boot_s: 0                  optional: seconds until the hosts answer
create_s: 0                optional: seconds that the create takes
fail: create               optional fault: create, suspend or resume
reason: No such image      optional: why it fails
public_ip: true            optional: false shows a template without this output
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from hastexo_lab.providers.base import AuthorMistake

MAX_TEMPLATE = 64 * 1024  # characters
MAX_HOSTS = 8
MAX_WAIT_S = 600
_HOST_KEYS = ("name", "desktop", "port", "vnc_port", "rdp_port", "files")
_STACK_KEYS = ("hosts", "boot_s", "create_s", "fail", "reason", "public_ip")
_HOST_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_FILE_NAME = re.compile(r"(?!\.{1,2}(/|$))[\w.-]+(/(?!\.{1,2}(/|$))[\w.-]+){0,3}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class HostSpec:
    """One host. `desktop` is "", "vnc", "rdp" or "both"."""

    name: str
    port: int
    desktop: str = ""
    vnc_port: int = 5900
    rdp_port: int = 3389
    files: dict[str, str] = field(default_factory=dict)

    @property
    def ports(self) -> tuple[int, ...]:
        """All that listen on the stack's address for this host. RDP comes by way of VNC."""
        return (
            self.port,
            *((self.vnc_port,) if self.desktop else ()),
            *((self.rdp_port,) if self.desktop in ("rdp", "both") else ()),
        )


@dataclass(frozen=True, kw_only=True)
class StackSpec:
    """What a template asks for. Times in seconds; `fail` is "", "create", "suspend" or "resume"."""

    hosts: tuple[HostSpec, ...]
    boot_s: float = 0
    create_s: float = 0
    fail: str = ""
    reason: str = ""
    public_ip: bool = True

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(port for host in self.hosts for port in host.ports)


def read_template(text: str) -> StackSpec:
    """What the template asks for. Raises AuthorMistake."""
    given = _mapping("", _load(text), _STACK_KEYS)
    hosts = given.get("hosts")
    if not isinstance(hosts, list) or not 1 <= len(hosts) <= MAX_HOSTS:
        raise _wrong("hosts", hosts, f'give a list of 1 to {MAX_HOSTS} hosts, each with a "name"')
    spec = StackSpec(
        hosts=tuple(_host(number, host) for number, host in enumerate(hosts)),
        boot_s=_seconds("boot_s", given.get("boot_s", 0)),
        create_s=_seconds("create_s", given.get("create_s", 0)),
        fail=_choice("fail", given.get("fail", ""), ("create", "suspend", "resume")),
        reason=_text("reason", given.get("reason", "")),
        public_ip=_yes_no("public_ip", given.get("public_ip", True)),
    )
    _refuse_twins("name", [host.name for host in spec.hosts])
    _refuse_twins("port", spec.ports)
    return spec


class _Loader(yaml.SafeLoader):
    """YAML without aliases, which can make a small text huge, and without a key given twice."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise AuthorMistake("The template uses a YAML alias (*name): write the value out instead.")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        _refuse_twins("key", keys)
        return super().construct_mapping(node, deep)


def _load(text: str) -> Any:
    if len(text) > MAX_TEMPLATE:
        raise AuthorMistake(f"The template has {len(text)} characters; at most {MAX_TEMPLATE} are allowed.")
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f" in line {mark.line + 1}" if mark else ""
        tab = " Indent with spaces, not with tabs." if "'\\t'" in str(error.problem) else ""
        raise AuthorMistake(f"The template is not YAML: {error.problem}{at}.{tab}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise AuthorMistake(f"The template is not YAML: {type(error).__name__}.") from None


def _wrong(where: str, value: object, remedy: str) -> AuthorMistake:
    return AuthorMistake(f'The template\'s "{where}" is {str(value)[:80]!r}: {remedy}.')


def _mapping(where: str, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where or "top level", value, f"give a mapping with {', '.join(known)}")
    for key in value:
        if key not in known:
            raise AuthorMistake(
                f"The template has an unknown key {str(key)[:80]!r}{f' in {where}' if where else ''}: "
                f"remove it or use one of {', '.join(known)}."
            )
    return value


def _host(number: int, value: Any) -> HostSpec:
    where = f"hosts[{number}]"
    given = _mapping(where, value, _HOST_KEYS)
    name = given.get("name")
    if not isinstance(name, str) or not _HOST_NAME.fullmatch(name):
        raise _wrong(f"{where}.name", name, "give 1 to 32 of a-z, 0-9 and -, a letter first")
    if number and "port" not in given:
        raise _wrong(f"{where}.port", None, "give each further host an SSH port of its own, such as 2202")
    return HostSpec(
        name=name,
        port=_port(f"{where}.port", given.get("port", 22), lowest=1),
        desktop=_choice(f"{where}.desktop", given.get("desktop", ""), ("vnc", "rdp", "both")),
        vnc_port=_port(f"{where}.vnc_port", given.get("vnc_port", 5900)),
        rdp_port=_port(f"{where}.rdp_port", given.get("rdp_port", 3389)),
        files=_files(f"{where}.files", given.get("files", {})),
    )


def _port(where: str, value: Any, lowest: int = 1024) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= 45535:
        raise _wrong(where, value, f"give a port from {lowest} to 45535")
    return value


def _seconds(where: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= MAX_WAIT_S:
        raise _wrong(where, value, f"give seconds from 0 to {MAX_WAIT_S}")
    return float(value)


def _choice(where: str, value: Any, known: tuple[str, ...]) -> str:
    if value and value not in known:
        raise _wrong(where, value, f"give one of {', '.join(known)}, or leave it out")
    return str(value or "")


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 500:
        raise _wrong(where, value, "give a text of at most 500 characters")
    return value


def _yes_no(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, value, "give true or false")
    return value


def _files(where: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > 50:
        raise _wrong(where, value, "give a mapping of at most 50 file names to texts")
    for name, text in value.items():
        if not isinstance(name, str) or not _FILE_NAME.fullmatch(name) or len(name) > 200:
            raise _wrong(where, name, "give file names of letters, digits, '.', '_' and '-' inside the home")
        if not isinstance(text, str):
            raise _wrong(f"{where}.{name}", text, "give a text; quote what looks like a number")
    return dict(value)


def _refuse_twins(what: str, values: Any) -> None:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise AuthorMistake(f"The template gives the {what} {str(value)[:80]!r} twice: make each different.")
        seen.add(value)
