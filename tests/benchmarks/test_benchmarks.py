"""The benchmarks' own parts: what they print can be read by machines, and what they measure with measures."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.rig import proc
from benchmarks.rig.bench import Plan, each_run
from benchmarks.rig.guacd import ECHO, running_fake
from benchmarks.rig.systems import Direct
from benchmarks.rig.wire import BINARY, PING, Dial, Link, frame, key, opened

ROOT = Path(__file__).parents[2]


class System:
    server = "here"

    def __init__(self, name):
        self.name = name


def test_rows_hold_median_and_range_of_all_runs():
    values = iter([3.0, 1.0, 2.0])
    rows = each_run(Plan(runs=3), [System("one")], ["small"], lambda _: {"small": {"mb_per_s": next(values)}})
    spread = {"median": 2.0, "min": 1.0, "max": 3.0}
    assert rows == [{"system": "one", "server": "here", "case": "small", "mb_per_s": spread}]


def test_a_peer_that_cannot_be_installed_is_a_row_with_the_reason():
    def once(system):
        if system.name == "away":
            raise results.Skipped("it is not in any registry")
        return {"small": {"mb_per_s": 1.0}}

    rows = each_run(Plan(runs=2), [System("away"), System("one")], ["small"], once)
    assert rows[0] == {"system": "away", "server": "here", "case": "small", "skipped": "it is not in any registry"}
    assert "mb_per_s" in rows[1]
    assert "skipped: it is not" in "\n".join(results.table(rows, {"mb_per_s": "MB a second"}))


def test_only_what_is_asked_for_is_measured():
    rows = each_run(
        Plan(runs=1, only=("b",)), [System("a"), System("b")], ["x"], lambda _: {"x": {"sessions": 1.0}}
    )
    assert [row["system"] for row in rows] == ["b"]


def test_the_table_compares_with_our_first_row():
    rows = [
        results.row("hastexo_lab", "uvicorn", "small", cpu_ms_per_mb=[2.0]),
        results.row("other", "node", "small", cpu_ms_per_mb=[30.0]),
    ]
    assert results.table(rows, {"cpu_ms_per_mb": "CPU"})[-1] == "| other | node | small | 30 (30 to 30), 15× |"


def test_a_benchmark_replaces_its_own_section_only(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FILE", tmp_path / "RESULTS.md")
    for name, line in (("one", "first"), ("two", "second"), ("one", "third")):
        results.note(name, f"./benchmarks/run {name}", [line])
    text = results.FILE.read_text()
    assert "first" not in text
    assert text.count("## one") == text.count("## two") == 1
    assert "second" in text
    assert "third" in text


def test_frames_are_read_wherever_they_are_cut_and_pings_are_answered(tmp_path):
    with running_fake(tmp_path) as port:
        link = Link(Dial(port=port))
        link.dial = Dial(port=port, path="/")
        said = []
        link._send = lambda opcode, payload: said.append((opcode, payload))
        stream = b"\x82\x03abc\x89\x02hi\x82\x7e\x00\x80" + b"d" * 128
        assert b"".join(link.payload(bytes([byte])) for byte in stream) == b"abc" + b"d" * 128
        assert said == [(PING + 1, b"hi")]
        link.sock.close()
    assert frame(BINARY, b"x" * 200)[:4] == b"\x82\xfe\x00\xc8"


def test_the_fake_guacd_answers_keys(tmp_path):
    with running_fake(tmp_path) as port, Direct().start(tmp_path, port) as proxy:
        link = opened(proxy.dials(1)[0])
        link.say(key(ECHO + 7))
        link.until(b"4.sync,8.10000007;", timeout_s=5)
        link.close()


def test_the_cost_of_a_process_and_its_children_is_seen():
    busy = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    process = subprocess.Popen([sys.executable, "-c", busy], start_new_session=True)
    try:
        end = time.monotonic() + 20
        while proc.cpu_ms(process.pid) < 300 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(proc.tree(process.pid)) == 2
        assert proc.cpu_ms(process.pid) >= 300
        assert proc.rss_kib(process.pid) > proc.rss_kib(proc.tree(process.pid)[1]) > 1000
    finally:
        os.killpg(process.pid, 9)
        process.wait()


@pytest.mark.timeout(60)
def test_the_last_line_is_the_rows():
    command = [sys.executable, "-m", "benchmarks", "latency", "--quick", "--json", "--only", "hastexo_lab"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["benchmark"] == "latency"
    ours = [row for row in told["rows"] if row["system"] == "hastexo_lab"]
    assert {row["server"] for row in ours} == {"uvicorn", "daphne"}
    for row in ours:
        assert 0 < row["echo_ms_p50"]["median"] <= row["echo_ms_p99"]["median"] < 1000
