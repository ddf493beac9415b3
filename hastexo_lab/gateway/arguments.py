"""What guacd is told of a lab: connection arguments by name, from the database and the ticket only.

What is not in ALLOWED is never sent: no recording, typescript, drive, file transfer, gateway or wake-on-LAN
(CVE-2021-43999 and kin: a path or a host that a user could choose).
"""

from __future__ import annotations

from typing import Any

from hastexo_lab.models import Stack
from hastexo_lab.tickets import Ticket

COMMON = frozenset(["hostname", "port", "password", "read-only"])
ALLOWED = {
    "ssh": COMMON | {"username", "private-key", "font-name", "font-size", "color-scheme", "server-alive-interval"},
    "vnc": COMMON | {"clipboard-encoding"},
    "rdp": COMMON | {"username", "security", "ignore-cert", "resize-method", "disable-audio"},
}

# The window's own colours (frontend: --hl-term-*), the cursor and the sixteen included.
COLORS = "foreground: rgb:d7/df/e8; background: rgb:0e/14/1b"


def _ssh(ticket: Ticket, secrets: dict[str, Any]) -> dict[str, str]:
    """A private key where there is one, else the password, else guacd asks in the terminal."""
    key = secrets.get("private_key", "")
    return {
        "username": ticket.login,
        "private-key": key,
        "password": "" if key else secrets.get("password", ""),
        "font-name": "monospace",
        "font-size": "12",
        "color-scheme": COLORS,
        # guacd 1.3 may miss the end of a shell until it next speaks to the lab.
        "server-alive-interval": "2",
    }


def _vnc(ticket: Ticket, secrets: dict[str, Any]) -> dict[str, str]:
    return {"password": secrets.get("password", ""), "clipboard-encoding": "UTF-8"}


def _rdp(ticket: Ticket, secrets: dict[str, Any]) -> dict[str, str]:
    """A lab's certificate is its own, made at launch: there is nothing to check it against."""
    return {
        "username": ticket.login,
        "password": secrets.get("password", ""),
        "security": "any",
        "ignore-cert": "true",
        "resize-method": "display-update",
        "disable-audio": "true",
    }


_OF = {"ssh": _ssh, "vnc": _vnc, "rdp": _rdp}


def arguments(ticket: Ticket, stack: Stack) -> dict[str, str]:
    """Connection arguments by name. Raises KeyError for an unknown protocol, secretbox.SecretsUnreadable."""
    told = _OF[ticket.protocol](ticket, stack.secrets)
    told |= {"hostname": stack.address, "port": str(ticket.port + stack.port_offset)}
    if ticket.read_only:
        told["read-only"] = "true"
    return {name: str(value) for name, value in told.items() if name in ALLOWED[ticket.protocol]}
