"""What the window is told, as a table; and that it is never told more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from hastexo_lab.models import Blueprint, Stack
from hastexo_lab.stacks.story import window_state

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NOTHING = {
    "phase": "new",
    "steps": [],
    "done": None,
    "total": None,
    "elapsed": 0,
    "typical": 0,
    "sleep_after": 1200,
    "idle": None,
    "visitors": [],
    "wakes": False,
    "kept_until": None,
    "gone_reason": "",
    "failure": None,
}
TYPICAL = {"launch_s": 61.4, "wake_s": 8.2, "sleep_s": 3.6}


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def row(**so) -> Stack:
    blueprint = Blueprint(sha256="x", template="t", **TYPICAL)
    so = {"phase_since": ago(5), "active_at": ago(60), "blueprint": blueprint, **so}
    return Stack(lab="lab", course_id="c", learner_id="7", **so)


def steps(*each: tuple) -> list[dict]:
    return [{"step": step, "is": so, **(more[0] if more else {})} for step, so, *more in each]


DONE_3 = {"done": 3, "total": 7}
ANSWERED_2 = {"done": 2, "total": 3}
WAITING_FOR_ALL = {"answering": 2, "of": 3}


@pytest.mark.parametrize(
    ("so", "told"),
    [
        ({"phase": "new", "blueprint": None}, {"elapsed": 5}),
        ({"phase": "queued", "blueprint": None}, {"elapsed": 5}),
        (
            {"phase": "creating", "launched_at": ago(20), "progress": DONE_3},
            {
                "elapsed": 20,
                "typical": 61,
                "done": 3,
                "total": 7,
                "steps": steps(("place", "done"), ("machines", "now", DONE_3), ("answer", ""), ("open", "")),
            },
        ),
        (
            {"phase": "booting", "launched_at": ago(20), "progress": WAITING_FOR_ALL},
            {
                "elapsed": 20,
                "typical": 61,
                "steps": steps(
                    ("place", "done"),
                    ("machines", "done"),
                    ("answer", "now", ANSWERED_2),
                    ("open", ""),
                ),
            },
        ),
        ({"phase": "up", "progress": WAITING_FOR_ALL}, {"elapsed": 5, "typical": 4}),
        ({"phase": "suspending", "goal": "asleep"}, {"elapsed": 5, "typical": 4}),
        ({"phase": "suspending", "goal": "up"}, {"elapsed": 5, "typical": 4, "wakes": True}),
        (
            {"phase": "asleep", "goal": "asleep", "delete_age": 86400},
            {"elapsed": 5, "typical": 8, "kept_until": "2026-11-22T08:59:00+00:00"},
        ),
        ({"phase": "asleep", "goal": "asleep", "delete_age": 0}, {"elapsed": 5, "typical": 8}),
        (
            {"phase": "resuming", "progress": {}},
            {"elapsed": 5, "typical": 8, "steps": steps(("wake", "now"), ("answer", ""), ("open", ""))},
        ),
        (
            {"phase": "resuming", "progress": WAITING_FOR_ALL},
            {
                "elapsed": 5,
                "typical": 8,
                "steps": steps(("wake", "done"), ("answer", "now", ANSWERED_2), ("open", "")),
            },
        ),
        ({"phase": "deleting", "gone_reason": "age"}, {"elapsed": 5, "typical": 61}),
        ({"phase": "gone", "gone_reason": "age", "blueprint": None}, {"elapsed": 5, "gone_reason": "age"}),
        (
            {"phase": "failed", "error_kind": "full", "error_reference": "ABCD-EFGH", "error_at": ago(5)},
            {
                "elapsed": 5,
                "typical": 61,
                "failure": {"kind": "full", "reference": "ABCD-EFGH", "at": "2026-11-21T08:59:55+00:00"},
            },
        ),
        # A failure of before is not told any more.
        ({"phase": "up", "error_message": "m", "gone_reason": "age"}, {"elapsed": 5, "typical": 4}),
    ],
)
def test_the_story_of_each_phase(so, told):
    state = window_state(row(**so), NOW)
    assert state == {**NOTHING, "phase": so["phase"], **told}
    assert json.loads(json.dumps(state)) == state


@pytest.mark.parametrize(
    ("so", "idle"),
    [
        ({"active_at": ago(1079)}, None),
        ({"active_at": ago(1080)}, {"left": 120, "of": 120}),
        ({"active_at": ago(1199)}, {"left": 1, "of": 120}),
        ({"active_at": ago(5000)}, {"left": 0, "of": 120}),
        ({"active_at": ago(-3600)}, None),
        ({"active_at": ago(5000), "suspend_timeout": 0}, None),
        ({"active_at": ago(5000), "phase": "asleep"}, None),
        ({"active_at": ago(6), "suspend_timeout": 10}, {"left": 4, "of": 5}),
    ],
)
def test_sleep_is_announced(so, idle):
    assert window_state(row(**{"phase": "up", **so}), NOW)["idle"] == idle


def test_the_learner_is_told_who_looks_in_and_those_who_look_in_are_not():
    ann = {"name": "Ann", "read_only": True}
    assert window_state(row(phase="up"), NOW, visitors=[ann])["visitors"] == [ann]
    assert window_state(row(phase="up"), NOW, visitors=[ann], looks_in=True)["visitors"] == []


@pytest.mark.parametrize("looks_in", [False, True])
def test_sleep_is_not_announced_while_somebody_looks_in(looks_in):
    idle = row(phase="up", active_at=ago(1199))
    assert window_state(idle, NOW, looks_in=looks_in, visitors=[{"name": "Ann", "read_only": True}])["idle"] is None


def test_only_staff_are_told_the_cause():
    failed = row(phase="failed", error_kind="author", error_message="no such image")
    assert "no such image" not in json.dumps(window_state(failed, NOW))
    assert window_state(failed, NOW, staff=True)["failure"]["staff"] == "no such image"


def test_nothing_is_told_that_is_not_on_the_list():
    full = row(
        phase="up",
        address="192.0.2.7",
        sealed_secrets="sealed",
        host_keys="keys",
        provider="cloud",
        ref="hl/1",
        lease_token="w.1",
    )
    told = json.dumps(window_state(full, NOW, staff=True))
    for hidden in ("192.0.2.7", "sealed", "keys", "cloud", "hl/1", "w.1"):
        assert hidden not in told


def test_where_there_has_never_been_a_lab():
    state = window_state(Stack(), datetime.now(UTC))
    assert {**state, "elapsed": 0} == NOTHING


def test_a_clock_that_was_set_back_shows_no_negative_time():
    assert window_state(row(phase="resuming", phase_since=ago(-30)), NOW)["elapsed"] == 0
