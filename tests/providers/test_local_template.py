"""What the local provider's template says, and how it says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hastexo_lab.providers.base import AuthorMistake
from hastexo_lab.providers.local.template import HostSpec, StackSpec, read_template

ASSETS = Path(__file__).parents[2] / "workbench" / "assets"
LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nhosts: [*b, *b]"


def test_a_template_says_what_it_asks_for() -> None:
    text = """
hosts:
  - name: web
    desktop: both
    files: {welcome.txt: Hi, notes/a.md: ""}
  - {name: db, port: 2202, desktop: vnc, vnc_port: 5901}
boot_s: 1.5
create_s: 2
fail: suspend
reason: why not
"""
    assert read_template(text) == StackSpec(
        hosts=(
            HostSpec(name="web", port=22, desktop="both", files={"welcome.txt": "Hi", "notes/a.md": ""}),
            HostSpec(name="db", port=2202, desktop="vnc", vnc_port=5901),
        ),
        boot_s=1.5,
        create_s=2,
        fail="suspend",
        reason="why not",
    )
    assert read_template(text).ports == (22, 5900, 3389, 2202, 5901)


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*.local.yaml")), ids=lambda path: path.name)
def test_the_workbenchs_templates_are_right(path: Path) -> None:
    assert read_template(path.read_text())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", '"top level"'),
        ("just words", '"top level"'),
        ("hosts: [1,\n: 2", "not YAML"),
        ("hosts:\n\t- name: web", "not with tabs"),
        ("hosts: \x00", "not YAML"),
        ("hosts: " + "[" * 20_000, "not YAML"),
        ("#" * 70_000, "at most 65536"),
        (LAUGHS, "alias"),
        ("hosts: []", "1 to 8 hosts"),
        ("hosts: [" + "{name: web}," * 9 + "]", "1 to 8 hosts"),
        ("hosts: [web]", r"hosts\[0\]"),
        ("hosts: [{name: web, flavour: big}]", "flavour.*use one of"),
        ("hosts: [{name: web}]\nresources: {}", "resources.*use one of"),
        ("hosts: [{name: web, name: db}]", "twice"),
        ("hosts: [{name: Web}]", r"hosts\[0\].name.*a letter first"),
        ("hosts: [{name: ../x}]", r"hosts\[0\].name"),
        ("hosts: [{port: 22}]", r"hosts\[0\].name"),
        ("hosts: [{name: web}, {name: db}]", r"hosts\[1\].port.*2202"),
        ("hosts: [{name: web}, {name: db, port: 22}]", "port '22' twice"),
        ("hosts: [{name: web}, {name: web, port: 23}]", "name 'web' twice"),
        ("hosts: [{name: web, desktop: vnc, port: 5900}]", "port '5900' twice"),
        ("hosts: [{name: web, port: true}]", r"hosts\[0\].port"),
        ("hosts: [{name: web, port: 0}]", r"hosts\[0\].port"),
        ("hosts: [{name: web, port: 65536}]", r"hosts\[0\].port"),
        ("hosts: [{name: web, vnc_port: 80}]", "from 1024"),
        ("hosts: [{name: web, desktop: yes}]", "vnc, rdp, both"),
        ("hosts: [{name: web, desktop: [vnc]}]", "vnc, rdp, both"),
        ("hosts: [{name: web, files: [a]}]", r"hosts\[0\].files"),
        ("hosts: [{name: web, files: {../x: a}}]", "inside the home"),
        ("hosts: [{name: web, files: {a/../../x: a}}]", "inside the home"),
        ("hosts: [{name: web, files: {/etc/passwd: a}}]", "inside the home"),
        ("hosts: [{name: web, files: {a: 1}}]", "quote"),
        ("hosts: [{name: web}]\nboot_s: soon", "boot_s"),
        ("hosts: [{name: web}]\nboot_s: .nan", "boot_s"),
        ("hosts: [{name: web}]\ncreate_s: -1", "create_s"),
        ("hosts: [{name: web}]\nfail: delete", "fail.*create, suspend, resume"),
        ("hosts: [{name: web}]\npublic_ip: 10.0.0.1", "public_ip.*true or false"),
    ],
)
def test_a_mistake_names_its_field_and_its_remedy(text: str, says: str) -> None:
    with pytest.raises(AuthorMistake, match=says):
        read_template(text)


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["hosts", "name", "port", "files", "desktop", "fail", "boot_s"]) | inner.map(str),
            inner,
            max_size=4,
        )
    ),
)


def is_template_or_mistake(text: str) -> bool:
    try:
        return isinstance(read_template(text), StackSpec)
    except AuthorMistake as mistake:
        return bool(str(mistake))


@given(trees)
def test_any_tree_is_a_template_or_a_mistake(tree: object) -> None:
    assert is_template_or_mistake(yaml.safe_dump(tree))


@given(st.text(max_size=200))
def test_any_text_is_a_template_or_a_mistake(text: str) -> None:
    assert is_template_or_mistake(text)
