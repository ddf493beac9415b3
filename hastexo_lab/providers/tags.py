"""Tags on a stack: ours, which site's, which generation's. At most 80 characters each, no comma."""

from __future__ import annotations

OURS = "hastexo-lab"


def site_tags(site: str) -> tuple[str, ...]:
    """What all stacks of a site carry."""
    return OURS, f"{OURS}-site={site}"


def tags(site: str, generation: int) -> tuple[str, ...]:
    """What one stack carries: `Launch.tags`."""
    return *site_tags(site), f"{OURS}-generation={generation}"
