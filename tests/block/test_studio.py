"""The author's form: every fault at once, with its field and remedy; nothing is set before all is sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from hastexo_lab.block import check, studio
from tests.block.fixtures import LAB, as_user, call

BlockOf = Callable[..., Any]
pytestmark = [pytest.mark.usefixtures("in_studio"), pytest.mark.urls("workbench.urls")]

LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 10)) for i in range(9)
)
FILES = {
    "tabs.yaml": b"outputs:\n\tpublic_ip: 1\n",
    "laughs.yaml": LAUGHS,
    "list.yaml": b"- 1\n",
    "no_ip.yaml": b"heat_template_version: 2021-04-16\noutputs: {}\n",
    "large.sh": b"#" * 2 * 2**20,
    "fine.sh": b"#!/bin/sh\n",
}

FAULTS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"stack_user_name": ""}, {"stack_user_name": "Give the user that learners log in as"}),
    ({"stack_user_name": "lærner 🙂"}, {"stack_user_name": "Use letters from a to z"}),
    ({"stack_user_name": 7}, {"stack_user_name": "Give text."}),
    ({"stack_user_name": "-x"}, {"stack_user_name": "Use letters from a to z"}),
    ({"stack_protocol": "telnet"}, {"stack_protocol": "Choose one of: ssh, rdp, vnc."}),
    ({"stack_protocol": ["ssh"]}, {"stack_protocol": "Choose one of"}),
    ({"terminal": "xterm"}, {"terminal": "Choose one of: native, guacamole."}),
    ({"suspend_timeout": "-5"}, {"suspend_timeout": "Give 0 or more whole seconds. 0 means never."}),
    ({"launch_timeout": 1.5}, {"launch_timeout": "Give 0 or more whole seconds"}),
    ({"delete_age": "99999999999"}, {"delete_age": "Give 0 or more whole seconds"}),
    ({"delete_age": True}, {"delete_age": "Give 0 or more whole seconds"}),
    ({"delete_age": "٣"}, {"delete_age": "Give 0 or more whole seconds"}),
    ({"read_only": "false"}, {"read_only": "Choose yes or no."}),
    ({"display_name": "x" * 256}, {"display_name": "Give at most 255 characters."}),
    ({"display_name": "a\x00b"}, {"display_name": "without control characters"}),
    ({"ports": "web"}, {"ports": "Give a list."}),
    ({"ports": ["web"]}, {"ports.0": "Give a name with its values."}),
    ({"ports": [{"name": "web", "number": 0}]}, {"ports.0": "Use 1 to 65535."}),
    (
        {"ports": [{"name": "web", "number": "22"}, {"name": "db", "number": "70000"}]},
        {"ports.1": 'The port "db" has the number 70000. Use 1 to 65535.'},
    ),
    (
        {"ports": [{"name": "web", "number": "22"}, {"name": "web", "number": "23"}]},
        {"ports.1": '"web" is there twice. Give another name.'},
    ),
    (
        {"ports": [{"name": "pc", "number": "5901", "protocol": "telnet"}]},
        {"ports.0": 'The port "pc" has the protocol telnet. Use one of: ssh, rdp, vnc.'},
    ),
    ({"ports": [{"number": "22"}, {"name": "x"}]}, {"ports.0": "has no name", "ports.1": "has no number"}),
    ({"providers": [{"name": ""}]}, {"providers.0": "A provider has no name"}),
    ({"providers": [{"name": "n", "capacity": "some"}]}, {"providers.0": 'capacity some'}),
    ({"providers": [{"name": "n", "template": "x" * 300}]}, {"providers.0": "at most 255"}),
    ({"hook_events": {"sleep": True}}, {"hook_events": 'names "sleep"'}),
    ({"hook_events": "suspend"}, {"hook_events": "hook_events is str"}),
    ({"stack_template_path": ""}, {"stack_template_path": "Give the template that the lab is made from"}),
    (
        {"stack_template_path": "", "providers": [{"name": "a", "template": "lab.yaml"}, {"name": "b"}]},
        {"stack_template_path": 'Give a template here, or one of its own to "b".'},
    ),
    ({"stack_template_path": "tabs.yaml"}, {"stack_template_path": "Line 2 is indented with a tab"}),
    ({"stack_template_path": "laughs.yaml"}, {"stack_template_path": "too large or too deeply nested"}),
    ({"stack_template_path": "list.yaml"}, {"stack_template_path": "This is not a template"}),
    ({"stack_template_path": "no_ip.yaml"}, {"stack_template_path": 'The output "public_ip" is missing.'}),
    ({"hook_script": "large.sh"}, {"hook_script": "larger than 1048576 bytes"}),
    ({"providers": [{"name": "n", "template": "tabs.yaml"}]}, {"providers.0": "Line 2 is indented with a tab"}),
    ({"providers": [{"name": "n", "environment": "list.yaml"}]}, {"providers.0": "This is not an environment"}),
    ({"enable_fullscreen": None}, {"enable_fullscreen": "Choose one of"}),
    ({"parent": "x", "children": []}, {"parent": "no such field", "children": "no such field"}),
    (
        {"stack_user_name": "", "stack_protocol": "x", "delete_age": "-1", "display_name": "New"},
        {"stack_user_name": "Give the user", "stack_protocol": "Choose", "delete_age": "Give 0"},
    ),
]  # fmt: skip


@pytest.fixture
def block(block_of: BlockOf, course_files: Path) -> Any:
    for name, content in FILES.items():
        (course_files / name).write_bytes(content)
    return block_of(user="author", more='<port name="old" number="22"/>')


def stored(block: Any) -> dict[str, Any]:
    again = as_user(block, "author")
    return {name: getattr(again, name) for name in check.CHECKS}


@pytest.mark.parametrize(("given", "expected"), FAULTS)
def test_every_fault_has_its_field_and_remedy_and_nothing_is_set(
    block: Any, given: dict[str, Any], expected: dict[str, str]
) -> None:
    before = stored(block)
    answer = call(block, "submit_studio_edits", given)
    assert answer.status_code == 400
    told = {fault["field"]: fault for fault in answer.json["faults"]}
    assert told.keys() == expected.keys()
    for field, remedy in expected.items():
        assert remedy in told[field]["remedy"]
    assert answer.json["error"].endswith(f"{len(expected)}.")
    assert stored(block) == before


SOUND: dict[str, Any] = {
    "display_name": "Réseau 🙂 <b>",
    "lab_name": "net",
    "stack_template_path": "not-there-yet.yaml",
    "providers": [{"name": "n", "template": "", "environment": "", "capacity": ""}],
    "stack_user_name": "CORP\\jane.doe",
    "stack_protocol": "rdp",
    "terminal": "guacamole",
    "ports": [
        {"name": "web", "number": "22", "protocol": "ssh"},
        {"name": "db", "number": "2202", "protocol": ""},
    ],
    "read_only": True,
    "launch_timeout": "600",
    "suspend_timeout": "0",
    "delete_age": "",
    "hook_script": "fine.sh",
    "hook_events": {"suspend": True, "resume": False, "delete": True},
    "enable_fullscreen": "false",
    "hidden": True,
}
SAVED = {
    **SOUND,
    "providers": [{"name": "n", "capacity": -1}],
    "ports": [{"name": "web", "number": 22, "protocol": "ssh"}, {"name": "db", "number": 2202}],
    "launch_timeout": 600,
    "suspend_timeout": 0,
    "delete_age": None,
}


def test_a_sound_form_is_saved_whole(block: Any) -> None:
    assert set(SOUND) == set(studio.FIELDS)
    before = stored(block)
    answer = call(block, "submit_studio_edits", SOUND)
    assert (answer.status_code, answer.json) == (200, {"result": "success"})
    assert stored(block) == {**before, **SAVED}


def test_what_the_form_does_not_show_stays_as_it_was(block_of: BlockOf) -> None:
    block = block_of(
        LAB.replace("<hastexo_lab", '<hastexo_lab weight="3" instructions_layout="left"').format("<test>x</test>"),
        user="author",
    )
    assert call(block, "submit_studio_edits", {"display_name": "New"}).status_code == 200
    after = stored(block)
    assert (after["weight"], after["instructions_layout"], after["tests"]) == (3.0, "left", ["x"])


def test_the_old_single_provider_becomes_a_row_of_the_form(block_of: BlockOf) -> None:
    block = block_of(
        LAB.replace("<hastexo_lab", '<hastexo provider="north"').replace("</hastexo_lab", "</hastexo").format(""),
        user="author",
    )
    root = html.fromstring(block.studio_view().content)
    assert root.xpath('//*[@data-field="providers"]/ol//input[@name="name"]/@value') == ["north"]
    call(block, "submit_studio_edits", {"providers": []})
    assert as_user(block, "author").provider == ""


def test_the_form_shows_what_is_stored(block: Any) -> None:
    call(block, "submit_studio_edits", SOUND)
    root = html.fromstring(as_user(block, "author").studio_view().content)
    [title] = root.xpath('//input[@name="display_name"]/@value')
    assert title == SOUND["display_name"]
    assert root.xpath('//*[@data-field="ports"]/ol/li//input/@value') == ["web", "22", "db", "2202"]
    chosen = '//*[@data-field="ports"]/ol/li//select[@name="protocol"]/option[@selected]/@value'
    assert root.xpath(chosen) == ["ssh", ""]
    assert root.xpath('//select[@name="stack_protocol"]/option[@selected]/@value') == ["rdp"]
    assert root.xpath('//select[@name="terminal"]/option[@selected]/@value') == ["guacamole"]
    assert root.xpath('//*[@data-field="hook_events"]//input[@checked]/@name') == ["suspend", "delete"]
    assert root.xpath('//input[@name="read_only"]/@checked')
    fields = root.xpath("//*[@data-field]/@data-field")
    assert fields == list(studio.FIELDS)


def test_every_field_of_the_form_is_checked() -> None:
    assert set(studio.FIELDS) <= set(check.CHECKS)


def test_a_script_has_a_size(block: Any) -> None:
    values = {name: getattr(block, name) for name in check.CHECKS}
    faults = check.checked({**values, "tests": ["#" * (2 * 2**20), 7, "\x00", "#!/bin/sh"]})[1]
    assert [fault.field for fault in faults] == ["tests.0", "tests.1", "tests.2"]


def test_authors_read_which_hosts_are_terminals_and_which_are_desktops(block: Any) -> None:
    block.ports = [{"name": name, "number": 22} for name in ("web", "db")]
    assert str(studio.summary(block)[0]).endswith("opened as a terminal on web, db.")
    block.ports += [{"name": "desk", "number": 5900, "protocol": "vnc"}]
    assert str(studio.summary(block)[0]).endswith("opened as a terminal on web, db and a desktop on desk.")


@pytest.mark.parametrize(
    ("seconds", "said"), [(45, "45 s"), (90, "90 s"), (1200, "20 min"), (7200, "2 h"), (86400, "1 d"), (0, "never")]
)
def test_times_are_said_in_the_largest_whole_unit(block: Any, seconds: int, said: str) -> None:
    block.suspend_timeout = seconds
    assert said in " ".join(str(sentence) for sentence in studio.summary(block))
