"""Every form of OLX reads, what is wrong is named, and the way out and back loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import fs.memoryfs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from workbench.runtime import ID_MANAGER, WorkbenchRuntime

from hastexo_lab.block import check, olx
from hastexo_lab.block.olx import OlxFault

BlockOf = Callable[..., Any]
OPTION = 'xmlns:option="http://code.edx.org/xblock/option"'

ROWS = """
  <!-- a remark -->
  <hook_events suspend="True" resume="True" delete="False"/>
  <port name="server1" number="3389"/>
  <port name="server2" number="3390" protocol="vnc"/>
  <provider name="one" capacity="20" template="hot1.yaml" environment="env1.yaml"/>
  <provider name="two" capacity="0"/>
  <test><![CDATA[#!/bin/sh
test 1 -gt 0 >&2
]]></test>
"""
YAML = """
  <option:hook_events>{suspend: true, resume: true}</option:hook_events>
  <option:ports>
    - name: server1
      number: 3389
    - name: server2
      number: "3390"
      protocol: vnc
  </option:ports>
  <option:providers>
    - name: one
      capacity: 20
      template: hot1.yaml
      environment: env1.yaml
    - name: two
      capacity: 0
  </option:providers>
  <option:tests><![CDATA[
    - |
      #!/bin/sh
      test 1 -gt 0 >&2
  ]]></option:tests>
