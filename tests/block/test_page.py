"""Our templates need no engine of the site's, and escape what they are given."""

from __future__ import annotations

from typing import Any

from hastexo_lab.block import page


def test_facts_are_escaped_whatever_engines_the_site_has(settings: Any) -> None:
    settings.TEMPLATES = []
    made = page.html("note.html", title="<i>", sentences=["a & b", "c"], faults=[{"label": "<u>", "remedy": "<s>"}])
    assert "&lt;i&gt;" in made
    assert "a &amp; b c" in made
    assert "<u>" not in made
    assert "<s>" not in made
