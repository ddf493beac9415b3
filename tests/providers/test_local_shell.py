"""What a learner, a hook and a gateway find on a local host."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest

from tests.providers.local_labs import Lab, becomes

NewLab = Callable[..., Awaitable[Lab]]
ROOT = os.geteuid() == 0


async def read_until(process: asyncssh.SSHClientProcess[str], text: str) -> str:
    """What a shell prints, up to and with `text`."""
    async with asyncio.timeout(20):
        return str(await process.stdout.readuntil(text))


async def test_a_shell_has_a_terminal_a_prompt_and_a_home(new_lab: NewLab) -> None:
    lab = await new_lab(template="hosts: [{name: web, files: {welcome.txt: Hello}}]")
    async with await lab.ssh() as connection:
        shell = await connection.create_process(term_type="xterm-256color", term_size=(100, 30))
        await read_until(shell, "learner@web:~$ ")
        shell.stdin.write("cat welcome.txt; echo; stty size; echo $TERM $USER $LOGNAME; cd /; tty\n")
        seen = await read_until(shell, "learner@web:/$ ")
        assert "Hello" in seen
        assert "30 100" in seen
        assert "xterm-256color learner learner" in seen
        assert "/dev/pts/" in seen
        shell.change_terminal_size(132, 43)
        shell.stdin.write("stty size\n")
        await read_until(shell, "43 132")
        shell.stdin.write("exit 7\n")
        assert (await shell.wait()).exit_status == 7


@pytest.mark.parametrize("ours", [signal.SIG_DFL, signal.SIG_IGN])
async def test_control_c_interrupts_whatever_it_does_to_the_workbench(
    new_lab: NewLab, ours: signal.Handlers
) -> None:
    before = signal.signal(signal.SIGINT, ours)
    try:
        lab = await new_lab()
    finally:
        signal.signal(signal.SIGINT, before)
    async with await lab.ssh() as connection:
        shell = await connection.create_process(term_type="xterm")
        await read_until(shell, "$ ")
        shell.stdin.write("sleep 1000; echo $((6*7))\n")
        await becomes(lambda: b"sleep 1000" in subprocess.check_output(["ps", "-eo", "args"]))
        shell.stdin.write("\x03")
        shell.stdin.write("echo $((6*7))\n")
        await read_until(shell, "42")


async def test_commands_give_their_output_errors_and_code(new_lab: NewLab) -> None:
    lab = await new_lab()
    async with await lab.ssh() as connection:
        done = await connection.run("cat; echo oops >&2; exit 3", input="line\n" * 100_000)
        assert (done.stdout, done.stderr, done.exit_status) == ("line\n" * 100_000, "oops\n", 3)
        done = await connection.run("kill -TERM $$")
        assert done.exit_signal
        assert done.exit_signal[0] == "TERM"


async def test_a_terminals_last_words_arrive_whole(new_lab: NewLab) -> None:
    lab = await new_lab()
    async with await lab.ssh() as connection:
        done = await connection.run("seq 100000; sleep 100 & exit", term_type="xterm")
        assert str(done.stdout).replace("\r", "").split("\n")[:100_000] == [str(n) for n in range(1, 100_001)]


async def test_what_runs_in_a_terminal_ends_with_the_connection(new_lab: NewLab) -> None:
    lab = await new_lab()
    async with await lab.ssh() as connection:
        shell = await connection.create_process(term_type="xterm")
        shell.stdin.write("echo $$ > pid\n")
        pid = await becomes(lambda: (lab.home() / "pid").exists() and (lab.home() / "pid").read_text().strip())
    await becomes(lambda: not Path("/proc", pid).exists())


async def test_the_password_lets_in_and_another_does_not(new_lab: NewLab) -> None:
    lab = await new_lab()
    password = (await lab.outputs()).secrets["password"]
    assert await lab.run("echo hi", password=password, client_keys=[]) == "hi\n"
    with pytest.raises(asyncssh.PermissionDenied):
        await lab.ssh(password=password[::-1] + "x", client_keys=[])
    with pytest.raises(asyncssh.PermissionDenied):
        await lab.ssh(client_keys=[asyncssh.generate_private_key("ssh-rsa")])


async def test_the_key_is_one_that_old_and_new_clients_read(new_lab: NewLab, tmp_path: Path) -> None:
    lab = await new_lab()
    await lab.answers(22)
    told = await lab.outputs()
    assert told.secrets["private_key"].startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    (tmp_path / "key").write_text(told.secrets["private_key"])
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "known").write_text(told.host_keys)
    for algorithms in ("ssh-rsa", "rsa-sha2-512"):
        options = {
            "UserKnownHostsFile": tmp_path / "known",
            "StrictHostKeyChecking": "yes",
            "PubkeyAcceptedAlgorithms": algorithms,
            "HostKeyAlgorithms": algorithms,
        }
        given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        command = ["ssh", "-F", "none", "-i", tmp_path / "key", "-p", str(22 + told.port_offset), *given]
        client = await asyncio.create_subprocess_exec(
            *map(str, command), f"any@{told.address}", "echo $HOME; whoami", stdout=asyncio.subprocess.PIPE
        )
        assert client.stdout
        said = (await client.stdout.read()).decode().split("\n")
        assert await client.wait() == 0
        assert said[0].endswith("/web")


async def test_files_are_copied_to_the_home(new_lab: NewLab) -> None:
    lab = await new_lab()
    async with await lab.ssh() as connection, connection.start_sftp_client() as sftp:
        async with sftp.open("notes.txt", "w") as file:
            await file.write("kept")
        assert "notes.txt" in await sftp.listdir(".")
    assert await lab.run("cat notes.txt") == "kept"


async def test_each_host_has_a_port_a_name_and_a_home(new_lab: NewLab) -> None:
    lab = await new_lab(template="hosts: [{name: web}, {name: db, port: 2202}, {name: app, port: 2203}]")
    for port, name in ((22, "web"), (2202, "db"), (2203, "app")):
        assert (await lab.run("echo $HOME; touch mark-$(basename $HOME)", port=port)).strip().endswith(name)
        assert (lab.home(name) / f"mark-{name}").exists()


async def test_two_labs_do_not_see_each_others_homes(new_lab: NewLab) -> None:
    one, two = await new_lab("one"), await new_lab("two")
    assert (await one.outputs()).address != (await two.outputs()).address
    await one.run("echo secret > mine; chmod 600 mine")
    assert await two.run("ls") == ""
    if ROOT:
        mine = one.home() / "mine"
        assert await two.run(f"cat {mine} 2>/dev/null || echo no") == "no\n"
        assert await two.run("id -u") != await one.run("id -u")


@pytest.mark.skipif(not ROOT, reason="only root can give its rights up")
async def test_root_gives_its_rights_up(new_lab: NewLab) -> None:
    lab = await new_lab()
    said = await lab.run("id -u; id -G; grep -E 'NoNewPrivs|CapEff|CapPrm' /proc/self/status; ulimit -u")
    uid, groups, *rest = said.split("\n")
    assert int(uid) > 1_900_000_000
    assert groups == uid
    assert {"CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "256"} <= set(rest)
    assert await lab.run("cat /etc/shadow 2>/dev/null || echo no") == "no\n"
    assert await lab.run(f"ls {lab.folder.path}/secrets.json 2>/dev/null || echo no") == "no\n"
    # The worker's environment may hold a cloud's password.
    assert "OS_" not in await lab.run("env")
    assert await lab.run(f"cat /proc/{lab.folder.host().pid}/environ 2>/dev/null || echo no") == "no\n"
