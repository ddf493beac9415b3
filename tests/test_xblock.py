"""The block's views and handlers in xblock-sdk's runtime, on a real database: who may do what and gets what."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sample_xblocks.basic
from django.utils import timezone
from sample_xblocks.basic.content import HtmlBlock
from workbench.runtime import ID_MANAGER, WorkbenchRuntime
from xblock.core import XBlock

from hastexo_lab import tickets
from hastexo_lab.models import Bell, Blueprint, Phase, Stack
from hastexo_lab.xblock import LabXBlock
from tests.block.fixtures import LAB, TEMPLATE, as_user, call
from tests.block.services import IDS, PEOPLE

pytestmark = pytest.mark.urls("workbench.urls")

BlockOf = Callable[..., Any]
HANDLERS = ("enter", "status", "ticket", "reset")  # labs: tests/block/test_looking.py
LEARNER = str(IDS["learner"])


def stack_up(block: Any, **more: Any) -> Stack:
    """The visitor's stack, as a worker would leave it."""
    call(block, "enter")
    Stack.objects.update(phase=Phase.UP, phase_since=timezone.now(), **more)
    return Stack.objects.get()


# Who may do what

LMS_RIGHTS = {"nobody": 401, "stranger": 403, "learner": 200, "other": 200, "staff": 200, "author": 403}
STUDIO_RIGHTS = {"nobody": 401, "stranger": 403, "learner": 403, "other": 403, "staff": 403, "author": 200}


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("who", PEOPLE)
def test_in_the_lms_learners_of_the_course_and_its_team_use_labs(block_of: BlockOf, who: str, handler: str) -> None:
    rights_hold(block_of(user=who), handler, LMS_RIGHTS[who])


@pytest.mark.usefixtures("in_studio")
@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("who", PEOPLE)
def test_in_studio_authors_use_labs(block_of: BlockOf, who: str, handler: str) -> None:
    rights_hold(block_of(user=who), handler, STUDIO_RIGHTS[who])


def rights_hold(block: Any, handler: str, expected: int) -> None:
    if expected == 200:
        call(block, "enter")
    answer = call(block, handler, {"door": "events"} if handler == "ticket" else {})
    assert answer.status_code == expected
    if expected != 200:
        assert set(answer.json) == {"error"}
        assert not Stack.objects.exists()


@pytest.mark.parametrize("who", PEOPLE)
def test_in_the_lms_nobody_edits(block_of: BlockOf, who: str) -> None:
    block = block_of(user=who)
    answer = call(block, "submit_studio_edits", {"display_name": "Mine"})
    assert answer.status_code == (401 if who == "nobody" else 403)
    assert as_user(block, who).display_name == "Web"


@pytest.mark.usefixtures("in_studio")
@pytest.mark.parametrize("who", PEOPLE)
def test_in_studio_authors_edit(block_of: BlockOf, who: str) -> None:
    block = block_of(user=who)
    answer = call(block, "submit_studio_edits", {"display_name": "Mine"})
    assert answer.status_code == {"nobody": 401, "author": 200}.get(who, 403)
    assert as_user(block, who).display_name == ("Mine" if who == "author" else "Web")


# enter and status


def test_entering_orders_what_the_author_has_set(block_of: BlockOf, course_files: Path) -> None:
    (course_files / "env.yaml").write_text("parameters: {}\n")
    (course_files / "hook.sh").write_text("#!/bin/sh\n")
    block = block_of(
        '<hastexo_lab stack_user_name="learner" lab_name="web" suspend_timeout="60" delete_age="0" '
        'hook_script="hook.sh">'
        '<port name="web" number="22"/><port name="db" number="2202"/><hook_events delete="false"/>'
        '<provider name="north" capacity="3" template="lab.yaml" environment="/static/env.yaml"/>'
        '<provider name="off" capacity="0" template="gone.yaml"/></hastexo_lab>'
    )
    answer = call(block, "enter", {"again": False})
    assert answer.json["state"]["phase"] == "new"
    stack = Stack.objects.get()
    blueprint = Blueprint.objects.get()
    assert (stack.course_id, stack.learner_id, stack.lab) == ("workbench", LEARNER, "web")
    assert stack.learner_name == "Learner Ω"
    assert stack.candidates == [{"provider": "north", "capacity": 3, "blueprint": blueprint.pk}]
    assert stack.probes == [
        {"port": 22, "kind": "ssh", "name": "web"},
        {"port": 2202, "kind": "ssh", "name": "db"},
    ]
    assert (stack.launch_timeout, stack.suspend_timeout, stack.delete_age) == (900, 60, 0)
    assert (blueprint.template, blueprint.environment) == (TEMPLATE, "parameters: {}\n")
    assert (blueprint.hook_script, blueprint.hook_events) == ("#!/bin/sh\n", ["suspend", "resume"])


