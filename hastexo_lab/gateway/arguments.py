"""What guacd is told of a lab: connection arguments by name, from its place and the ticket only.

What is not in ALLOWED is never sent: no recording, typescript, drive, file transfer, gateway or wake-on-LAN
(CVE-2021-43999 and kin: a path or a host that a user could choose).
"""

from __future__ import annotations

from hastexo_lab.gateway.places import Place

COMMON = frozenset(["hostname", "port", "password", "read-only"])
ALLOWED = {
    "ssh": COMMON | {"username", "private-key", "font-name", "font-size", "color-scheme", "server-alive-interval"},
    "vnc": COMMON | {"clipboard-encoding"},
    "rdp": COMMON | {"username", "security", "ignore-cert", "resize-method", "disable-audio"},
}

# The window's own colours (frontend: --hl-term-*), the cursor and the sixteen included.
COLORS = "foreground: rgb:d7/df/e8; background: rgb:0e/14/1b"


def _ssh(place: Place) -> dict[str, str]:
    """A private key where there is one, else the password, else guacd asks in the terminal."""
    return {
        "username": place.login,
        "private-key": place.private_key,
        "password": "" if place.private_key else place.password,
        "font-name": "monospace",
        "font-size": "12",
        "color-scheme": COLORS,
        # guacd 1.3 may miss the end of a shell until it next speaks to the lab.
        "server-alive-interval": "2",
    }


def _vnc(place: Place) -> dict[str, str]:
    return {"password": place.password, "clipboard-encoding": "UTF-8"}


def _rdp(place: Place) -> dict[str, str]:
    """A lab's certificate is its own, made at launch: there is nothing to check it against."""
    return {
        "username": place.login,
        "password": place.password,
        "security": "any",
        "ignore-cert": "true",
        "resize-method": "display-update",
        "disable-audio": "true",
    }


_OF = {"ssh": _ssh, "vnc": _vnc, "rdp": _rdp}


def arguments(place: Place, *, read_only: bool) -> dict[str, str]:
    """Connection arguments by name. Raises KeyError for an unknown protocol."""
    told = _OF[place.protocol](place) | {"hostname": place.address, "port": str(place.port)} | rights(read_only)
    return {name: value for name, value in told.items() if name in ALLOWED[place.protocol]}


def rights(read_only: bool) -> dict[str, str]:
    """All that guacd is told of who joins a connection that is open already."""
    return {"read-only": "true"} if read_only else {}
