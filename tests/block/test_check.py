"""Templates and environments, as far as they are judged without a cloud. The form's table is in test_studio.py."""

from __future__ import annotations

import pytest

from hastexo_lab.block import check

HOT = "heat_template_version: 2021-04-16\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HOT + "outputs: {public_ip: {value: 192.0.2.1}}", None),
        ("hosts: [{name: web}]", None),
        ("", "not a template"),
        ("just words", "not a template"),
        (HOT, "public_ip"),
        (HOT + "outputs: [public_ip]", "public_ip"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_template_has_sections_and_an_address(text: str, says: str | None) -> None:
    found = check.template_fault(text)
    assert (found is None) if says is None else says in str(found)


@pytest.mark.parametrize(
    ("text", "says"), [("parameters: {}", None), ("", None), ("- 1", "not an environment"), ("a: [", "is not YAML")]
)
def test_an_environment_has_sections_or_nothing(text: str, says: str | None) -> None:
    found = check.environment_fault(text)
    assert (found is None) if says is None else says in str(found)


@pytest.mark.parametrize(
    ("value", "clean"), [("", None), (None, None), ("2.5", 2.5), (0, 0.0), ("many", "many"), (-1, -1), ([], [])]
)
def test_a_weight_is_a_number_from_0_up(value: object, clean: object) -> None:
    found, faults = check.CHECKS["weight"]("weight", value)
    assert (found, bool(faults)) == (clean, clean in ("many", -1, []))