@pytest.mark.django_db(transaction=True)
def test_entering_rings_the_workers_bell(block_of: BlockOf) -> None:
    call(block_of(), "enter")
    assert Bell.objects.exclude(due_at=None).exists()


def test_two_learners_have_two_stacks_and_one_blueprint(block_of: BlockOf) -> None:
    block = block_of()
    call(block, "enter")
    call(block, "enter")
    call(as_user(block, "other"), "enter")
    assert sorted(Stack.objects.values_list("learner_id", flat=True)) == [LEARNER, str(IDS["other"])]
    assert Blueprint.objects.count() == 1


def test_before_anybody_has_entered_the_state_is_new(block_of: BlockOf) -> None:
    state = call(block_of(), "status").json["state"]
    assert (state["phase"], state["steps"], state["failure"]) == ("new", [], None)
    assert not Stack.objects.exists()


def test_status_changes_nothing(block_of: BlockOf) -> None:
    block = block_of()
    stack_up(block)
    before = Stack.objects.values().get()
    assert call(block, "status").json["state"]["phase"] == "up"
    assert Stack.objects.values().get() == before


def test_only_the_course_team_is_told_why_a_lab_failed(block_of: BlockOf) -> None:
    for who, told in (("learner", False), ("staff", True)):
        block = block_of(user=who)
        call(block, "enter")
        Stack.objects.update(phase=Phase.FAILED, error_kind="author", error_message="public_ip is missing")
        assert ("public_ip" in json.dumps(call(block, "status").json)) is told


def test_again_has_to_be_yes_or_no(block_of: BlockOf) -> None:
    assert call(block_of(), "enter", {"again": "yes"}).status_code == 400


# ticket


def test_a_ticket_opens_what_the_author_has_set(block_of: BlockOf, settings: Any) -> None:
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "gateway_url": "wss://labs.example.org"}
    block = block_of(
        LAB.replace("<hastexo_lab", '<hastexo_lab stack_protocol="rdp"').format(
            '<port name="a" number="3389"/><port name="b" number="3390"/>'
        )
    )
    stack = stack_up(block)
    # What a page sends besides door and host chooses nothing.
    sent = {"door": "desktop", "host": 1, "port": 1, "login": "root", "read_only": False, "user_id": "1"}
    answer = call(block, "ticket", sent, headers={"Cookie": "csrftoken=abc"}).json
    assert answer["url"] == f"wss://labs.example.org/hastexo-lab/desktop/{stack.key}"
    assert answer["protocol"] == "hastexo-lab.v1"
    ticket, visit = tickets.spend(answer["ticket"], door="desktop", cookie="abc")
    assert ticket == tickets.Ticket(
        stack=stack.pk,
        user_id=LEARNER,
        user_name="Learner Ω",
        door="desktop",
        protocol="rdp",
        port=3390,
        login="learner",
    )
    assert visit.user_name == "Learner Ω"


def test_a_ticket_is_good_in_one_browser_only(block_of: BlockOf) -> None:
    block = block_of()
    stack_up(block)
    text = call(block, "ticket", {"door": "shell"}, headers={"Cookie": "csrftoken=abc"}).json["ticket"]
    with pytest.raises(tickets.TicketOfAnother):
        tickets.spend(text, door="shell", cookie="other")


@pytest.mark.parametrize(("who", "watches"), [("learner", True), ("staff", False)])
def test_read_only_is_the_servers_decision(block_of: BlockOf, who: str, watches: bool) -> None:
    block = block_of(LAB.replace("<hastexo_lab", '<hastexo_lab read_only="true"').format(""), user=who)
    stack_up(block)
    ticket, _visit = tickets.spend(call(block, "ticket", {"door": "shell"}).json["ticket"], door="shell")
    assert (ticket.read_only, ticket.staff) == (watches, not watches)
    assert call(block, "reset").status_code == (403 if watches else 200)


@pytest.mark.parametrize(
    "data",
    [{}, {"door": "desktop"}, {"door": ["shell"]}, {"door": "shell", "lab": 1}, {"door": "shell", "help": 1}]
    + [{"door": "shell", "host": host} for host in (-1, 1, True, "0", 0.0, None)],
)
def test_a_door_or_host_that_is_not_there_is_refused(block_of: BlockOf, data: Any) -> None:
    block = block_of()
    stack_up(block)
    assert call(block, "ticket", data).status_code == 400


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase != Phase.UP])
def test_only_a_ready_lab_can_be_entered(block_of: BlockOf, phase: Phase) -> None:
    block = block_of()
    call(block, "enter")
    Stack.objects.update(phase=phase)
    assert call(block, "ticket", {"door": "shell"}).status_code == 409
    assert call(block, "ticket", {"door": "events"}).status_code == 200


