"""A local stack's life: asleep and as it was, killed and back, ordered twice, deleted to the last process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest

from hastexo_lab.providers import ProviderMisconfigured, build
from hastexo_lab.providers.base import (
    AuthorMistake,
    CloudState,
    Launch,
    Lost,
    ProviderFull,
    Transient,
)
from hastexo_lab.providers.local import LocalProvider
from hastexo_lab.providers.local.processes import everything, look
from tests.providers.local_labs import WEB, Lab, becomes, strays

NewLab = Callable[..., Awaitable[Lab]]
ROOT = os.geteuid() == 0
COUNT = "i=0; while :; do i=$((i+1)); echo $i > count; sleep 0.02; done"


def number(file: Path) -> int:
    """What a counting loop has written last; it may just be writing."""
    try:
        return int(file.read_text() or 0)
    except FileNotFoundError:
        return 0


async def test_a_shell_sleeps_and_wakes_as_it_was(new_lab: NewLab) -> None:
    lab = await new_lab()
    async with await lab.ssh() as connection:
        shell = await connection.create_process(term_type="xterm")
        await shell.stdout.readuntil("$ ")
        shell.stdin.write(f"kept=yes; ({COUNT}) & disown\n")
        count = lab.home() / "count"
        await becomes(lambda: number(count) > 3)
        await lab.provider.suspend(lab.ref)
        assert await lab.state() == CloudState.SUSPENDED
        stopped_at = number(count)
        await asyncio.sleep(0.3)  # the time in which nothing may happen
        assert number(count) == stopped_at
        await lab.provider.resume(lab.ref)
        assert await lab.state() == CloudState.RUNNING
        await becomes(lambda: number(count) > stopped_at + 3)
        shell.stdin.write("echo kept=$kept > variable\n")
        await becomes((lab.home() / "variable").exists)
        assert (lab.home() / "variable").read_text() == "kept=yes\n"


async def test_a_job_in_the_foreground_goes_on_unnoticed(new_lab: NewLab) -> None:
    lab = await new_lab()
    async with await lab.ssh() as connection:
        shell = await connection.create_process(term_type="xterm")
        await shell.stdout.readuntil("$ ")
        shell.stdin.write(f"sh -c '{COUNT}'\n")
        await becomes(lambda: number(lab.home() / "count") > 1)
        for _ in range(3):
            await lab.provider.suspend(lab.ref)
            await lab.provider.resume(lab.ref)
        before = number(lab.home() / "count")
        await becomes(lambda: number(lab.home() / "count") > before + 3)
        shell.stdin.write("\x03")
        assert "Stopped" not in await shell.stdout.readuntil("learner@web:~$ ")


async def test_a_job_that_the_learner_stopped_stays_stopped(new_lab: NewLab) -> None:
    lab = await new_lab()
    async with await lab.ssh() as connection:
        shell = await connection.create_process(term_type="xterm")
        await shell.stdout.readuntil("$ ")
        shell.stdin.write(f"sh -c '{COUNT}'\n")
        await becomes(lambda: number(lab.home() / "count") > 1)
        shell.stdin.write("\x1a")
        await shell.stdout.readuntil("Stopped")
        await lab.provider.suspend(lab.ref)
        await lab.provider.resume(lab.ref)
        stopped_at = number(lab.home() / "count")
        await asyncio.sleep(0.2)  # the time in which nothing may happen
        assert number(lab.home() / "count") == stopped_at


async def test_a_sleeping_host_sends_no_ssh_banner(new_lab: NewLab) -> None:
    lab = await new_lab()
    await lab.answers(22)
    told = await lab.outputs()
    await lab.provider.suspend(lab.ref)
    reader, writer = await asyncio.open_connection(told.address, 22 + told.port_offset)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.3)
    await lab.provider.resume(lab.ref)
    assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"SSH-2.0-")
    writer.close()


async def test_orphans_sleep_too_and_are_deleted(new_lab: NewLab) -> None:
    lab = await new_lab()
    await lab.run(f"setsid -f sh -c '{COUNT}' >/dev/null 2>&1 </dev/null")
    await becomes(lambda: number(lab.home() / "count") > 1)
    await lab.provider.suspend(lab.ref)
    count = number(lab.home() / "count")
    await asyncio.sleep(0.2)  # the time in which nothing may happen
    assert number(lab.home() / "count") == count
    await lab.provider.resume(lab.ref)
    members = lab.folder.order().family.members(lab.folder.host())
    assert len(members) > 1
    await lab.provider.delete(lab.ref)
    assert not [p for p in members if look(p.pid)]
    assert not lab.folder.path.exists()


async def test_a_deletion_is_complete_though_processes_resist(new_lab: NewLab) -> None:
    lab = await new_lab()
    resist = "trap '' TERM HUP INT; (trap '' TERM HUP; while :; do sleep 0.01; done) & touch up; wait"
    await lab.run(f'setsid -f bash -c "{resist}" >/dev/null 2>&1 </dev/null; mkdir -p a/b; chmod 0 a/b a')
    await becomes((lab.home() / "up").exists)
    family, host = lab.folder.order().family, lab.folder.host()
    await lab.provider.delete(lab.ref)
    assert family.members(host) == []
    assert not lab.folder.path.exists()
    assert await lab.state() == CloudState.ABSENT


async def test_a_host_process_that_died_is_started_again_with_the_same_home_and_keys(new_lab: NewLab) -> None:
    lab = await new_lab()
    await lab.run(f"echo mine > kept; setsid -f sh -c '{COUNT}' >/dev/null 2>&1 </dev/null")
    before = await lab.outputs()
    host = lab.folder.host()
    assert host
    os.kill(host.pid, signal.SIGKILL)
    await lab.until(CloudState.RESUME_FAILED)
    with pytest.raises(Transient):
        await lab.provider.suspend(lab.ref)
    await lab.provider.resume(lab.ref)
    assert await lab.state() in (CloudState.RESUMING, CloudState.RUNNING)
    assert await lab.outputs() == before
    assert await lab.run("cat kept") == "mine\n"
    # Nothing of the life before is left.
    count = number(lab.home() / "count")
    await asyncio.sleep(0.2)
    assert number(lab.home() / "count") == count


async def test_a_host_process_that_died_before_it_was_up_is_a_failed_create(new_lab: NewLab) -> None:
    lab = await new_lab(template=WEB + "\ncreate_s: 100")
    host = await becomes(lab.folder.host)
    await becomes(lambda: not (lab.folder.path / "starting").exists())
    os.kill(host.pid, signal.SIGKILL)
    await lab.until(CloudState.CREATE_FAILED)


async def test_the_creator_may_be_killed(tmp_path: Path) -> None:
    root = tmp_path / "stacks"
    script = f"""
        import asyncio, os, signal, sys
        from hastexo_lab.providers.base import Launch
        from hastexo_lab.providers.local import LocalProvider
        provider = LocalProvider("here", {{"type": "local", "root": {str(root)!r}}}, site="test")
        print(asyncio.run(provider.create(Launch(name="lab", template={WEB!r}))), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    creator = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, check=False)
    assert creator.returncode == -signal.SIGKILL
    provider = LocalProvider("here", {"type": "local", "root": str(root)}, site="test")
    lab = Lab(provider, root, "lab", creator.stdout.decode().strip())
    try:
        assert await lab.run("echo alive") == "alive\n"
    finally:
        assert await provider.destroy_all() == 1