"""
EXPECTED = {
    "hook_events": {"suspend": True, "resume": True, "delete": False},
    "ports": [{"name": "server1", "number": 3389}, {"name": "server2", "number": 3390, "protocol": "vnc"}],
    "providers": [
        {"name": "one", "capacity": 20, "template": "hot1.yaml", "environment": "env1.yaml"},
        {"name": "two", "capacity": 0},
    ],
    "tests": ["#!/bin/sh\ntest 1 -gt 0 >&2\n"],
    "stack_user_name": "training",
    "stack_protocol": "rdp",
}


def facts(block: Any, names: Any = EXPECTED) -> dict[str, Any]:
    return {name: getattr(block, name) for name in names}


@pytest.mark.parametrize("tag", ["hastexo_lab", "hastexo", "stackamole"])
@pytest.mark.parametrize(("form", "more"), [(ROWS, ""), (YAML, OPTION)], ids=["inline", "option"])
def test_each_form_reads_the_same_under_each_tag(block_of: BlockOf, tag: str, form: str, more: str) -> None:
    block = block_of(f'<{tag} {more} stack_user_name="training" stack_protocol="rdp">{form}</{tag}>')
    assert facts(block) == EXPECTED


POINTERS = {
    "filename": ('<{tag} filename="lab1" stack_user_name="training" stack_protocol="rdp"/>', "{tag}/lab1.xml", ""),
    "filename in a folder": (
        '<{tag} url_name="week1:lab1" filename="lab1" stack_user_name="training" stack_protocol="rdp"/>',
        "{tag}/week1/lab1.xml",
        "",
    ),
    "url_name alone": (
        '<{tag} url_name="lab1"/>',
        "{tag}/lab1.xml",
        'stack_user_name="training" stack_protocol="rdp"',
    ),
}


@pytest.mark.parametrize("tag", ["hastexo", "stackamole", "hastexo_lab"])
@pytest.mark.parametrize("pointer", POINTERS)
def test_a_pointer_reads_its_file(db: Any, course_files: Any, pointer: str, tag: str) -> None:
    node, path, attributes = (part.format(tag=tag) for part in POINTERS[pointer])
    assert facts(parse(node, {path: f"<{tag} {attributes}>{ROWS}</{tag}>"})) == EXPECTED


def parse(xml: str, course: dict[str, str]) -> Any:
    runtime = WorkbenchRuntime("learner")
    runtime.resources_fs = fs.memoryfs.MemoryFS()
    for path, text in course.items():
        runtime.resources_fs.makedirs(path.rpartition("/")[0], recreate=True)
        runtime.resources_fs.writetext(path, text)
    ID_MANAGER.set_scenario("pointer")
    return runtime.get_block(runtime.parse_xml_string(xml))


def test_blocks_inside_a_pointer_and_inside_its_file_are_both_children(db: Any, course_files: Any) -> None:
    block = parse(
        '<hastexo filename="x"><html_demo>outside</html_demo></hastexo>',
        {"hastexo/x.xml": "<hastexo><html_demo>inside</html_demo></hastexo>"},
    )
    assert [child.content for child in block.get_children()] == ["inside", "outside"]


@pytest.mark.parametrize(
    ("node", "course", "says"),
    [
        ('<hastexo filename="gone"/>', {}, "hastexo/gone.xml"),
        ('<hastexo filename="../../etc/passwd"/>', {}, "../../etc/passwd"),
        ('<hastexo filename="x"/>', {"hastexo/x.xml": "<hastexo>"}, "hastexo/x.xml is not XML"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_named(
    db: Any, course_files: Any, node: str, course: dict[str, str], says: str
) -> None:
    with pytest.raises(OlxFault, match=says.replace(".", r"\.")):
        parse(node, course)


def test_a_bare_url_name_without_a_file_is_an_empty_lab(db: Any, course_files: Any) -> None:
    assert parse('<hastexo url_name="abc"/>', {}).stack_user_name == ""


def test_the_file_of_a_pointer_reads_no_other_file(db: Any, course_files: Any) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><hastexo><test>&a;</test></hastexo>'
    assert parse('<hastexo filename="x"/>', {"hastexo/x.xml": bomb}).tests == [""]


@pytest.mark.parametrize("capacity", ["", 'capacity=""', 'capacity="None"', 'capacity="-1"'])
def test_no_capacity_is_no_limit(block_of: BlockOf, capacity: str) -> None:
    assert block_of(more=f'<provider name="one" {capacity}/>').providers == [{"name": "one", "capacity": -1}]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('resume="True" suspend="true"', {"suspend": True, "resume": True, "delete": True}),
        ('suspend="false" resume="False"', {"suspend": False, "resume": False, "delete": True}),
        ('suspend="0" resume="no" delete="off"', {"suspend": False, "resume": False, "delete": False}),
    ],
)
def test_a_hook_event_that_its_element_does_not_name_is_on(
    block_of: BlockOf, attributes: str, expected: dict[str, bool]
) -> None:
    assert block_of(more=f"<hook_events {attributes}/>").hook_events == expected


@pytest.mark.parametrize("protocol", ["", 'protocol=""', 'protocol="None"'])
def test_no_protocol_is_the_labs(block_of: BlockOf, protocol: str) -> None:
    assert block_of(more=f'<port name="web" number="22" {protocol}/>').ports == [{"name": "web", "number": 22}]


@pytest.mark.parametrize(
    ("attribute", "inner"), [('terminal="guacamole"', ""), ("", "<option:terminal>guacamole</option:terminal>")]
)
def test_the_terminal_is_chosen_by_attribute_or_option(block_of: BlockOf, attribute: str, inner: str) -> None:
    assert block_of(f"<hastexo_lab {OPTION} {attribute}>{inner}</hastexo_lab>").terminal == "guacamole"


def test_what_upstream_exports_for_unset_fields_is_unset(block_of: BlockOf) -> None:
    block = block_of(
        '<hastexo launch_timeout="" suspend_timeout="120" delete_age="" stack_key_type="" read_only="False" '
        'enable_fullscreen="inherit" hook_script="" show_feedback="True" weight="1" provider="north"/>'
    )
    assert (block.launch_timeout, block.suspend_timeout, block.delete_age, block.read_only, block.provider) == (
        None, 120, None, False, "north",
    )  # fmt: skip


LAUGHS = "[&amp;a [x,x,x,x,x,x,x,x,x,x]" + "".join(
    f", &amp;{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 10)}]" for i in range(9)
)


@pytest.mark.parametrize(
    ("inner", "says"),
    [
        ('<port number="22"/>', "The port 22 has no name"),
        ('<port name="web"/>', 'port "web" has no number'),
        ('<port name="web" number=""/>', 'port "web" has no number'),
        ('<port name="web" number="0"/>', 'port "web" has the number 0'),
        ('<port name="web" number="70000"/>', 'port "web" has the number 70000'),
        ('<port name="web" number="ssh"/>', 'port "web" has the number ssh'),
        ('<port name="web" number="22" protocol="telnet"/>', 'port "web" has the protocol telnet. Use one of: ssh'),
        ("<option:ports>[{name: web, number: 22, protocol: [ssh]}]</option:ports>", 'port "web" has the protocol'),
        ('<provider capacity="1"/>', "A provider has no name"),
        ('<provider name="one" capacity="many"/>', 'provider "one" has the capacity many'),
        ('<provider name="one" capacity="-2"/>', 'provider "one" has the capacity -2'),
        ('<hook_events sleep="true"/>', 'names "sleep"'),
        ('<hook_events suspend="perhaps"/>', 'suspend="perhaps"'),
        ("<option:ports>web: 22</option:ports>", "ports is dict, not a list"),
        ("<option:ports>- 22</option:ports>", "ports holds 22"),
        ("<option:providers>hello</option:providers>", "providers is str, not a list"),
        ("<option:tests>- 1</option:tests>", "A test is int, not text"),
        ("<option:hook_events>[suspend]</option:hook_events>", "hook_events is list"),
        ("<option:ports>\n\t- name: web</option:ports>", "Line 2 is indented with a tab"),
        ("<option:ports>- {name: web</option:ports>", "is not YAML"),
        (f"<option:tests>{LAUGHS}]</option:tests>", "too large or too deeply nested"),
        ("<option:tests>&amp;a [*a]</option:tests>", "too large or too deeply nested"),
        (f"<option:tests>{'[' * 10000}</option:tests>", "too large or too deeply nested"),
        ("<option:launch_timeout>soon</option:launch_timeout>", 'launch_timeout="soon"'),
        (f"<option:weight>{'[' * 2000}</option:weight>", "weight="),
    ],
)
def test_what_cannot_be_read_is_named(block_of: BlockOf, inner: str, says: str) -> None:
    with pytest.raises(OlxFault) as raised:
        block_of(f"<hastexo_lab {OPTION}>{inner}</hastexo_lab>")
    assert says in str(raised.value)


def exported(block: Any) -> bytes:
    out = BytesIO()
    block.runtime.export_to_xml(block, out)
    return out.getvalue()


def test_export_is_readable_and_always_the_same(block_of: BlockOf) -> None:
    block = block_of(f'<hastexo stack_user_name="u" suspend_timeout="60">{ROWS}<html_demo>Hi</html_demo></hastexo>')
    first = exported(block)
    again = block_of(first.decode().split("?>", 1)[1])
    assert exported(again) == first
    root = etree.fromstring(first)
    assert [child.tag for child in root] == [
        "hook_events", "port", "port", "provider", "provider", "test", "html_demo",
    ]  # fmt: skip
    assert b"<![CDATA[#!/bin/sh\ntest 1 -gt 0 >&2\n]]>" in first


def test_export_keeps_what_elements_cannot_hold(block_of: BlockOf) -> None:
    block = block_of()
    block.tests = ["bell \x07"]
    block.ports = [{"number": 22}]
    root = etree.fromstring(exported(block))
    assert root.get("tests") == '[\n  "bell \\u0007"\n]'
    assert '"number": 22' in root.get("ports", "")


legal = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r ]>&'\"")
)
named = legal.filter(lambda text: bool(text.strip()))
# "None" and "" mean "not given" in the OLX of old courses.
path = named.filter(lambda text: text != "None")
seconds = st.none() | st.integers(0, check.MAX_SECONDS)
VALUES = st.fixed_dictionaries(
    {
        "display_name": legal,
        "weight": st.floats(0, 1e5, allow_nan=False),
        "lab_name": legal,
        "stack_user_name": legal,
        "stack_protocol": st.sampled_from(olx.PROTOCOLS),
        "terminal": st.sampled_from(check.TERMINALS),
        "stack_template_path": st.none() | legal,
        "stack_key_type": st.sampled_from(check.KEY_TYPES),
        "launch_timeout": seconds,
        "suspend_timeout": seconds,
        "delete_age": seconds,
        "hook_script": legal,
        "hook_events": st.none() | st.fixed_dictionaries({name: st.booleans() for name in olx.HOOK_EVENTS}),
        "ports": st.lists(
            st.fixed_dictionaries(
                {"name": named, "number": st.integers(1, 65535)},
                optional={"protocol": st.sampled_from(olx.PROTOCOLS)},
            ),
            max_size=3,
        ),
        "providers": st.lists(
            st.fixed_dictionaries(
                {"name": named, "capacity": st.integers(-1, 1000)}, optional={"template": path, "environment": path}
            ),
            max_size=3,
        ),
        "provider": legal,
        "tests": st.lists(legal, max_size=3),
        "read_only": st.booleans(),
        "hidden": st.booleans(),
        "enable_fullscreen": st.sampled_from(check.FULLSCREEN),
        "instructions_layout": st.sampled_from(check.LAYOUTS),
        "progress_check_label": legal,
        "progress_check_result_heading": legal,
        "show_feedback": st.booleans(),
        "show_hints_on_error": st.booleans(),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=VALUES)
def test_every_field_comes_back_as_it_was(block_of: BlockOf, values: dict[str, Any]) -> None:
    block = block_of("<hastexo_lab/>")
    for name, value in values.items():
        setattr(block, name, value)
    first = exported(block)
    again = block_of(first.decode().split("?>", 1)[1])
    assert facts(again, values) == values
    assert exported(again) == first


def test_the_property_covers_every_field_of_the_block(block_of: BlockOf) -> None:
    own = {name for name, field in type(block_of()).fields.items()} - {"name", "tags", "parent", "children"}
    assert own == set(check.CHECKS) | {"provider"}
