"""Whether a lab's hosts answer, asked from the outside."""

from __future__ import annotations

import asyncio
from typing import Literal

# RFC 4253, 4.2: the server's identification begins with this; other lines may come before it.
SSH_IDENTIFICATION = b"SSH-"
LINES_BEFORE_IDENTIFICATION = 20


async def answers(address: str, port: int, kind: Literal["ssh", "tcp"] = "ssh", *, timeout_s: float = 3) -> bool:
    """True if something accepts a connection there and, for "ssh", says that it speaks SSH.

    Never raises: an address or a port that cannot be does not answer.
    """
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(address, port, limit=4096)
            try:
                return kind == "tcp" or await _identifies(reader)
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, OverflowError):
        return False


async def _identifies(reader: asyncio.StreamReader) -> bool:
    for _ in range(LINES_BEFORE_IDENTIFICATION):
        line = await reader.readline()
        if line.startswith(SSH_IDENTIFICATION):
            return True
        if not line:
            break
    return False