async def test_two_processes_that_create_at_once_make_one_stack(tmp_path: Path) -> None:
    root = tmp_path / "stacks"
    script = f"""
        import asyncio, sys
        from hastexo_lab.providers.base import Launch
        from hastexo_lab.providers.local import LocalProvider
        provider = LocalProvider("here", {{"type": "local", "root": {str(root)!r}}}, site="test")
        sys.stdin.readline()
        print(asyncio.run(provider.create(Launch(name="lab", template={WEB!r}))))
    """
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", textwrap.dedent(script)]
    creators = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    for creator in creators:
        assert creator.stdin
        creator.stdin.write("go\n")
        creator.stdin.flush()
    refs = {creator.communicate()[0].strip() for creator in creators}
    provider = LocalProvider("here", {"type": "local", "root": str(root)}, site="test")
    try:
        assert len(refs) == 1
        lab = Lab(provider, root, "lab", refs.pop())
        await lab.answers(22)
        assert list(await provider.observe_all()) == [lab.ref]
        hosts = await becomes(lambda: strays(root))
        assert hosts == [lab.folder.host().pid]
    finally:
        await provider.destroy_all()


async def test_a_creator_that_dies_before_the_start_is_caught_up_with(new_lab: NewLab) -> None:
    lab = await new_lab()
    await lab.provider.delete(lab.ref)
    folder, launch = lab.folder, Launch(name="lab", template=WEB)
    async with asyncio.timeout(10):
        lab.provider._write(folder, launch, lab.provider._checked(WEB))
        assert (await lab.provider.observe(folder.order().ref)).state == CloudState.CREATING
        lab.ref = await lab.provider.create(launch)
        await lab.until(CloudState.RUNNING)


