"""Handlers take JSON by POST, and answer in JSON whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.block.fixtures import call

BlockOf = Callable[..., Any]
HANDLERS = ("enter", "status", "ticket", "reset", "submit_studio_edits")


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize(
    ("request_more", "data", "status"),
    [
        ({"method": "GET"}, None, 405),
        ({"content_type": "text/plain"}, None, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, None, 415),
        ({}, b"{", 400),
        ({}, b"\xff", 400),
        ({}, b"[]", 400),
        ({}, b"null", 400),
        ({}, b"[" * 100_000, 400),
    ],
)
def test_other_requests_are_refused_in_json(
    block_of: BlockOf, settings: Any, handler: str, request_more: Any, data: Any, status: int
) -> None:
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "workbench": True}
    answer = call(block_of(user="staff"), handler, data, **request_more)
    assert (answer.status_code, answer.content_type) == (status, "application/json")
    assert isinstance(answer.json["error"], str)
    if status == 405:
        assert answer.allow == ("POST",)
