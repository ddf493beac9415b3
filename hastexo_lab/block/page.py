"""HTML from our own templates, whatever template engines the site has. All text arrives translated."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from django.template import Context, Engine

FOLDER = Path(__file__).parent.parent / "templates" / "hastexo_lab"


@lru_cache(maxsize=1)
def _engine() -> Engine:
    cached = [("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])]
    return Engine(dirs=[str(FOLDER)], loaders=cached)


def html(template: str, **facts: Any) -> str:
    """The template `template` (a file name) with `facts`, each of them escaped."""
    return _engine().get_template(template).render(Context(facts))