@pytest.mark.parametrize("action", ["suspend", "resume"])
async def test_faults_on_purpose(new_lab: NewLab, action: str) -> None:
    lab = await new_lab(template=f"{WEB}\nfail: {action}\nreason: for the show")
    await lab.until(CloudState.RUNNING)
    await lab.provider.suspend(lab.ref)
    if action == "resume":
        assert await lab.state() == CloudState.SUSPENDED
        await lab.provider.resume(lab.ref)
    found = await lab.provider.observe(lab.ref)
    assert found.state == {"suspend": CloudState.SUSPEND_FAILED, "resume": CloudState.RESUME_FAILED}[action]
    assert "for the show" in found.reason
    assert lab.provider.failure_kind(found.reason) is Transient
    if action == "suspend":
        assert await lab.run("echo awake") == "awake\n"
        await lab.provider.resume(lab.ref)
        assert await lab.state() == CloudState.RUNNING


async def test_a_create_takes_its_time_and_then_the_boot(new_lab: NewLab) -> None:
    began = time.monotonic()
    two = "hosts: [{name: web}, {name: db, port: 2202}]\ncreate_s: 1\nboot_s: 1"
    lab = await new_lab(template=two)
    seen = set()
    while await lab.state() == CloudState.CREATING:
        progress = await lab.provider.progress(lab.ref)
        seen.add((progress.done, progress.total))
        await asyncio.sleep(0.02)
    assert seen == {(0, 2), (1, 2)}
    told = await lab.outputs()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(told.address, 22 + told.port_offset)
    await lab.run("true", port=2202)
    assert time.monotonic() - began > 2


async def test_a_create_that_is_over_its_time_fails(new_lab: NewLab) -> None:
    lab = await new_lab()
    launch = Launch(name="late", template=WEB + "\ncreate_s: 60", timeout_s=1)
    late = Lab(lab.provider, lab.root, "late", await lab.provider.create(launch))
    await late.until(CloudState.CREATE_FAILED)
    reason = (await lab.provider.observe(late.ref)).reason
    assert "timed out after 1 s" in reason
    assert lab.provider.failure_kind(reason) is Transient


async def test_a_port_that_the_machine_itself_holds_is_moved(new_lab: NewLab) -> None:
    with socket.socket() as everywhere:
        everywhere.bind(("0.0.0.0", 0))
        everywhere.listen()
        port = everywhere.getsockname()[1]
        if port > 45_000:
            port = next(p for p in range(30_000, 45_000) if _listen(everywhere, p))
        lab = await new_lab(template=f"hosts: [{{name: web, port: {port}}}]")
        assert (await lab.outputs()).port_offset == 20_000
        assert await lab.run("echo here", port=port) == "here\n"


