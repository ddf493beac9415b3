"""Secrets at rest: JSON objects sealed with the site's keys. The worker seals, worker and gateway open."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from hastexo_lab.conf import lab_settings


class SecretsUnreadable(Exception):
    """No key of this process opens these secrets: `secret_keys` (or SECRET_KEY) differs from the worker's."""


def _fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"hastexo_lab.secretbox").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def _box() -> MultiFernet:
    return MultiFernet([_fernet(key) for key in lab_settings().secret_keys or [settings.SECRET_KEY]])


def seal(secrets: dict[str, Any]) -> str:
    """A text that only the site's keys open. An empty object seals to ""."""
    return _box().encrypt(json.dumps(secrets).encode()).decode() if secrets else ""


def unseal(sealed: str) -> dict[str, Any]:
    """What was sealed. Raises SecretsUnreadable."""
    if not sealed:
        return {}
    try:
        opened: dict[str, Any] = json.loads(_box().decrypt(sealed.encode()))
    except InvalidToken:
        raise SecretsUnreadable("Stored secrets cannot be read: all processes need the same secret_keys.") from None
    return opened
