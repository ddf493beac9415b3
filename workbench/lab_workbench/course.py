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
    if not settings.COURSE:
        return
    for path in sorted(Path(settings.COURSE).glob("*.xml")):
        try:
            add_xml_scenario(path.stem, path.stem, path.read_text())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one lab, the others are shown
            log.error("%s is left out: %s", path, error)


def scenarios() -> dict[str, Scenario]:
    """Scenarios by name; the first call loads them."""
    found: dict[str, Scenario] = get_scenarios()
    _load_course()
    return found
