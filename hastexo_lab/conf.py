"""The site's settings: defaults in code, merged at reading with what the operator sets.

Open edX operators set `XBLOCK_SETTINGS["hastexo_lab"]`; any other Django project sets `HASTEXO_LAB`.
Later wins: defaults, XBLOCK_SETTINGS, HASTEXO_LAB. All times are in seconds; 0 means never.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed


@dataclass(frozen=True, kw_only=True)
class LabSettings:
    """What a site can set. Shapes and units stand beside each name."""

    # Which site this is, for the names and tags of its stacks: [a-z0-9-], at most 20 characters.
    site: str = "site"
    # name → {"type": "heat" | "local", …}; the order is the default order of trying. See docs/providers.md.
    providers: dict[str, dict[str, Any]] = field(default_factory=dict)

    launch_timeout: int = 900
    resume_timeout: int = 300
    suspend_timeout: int = 1200
    delete_age: int = 60 * 86400
    idle_warning: int = 120

    # Where the browser finds the gateway: "" is the page's own origin, else "wss://labs.example.org".
    gateway_url: str = ""
    gateway_prefix: str = "/hastexo-lab/"
    # Further origins (scheme://host[:port]) whose pages may open a door, besides the gateway's own host.
    allowed_origins: list[str] = field(default_factory=list)
    ticket_lifetime: int = 30
    # A ticket is good only in the browser that holds this cookie's value; "" for a gateway on another host.
    ticket_cookie: str = "csrftoken"
    guacd_host: str = "127.0.0.1"
    guacd_port: int = 4822
    # How long a session is kept for a browser that has lost the network; 0 = not at all.
    hold_timeout: int = 120
    # Open doors: in one gateway process, and of one user in it; 0 = no limit.
    max_sessions: int = 5000
    max_sessions_per_user: int = 32
    max_message_bytes: int = 64 * 1024
    # For the page's first message and the lab's first answer; and for a page that says nothing at all. A hidden
    # page is woken once a minute only.
    handshake_timeout: int = 10
    silent_timeout: int = 150
    # How long a gateway that ends keeps its guacd sessions for another gateway to take over.
    drain_timeout: int = 10
    # What the course team may do in a learner's lab: "help" (and type), "watch", or "off".
    looking_in: str = "help"
    # Whether a lab may put text on the browser's clipboard (OSC 52; it can never read it): "write" or "off".
    shell_copy: str = "write"
    # For projects without our XBlock: the dotted path of a function that says where a ticket's place is.
    place_hook: str = ""

    # Seals tickets and secrets; the first of `secret_keys` seals, all of them open. Default: SECRET_KEY.
    secret_keys: list[str] = field(default_factory=list)
    # A folder that stands in for the course's files where there is no content store (workbench, tests).
    assets_root: str = ""
    # The local provider starts processes on this very machine: a workbench only.
    workbench: bool = False
    # The backend of django.tasks that wishes ring and `lab_worker` serves.
    task_backend: str = "default"
    # How many workers may tend stacks at once.
    worker_slots: int = 2


CHOICES = {"looking_in": ("help", "watch", "off"), "shell_copy": ("write", "off")}


@lru_cache(maxsize=1)
def lab_settings() -> LabSettings:
    """The site's settings as they are now.

    Raises ImproperlyConfigured, naming the key, for one that does not exist or has the wrong type or value.
    """
    values: dict[str, Any] = {}
    values.update(getattr(settings, "XBLOCK_SETTINGS", {}).get("hastexo_lab") or {})
    values.update(getattr(settings, "HASTEXO_LAB", {}))
    known = {f.name: f for f in fields(LabSettings)}
    defaults = LabSettings()
    for name, value in values.items():
        if name not in known:
            raise ImproperlyConfigured(f'hastexo_lab has no setting "{name}". Known: {", ".join(sorted(known))}.')
        wanted = type(getattr(defaults, name))
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise ImproperlyConfigured(
                f'hastexo_lab\'s setting "{name}" is a {type(value).__name__}; give a {wanted.__name__}.'
            )
        if name in CHOICES and value not in CHOICES[name]:
            known_values = ", ".join(f'"{choice}"' for choice in CHOICES[name])
            raise ImproperlyConfigured(f'hastexo_lab\'s setting "{name}" is "{value}"; give one of {known_values}.')
    return LabSettings(**values)


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("XBLOCK_SETTINGS", "HASTEXO_LAB"):
        lab_settings.cache_clear()


setting_changed.connect(_forget)
