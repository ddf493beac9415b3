"""Where stacks live. `build` makes a provider from the site's settings."""

from __future__ import annotations

from typing import Any

from hastexo_lab.providers.base import Provider


class ProviderMisconfigured(Exception):
    """A provider's settings cannot work: the text names the provider, the key and the remedy."""


def build(name: str, config: dict[str, Any], *, site: str, workbench: bool = False) -> Provider:
    """The provider that `config` describes. Connects to nothing. Raises ProviderMisconfigured."""
    kind = config.get("type")
    if kind == "heat":
        from hastexo_lab.providers.heat import HeatProvider

        return HeatProvider(name, config, site=site)
    if kind == "local":
        from hastexo_lab.providers.local import LocalProvider

        if not workbench:
            raise ProviderMisconfigured(
                f'Provider "{name}" is local: it starts processes on this machine, so it runs only where the '
                'setting "workbench" is true.'
            )
        return LocalProvider(name, config, site=site)
    raise ProviderMisconfigured(f'Provider "{name}" has the type "{kind}"; it must be "heat" or "local".')
