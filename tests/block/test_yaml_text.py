"""YAML within bounds: what is read, and what is refused before it unfolds."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hastexo_lab.block import yaml_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: [1, two]", {"a": [1, "two"]}),
        ("a: &x {b: 1}\nc: *x\n", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
    ],
)
def test_what_is_yaml_is_read(text: str, value: object) -> None:
    assert yaml_text.load(text) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a:\n\tb: 1", "Line 2 is indented with a tab"),
        ("a: b: c", "Line 1 is not YAML"),
        ("a: [", "is not YAML"),
        ("*a", "is"),
        ("!!python/object/apply:os.system [id]", "is not YAML"),
        ("a: \x01", "not YAML"),
        ("[" * 100, "too deeply nested"),
        ("&a [*a]", "too large"),
        ("x" * (yaml_text.MAX_CHARACTERS + 1), "longer than"),
        ("when: 2021-13-40", "cannot be read"),
    ],
)
def test_what_is_not_is_explained(text: str, says: str) -> None:
    with pytest.raises(yaml_text.YamlFault) as raised:
        yaml_text.load(text)
    assert says in str(raised.value)


def test_laughs_are_refused_at_once() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    began = time.monotonic()
    with pytest.raises(yaml_text.YamlFault):
        yaml_text.load("\n".join(rows))
    assert time.monotonic() - began < 1


@given(st.text())
def test_any_text_is_a_value_or_a_fault(text: str) -> None:
    with contextlib.suppress(yaml_text.YamlFault):
        yaml_text.load(text)
