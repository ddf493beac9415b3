"""The labs that are shown: xblock-sdk's scenarios, and those of the folder given with --course."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from workbench.scenarios import Scenario, add_xml_scenario, get_scenarios

log = logging.getLogger("lab_workbench")


@lru_cache(maxsize=1)
def _load_course() -> None:
    """One scenario for each *.xml; one that cannot be read is said and left out."""
    for path in _files():
        try:
            add_xml_scenario(path.stem, path.stem, path.read_text())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one lab, the others are shown
            log.error("%s is left out: %s", path, error)


def _files() -> list[Path]:
    return sorted(Path(settings.COURSE).glob("*.xml")) if settings.COURSE else []


def shown() -> list[tuple[str, str]]:
    """(name, title) of what the first page lists: the given folder's labs, or else ours and no other block's."""
    names = {path.stem for path in _files()}
    return [
        (name, scenario.description)
        for name, scenario in sorted(scenarios().items())
        if (name in names if settings.COURSE else name.split(".")[0] not in settings.EXCLUDED_XBLOCKS)
    ]


def scenarios() -> dict[str, Scenario]:
    """Scenarios by name; the first call loads them."""
    found: dict[str, Scenario] = get_scenarios()
    _load_course()
    return found