@pytest.mark.parametrize(("handler", "data"), [("ticket", {"door": "events"}), ("reset", {})])
def test_without_a_lab_there_is_nothing_to_open_or_reset(block_of: BlockOf, handler: str, data: Any) -> None:
    answer = call(block_of(), handler, data)
    assert (answer.status_code, answer.json["error"]) == (409, "There is no lab here yet. Open the page again.")


def test_reset_wants_the_next_generation(block_of: BlockOf) -> None:
    block = block_of()
    stack = stack_up(block)
    assert call(block, "reset").json["state"]["phase"] == "up"
    assert Stack.objects.get().wanted_generation == stack.generation + 1


# What authors get wrong

BROKEN_FILES: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, 'The file "lab.yaml" is not among the course\'s files'),
    "tabs": (b"outputs:\n\tpublic_ip: 1\n", "Line 2 is indented with a tab"),
    "not YAML": (b"outputs: [", "is not YAML"),
    "a list": (b"- 1\n", "This is not a template"),
    "not text": (b"\x89PNG\x00", "is not text"),
    "too large": (b"a: " + b"x" * 2**20, "is larger than 1048576 bytes"),
    "laughs": (b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 10)) for i in range(9)
    ), "too large or too deeply nested"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN_FILES)
def test_a_broken_template_is_explained_to_staff_and_calm_to_learners(
    block_of: BlockOf, course_files: Path, case: str
) -> None:
    content, says = BROKEN_FILES[case]
    (course_files / "lab.yaml").unlink()
    if content is not None:
        (course_files / "lab.yaml").write_bytes(content)
    block = block_of()
    told = {who: call(as_user(block, who), "enter") for who in ("learner", "staff")}
    assert {answer.status_code for answer in told.values()} == {409}
    assert says in told["staff"].json["error"]
    assert told["learner"].json["error"].startswith("There is a mistake in how this lab is set up.")
    assert not Stack.objects.exists()


def test_a_provider_with_a_broken_file_is_left_out(block_of: BlockOf) -> None:
    block = block_of(more='<provider name="south" template="gone.yaml"/><provider name="north" environment=""/>')
    assert call(block, "enter").status_code == 200
    assert [candidate["provider"] for candidate in Stack.objects.get().candidates] == ["north"]


def test_a_lab_with_every_provider_off_says_so(block_of: BlockOf) -> None:
    answer = call(block_of(user="staff", more='<provider name="north" capacity="0"/>'), "enter")
    assert answer.json["error"] == "Every provider of this lab is off. Give one of them room for labs."


# Views


def test_the_page_gets_what_the_stored_file_says_and_no_more(block_of: BlockOf) -> None:
    block = block_of(
        more='<port name="web" number="22"/><port name="db" number="2202"/><html_demo>Read me</html_demo>'
    )
    fragment = block.student_view({})
    stored = json.loads((Path(__file__).parent / "block" / "window.json").read_text("utf-8"))
    assert fragment.json_init_args == stored
    assert fragment.js_init_fn == "HastexoLabXBlock"
    assert "Read me" in fragment.content
    assert "/resource/hastexo_lab/static/lab.js" in [resource.data for resource in fragment.resources]


@pytest.mark.parametrize(
    ("attributes", "kind", "door"),
    [
        ("", "terminal", "shell"),
        ('terminal="guacamole"', "terminal", "desktop"),
        ('stack_protocol="vnc"', "desktop", "desktop"),
        ('stack_protocol="rdp"', "desktop", "desktop"),
    ],
)
def test_without_ports_there_is_one_host(block_of: BlockOf, attributes: str, kind: str, door: str) -> None:
    block = block_of(LAB.replace("<hastexo_lab", f"<hastexo_lab {attributes}").format(""))
    assert block.student_view().json_init_args["hosts"] == [{"name": "", "kind": kind, "door": door}]


@pytest.mark.parametrize(("who", "told"), [("learner", (False, "off")), ("staff", (True, "watch"))])
def test_the_page_of_the_course_team_may_look_in_as_the_site_says(
    block_of: BlockOf, settings: Any, who: str, told: tuple[bool, str]
) -> None:
    settings.HASTEXO_LAB = {**settings.HASTEXO_LAB, "looking_in": "watch", "shell_copy": "off"}
    args = block_of(user=who).student_view().json_init_args
    assert (args["staff"], args["looking_in"], args["copy"]) == (*told, "off")


