"""The providers of this process, built once from the settings. One that is misconfigured is skipped, and said."""

from __future__ import annotations

import logging
from typing import Any

from django.core.signals import setting_changed

from hastexo_lab.conf import lab_settings
from hastexo_lab.providers import ProviderMisconfigured, build
from hastexo_lab.providers.base import Provider, ProviderError, Transient

log = logging.getLogger("hastexo_lab.stacks")


class NoSuchProvider(Transient):
    """The provider is unknown here, misconfigured or off: trying it again will not help until somebody acts."""


class Providers:
    """The site's providers by name, each built when it is first asked for."""

    def __init__(self) -> None:
        self._built: dict[str, Provider | ProviderError] = {}

    def names(self) -> list[str]:
        """All names that the settings give, in the site's order."""
        return list(lab_settings().providers)

    def get(self, name: str) -> Provider | ProviderError:
        """The provider, or why there is none: an error to be treated as any other of that provider."""
        if name not in self._built:
            self._built[name] = self._build(name)
        return self._built[name]

    def _build(self, name: str) -> Provider | ProviderError:
        site = lab_settings()
        if name not in site.providers:
            known = ", ".join(site.providers) or "none"
            return NoSuchProvider(
                f'This site has no provider "{name}" (it has: {known}). Add it to the setting "providers".'
            )
        try:
            return build(name, site.providers[name], site=site.site, workbench=site.workbench)
        except ProviderMisconfigured as error:
            log.error("provider skipped name=%s reason=%s", name, error)
            return NoSuchProvider(str(error))


_providers = Providers()


def providers() -> Providers:
    """The providers of this process."""
    return _providers


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("XBLOCK_SETTINGS", "HASTEXO_LAB"):
        _providers._built.clear()


setting_changed.connect(_forget)
