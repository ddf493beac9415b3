"""Numbered output: nothing that was not drawn is lost, nothing piles up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hastexo_lab.gateway.ring import SEARCHED, Ring

WINDOW, RECENT = 100, 60
WRITE = st.binary(max_size=80)
STEPS = st.lists(st.one_of(WRITE, st.integers(-5, 400)), max_size=60)


@given(STEPS)
def test_whatever_is_written_and_credited_the_rest_can_be_read_byte_for_byte(steps: list[bytes | int]) -> None:
    ring, written, credited = Ring(WINDOW, RECENT), b"", 0
    for step in steps:
        if isinstance(step, int):
            news = min(step, len(written)) > credited
            assert ring.credit(step) is news
            credited = max(credited, min(step, len(written)))
        elif ring.room:
            ring.append(step)
            written += step
        assert ring.end == len(written)
        assert ring.room is (len(written) - credited < WINDOW)
        assert ring.start <= max(0, min(credited, ring.end - RECENT))
        assert ring.read(ring.start, 10_000) == written[ring.start :]
        assert ring.end - ring.start <= max(RECENT, len(written) - credited)
        assert ring.end - ring.start <= WINDOW + 80


@given(STEPS, st.integers(0, 500), st.integers(1, 50))
def test_it_is_read_in_pieces_from_any_offset_that_is_kept(
    steps: list[bytes | int], offset: int, most: int
) -> None:
    ring, written = Ring(1 << 20, RECENT), b""
    for step in steps:
        if isinstance(step, int):
            ring.credit(step)
        else:
            ring.append(step)
            written += step
    if not ring.start <= offset <= ring.end:
        with pytest.raises(IndexError):
            ring.read(offset, most)
        return
    read = b""
    while piece := ring.read(offset + len(read), most):
        assert len(piece) <= most
        read += piece
    assert read == written[offset:]


def test_a_viewer_who_comes_early_reads_everything() -> None:
    ring = Ring(WINDOW, RECENT)
    ring.append(b"one\ntwo\n")
    assert ring.read(ring.join(), 100) == b"one\ntwo\n"


def test_a_viewer_who_comes_later_begins_with_a_line() -> None:
    ring = Ring(WINDOW, RECENT)
    for _ in range(20):
        ring.append(b"\x1b[1mten bytes\n")
        ring.credit(ring.end)
    seen = ring.read(ring.join(), 100)
    assert seen.startswith(b"\x1b[1mten bytes\n")
    assert len(seen) <= RECENT


def test_where_there_is_no_line_a_viewer_begins_anywhere() -> None:
    ring = Ring(10 * SEARCHED, 2 * SEARCHED)
    ring.append(b"x" * 5 * SEARCHED)
    assert ring.end - ring.join() == 2 * SEARCHED