MIXED = '<port name="web" number="22"/><port name="desk" number="5900" protocol="vnc"/>'


@pytest.mark.parametrize(
    ("terminal", "doors"),
    [("native", ["shell", "desktop"]), ("guacamole", ["desktop", "desktop"])],
)
def test_each_host_is_entered_by_its_own_door_and_protocol(
    block_of: BlockOf, terminal: str, doors: list[str]
) -> None:
    block = block_of(LAB.replace("<hastexo_lab", f'<hastexo_lab terminal="{terminal}"').format(MIXED))
    stack_up(block)
    right = []
    for host, door in enumerate(doors):
        other = ({"shell", "desktop"} - {door}).pop()
        assert call(block, "ticket", {"door": other, "host": host}).status_code == 400
        text = call(block, "ticket", {"door": door, "host": host}).json["ticket"]
        ticket, _visit = tickets.spend(text, door=door)
        right.append((ticket.protocol, ticket.port))
    assert right == [("ssh", 22), ("vnc", 5900)]


@pytest.mark.parametrize(("who", "told"), [("learner", False), ("staff", True)])
def test_an_unfinished_lab_is_calm_to_learners_and_clear_to_staff(block_of: BlockOf, who: str, told: bool) -> None:
    fragment = block_of("<hastexo_lab/>", user=who).student_view()
    assert fragment.js_init_fn is None
    assert "There is a mistake in how this lab is set up" in fragment.content
    assert ("Give the user that learners log in as" in fragment.content) is told
    assert ("Give the template that the lab is made from" in fragment.content) is told


def test_who_is_not_signed_in_gets_a_sentence(block_of: BlockOf) -> None:
    fragment = block_of(user="nobody").student_view()
    assert "Sign in and enrol in this course" in fragment.content
    assert fragment.js_init_fn is None


def test_names_are_text_not_html(block_of: BlockOf) -> None:
    block = block_of('<hastexo_lab display_name="&lt;img src=x&gt;"/>', user="staff")
    for view in ("student_view", "public_view", "author_view", "studio_view"):
        assert "<img" not in getattr(block, view)({}).content


@pytest.mark.usefixtures("in_studio")
def test_the_author_reads_what_the_lab_will_do(block_of: BlockOf) -> None:
    content = block_of(
        user="author", more='<port name="web" number="22"/><html_demo>Read me</html_demo>'
    ).author_view({})
    assert "opened as a terminal on web. It sleeps after 20 min without activity." in content.content
    assert "It is removed when it was not used for 60 d." in content.content
    assert "Read me" in content.content


@pytest.mark.usefixtures("in_studio")
@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("<hastexo_lab/>", "Give the user that learners log in as"),
        (LAB.replace("lab.yaml", "gone.yaml").format(""), "gone.yaml"),
        (LAB.replace("<hastexo_lab", '<hastexo_lab delete_age="-5"').format(""), "Give 0 or more whole seconds"),
        (LAB.format('<provider name="n" environment="gone.env"/>'), "gone.env"),
    ],
)
def test_the_author_is_warned_of_what_will_not_work(block_of: BlockOf, xml: str, says: str) -> None:
    assert says in block_of(xml, user="author").author_view({}).content


def test_authors_can_add_the_kinds_of_blocks_that_are_installed(block_of: BlockOf) -> None:
    assert block_of(user="author").allowed_nested_blocks == []

    @XBlock.register_temp_plugin(HtmlBlock, "html")
    def with_html() -> list[Any]:
        return block_of(user="author").allowed_nested_blocks

    assert [(spec.category, spec.label) for spec in with_html()] == [("html", "Text")]


def test_the_form_names_its_handler_and_its_files(block_of: BlockOf) -> None:
    fragment = block_of(user="author").studio_view()
    assert fragment.js_init_fn == "HastexoLabStudio"
    for name in ("studio.js", "studio.css"):
        assert LabXBlock.open_local_resource(f"static/{name}").read()
        assert any(name in resource.data for resource in fragment.resources)


@pytest.mark.django_db
def test_every_scenario_of_the_workbench_is_a_lab(settings: Any) -> None:
    templates = Path(sample_xblocks.basic.__file__).parent / "templates"
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(templates)]}]
    settings.WORKBENCH = {"reset_state_on_restart": False, "services": {"user": "tests.block.services.Users"}}
    for title, xml in LabXBlock.workbench_scenarios():
        ID_MANAGER.set_scenario(title)
        runtime = WorkbenchRuntime("learner")
        fragment = runtime.get_block(runtime.parse_xml_string(xml)).render("student_view")
        assert "mistake" not in fragment.content, title
        assert "hastexo-lab-block" in fragment.content, title