def _listen(keep: socket.socket, port: int) -> bool:
    other = socket.socket()
    try:
        other.bind(("0.0.0.0", port))
        other.listen()
    except OSError:
        other.close()
        return False
    os.dup2(other.fileno(), keep.fileno())
    other.close()
    return True


async def test_addresses_run_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hastexo_lab.providers.local.provider._ADDRESSES", 1)
    provider = LocalProvider("here", {"type": "local", "root": str(tmp_path / "stacks")}, site="test")
    try:
        await provider.create(Launch(name="one", template=WEB))
        with pytest.raises(ProviderFull, match="loopback"):
            await provider.create(Launch(name="two", template=WEB))
    finally:
        await provider.destroy_all()


async def test_a_missing_desktop_is_told_at_once(new_lab: NewLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = await new_lab()
    monkeypatch.setattr("hastexo_lab.providers.local.machine.find_program", lambda name: None)
    with pytest.raises(AuthorMistake, match=r"Xvnc, openbox, xterm, xrdp.*system-packages"):
        await lab.provider.check("hosts: [{name: web, desktop: rdp}]", "")


@pytest.mark.parametrize("name", ["../up", ".hidden", "", "a/b", "x" * 256, "ü"])
async def test_a_name_never_leaves_the_root(new_lab: NewLab, name: str) -> None:
    lab = await new_lab()
    with pytest.raises(AuthorMistake):
        await lab.provider.create(Launch(name=name, template=WEB))
    assert (await lab.provider.observe(f"{name}:00000000")).state == CloudState.ABSENT
    with pytest.raises(Lost):
        await lab.provider.resume(f"{name}:00000000")
    await lab.provider.delete(f"{name}:00000000")


async def test_a_name_that_is_used_again_has_another_ref(new_lab: NewLab) -> None:
    lab = await new_lab()
    await lab.provider.delete(lab.ref)
    again = await new_lab()
    assert again.ref != lab.ref
    assert await lab.state() == CloudState.ABSENT
    await lab.provider.delete(lab.ref)
    assert await again.state() != CloudState.ABSENT


async def test_one_command_ends_all(new_lab: NewLab) -> None:
    one, two = await new_lab("one"), await new_lab("two")
    await one.run("setsid -f sleep 1000 >/dev/null 2>&1 </dev/null")
    await two.until(CloudState.RUNNING)
    await two.provider.suspend(two.ref)
    members = [p for lab in (one, two) for p in lab.folder.order().family.members(lab.folder.host())]
    command = [sys.executable, "-m", "hastexo_lab.providers.local", "--root", str(one.root), "--destroy-all"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == "2 stacks destroyed.\n"
    assert not [p for p in members if p.pid in everything()]
    assert await one.provider.observe_all() == {}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"first_address": "10.0.0.1"}, "loopback"),
        ({"first_address": "127.0.0.1"}, "loopback"),
        ({"first_address": "127.255.255.200"}, "loopback"),
        ({"first_address": "home"}, "loopback"),
        ({"folder": "/tmp"}, "unknown settings: folder"),
    ],
)
def test_settings_that_cannot_work_are_told(config: dict[str, str], says: str) -> None:
    with pytest.raises(ProviderMisconfigured, match=says):
        build("here", {"type": "local", **config}, site="test", workbench=True)
    with pytest.raises(ProviderMisconfigured, match="workbench"):
        build("here", {"type": "local"}, site="test")


async def test_an_asyncssh_client_may_be_any_user(new_lab: NewLab) -> None:
    lab = await new_lab()
    for user in ("training", "root", "ubuntu"):
        connection: asyncssh.SSHClientConnection = await lab.ssh(user=user)
        async with connection:
            assert (await connection.run("echo $USER")).stdout == "learner\n"
