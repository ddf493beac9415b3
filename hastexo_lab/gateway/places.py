"""Where a door leads to: from a spent ticket to an address and what opens it.

A ticket with a stack leads into that lab. A ticket with a `place` is a foreign project's: the function that the
setting `place_hook` names says where that is, or that this visitor may not go there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from django.utils.module_loading import import_string

from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Stack
from hastexo_lab.tickets import Ticket


@dataclass(frozen=True, kw_only=True)
class Place:
    """One machine's door, and what opens it.

    `private_key` is PEM. `host_keys` holds lines as of known_hosts or of a `.pub` file, and only such a host is
    entered. Where it is blank, the first key that is met under the name `pin` is the one to meet from then on.
    """

    address: str
    port: int
    protocol: str = "ssh"
    login: str = ""
    private_key: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    host_keys: str = ""
    pin: str = ""


Hook = Callable[[Ticket], Place | None]


def of_stack(ticket: Ticket, stack: Stack) -> Place:
    """The lab's. Raises secretbox.SecretsUnreadable."""
    secrets = stack.secrets
    return Place(
        address=stack.address,
        port=ticket.port + stack.port_offset,
        protocol=ticket.protocol,
        login=ticket.login,
        private_key=str(secrets.get("private_key", "")),
        password=str(secrets.get("password", "")),
        host_keys=stack.host_keys,
        pin=f"stack/{stack.key}/{stack.generation}",
    )


def of_hook(ticket: Ticket) -> Place | None:
    """What the project's hook says; None: this visitor may not go there. Raises whatever the hook raises.

    A place without a `pin` is pinned by its name in the ticket.
    """
    path = lab_settings().place_hook
    hook: Hook | None = import_string(path) if path else None
    place = hook(ticket) if hook else None
    if place is None or place.pin:
        return place
    return replace(place, pin=f"place/{ticket.place}")
