"""The block in OLX, in every form that courses hold, and back without loss.

    inline          <hastexo_lab stack_user_name="…"><port name="web" number="22"/>…</hastexo_lab>
    pointer         <hastexo filename="name"/> (or with url_name alone): the rest is in hastexo/name.xml
    option          <option:ports>YAML</option:ports>, in XBlock's namespace for options
    attribute       ports='[{"name": "web", "number": 22}]': what XBlock itself writes

Element names and attributes are those of the hastexo and stackamole XBlocks, so that their courses import
unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml
from django.utils.translation import gettext_noop as _
from lxml import etree

from hastexo_lab.block import yaml_text
from hastexo_lab.block.words import Sentence

PROTOCOLS = ("ssh", "rdp", "vnc")
OPTION = "http://code.edx.org/xblock/option"
HOOK_EVENTS = ("suspend", "resume", "delete")
ELEMENTS = {"port": "ports", "provider": "providers", "test": "tests", "hook_events": "hook_events"}
# Where, not what: these attributes of a node are no fields.
PLACES = ("filename", "url_name", "slug", "xblock-family")
WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


class OlxFault(ValueError):
    """This OLX cannot be a lab. `sentence` names the element and the remedy."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def _fault(text: str, **facts: Any) -> OlxFault:
    return OlxFault(Sentence(text, **facts))


def _number(value: Any, low: int, high: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    try:
        number = int(value)
    except ValueError:
        return None
    return number if low <= number <= high else None


def port(row: Mapping[str, Any]) -> dict[str, Any]:
    """One of `ports`: {"name": str, "number": 1 to 65535, "protocol"?: one of PROTOCOLS}. Raises OlxFault.

    A row without a protocol has the lab's.
    """
    name, given = str(row.get("name") or ""), row.get("number")
    if not name.strip():
        raise _fault(_("The port {number} has no name. Give it a name that learners see."), number=given)
    if given in (None, ""):
        raise _fault(_('The port "{name}" has no number. Give it a number from 1 to 65535.'), name=name)
    number = _number(given, 1, 65535)
    if number is None:
        raise _fault(_('The port "{name}" has the number {number}. Use 1 to 65535.'), name=name, number=given)
    protocol = row.get("protocol")
    if protocol in (None, "", "None"):
        return {"name": name, "number": number}
    if protocol not in PROTOCOLS:
        raise _fault(
            _('The port "{name}" has the protocol {protocol}. Use one of: {known}.'),
            name=name,
            protocol=protocol,
            known=", ".join(PROTOCOLS),
        )
    return {"name": name, "number": number, "protocol": protocol}


def provider(row: Mapping[str, Any]) -> dict[str, Any]:
    """One of `providers`: {"name": str, "capacity": −1 | 0 | n, "template"?: str, "environment"?: str}.

    Raises OlxFault.
    """
    name, given = str(row.get("name") or ""), row.get("capacity")
    if not name.strip():
        raise _fault(_("A provider has no name. Give it the name of one of the site's providers."))
    capacity = -1 if given in (None, "", "None") else _number(given, -1, 2**31 - 1)
    if capacity is None:
        raise _fault(
            _('The provider "{name}" has the capacity {given}. Give −1 (no limit), 0 (off) or a number.'),
            name=name,
            given=given,
        )
    files = {key: str(row[key]) for key in ("template", "environment") if row.get(key) not in (None, "", "None")}
    return {"name": name, "capacity": capacity, **files}


def test(value: Any) -> str:
    """One of `tests`: a script. Raises OlxFault."""
    if not isinstance(value, str):
        raise _fault(_("A test is {kind}, not text. Give a script."), kind=type(value).__name__)
    return value


def hook_events(value: Mapping[str, Any]) -> dict[str, bool]:
    """`hook_events`: {"suspend": bool, "resume": bool, "delete": bool}; the rest is off. Raises OlxFault."""
    for name, given in value.items():
        if name not in HOOK_EVENTS:
            raise _fault(
                _('hook_events names "{name}". There are: {known}.'), name=name, known=", ".join(HOOK_EVENTS)
            )
        if not isinstance(given, bool) and str(given).lower() not in WORDS:
            raise _fault(_('hook_events has {name}="{given}". Give true or false.'), name=name, given=given)
    given_words = {name: str(value.get(name, False)).lower() for name in HOOK_EVENTS}
    return {name: WORDS[word] for name, word in given_words.items()}


def structured(name: str, value: Any) -> Any:
    """The field `name` (one of ELEMENTS' values) in its one shape. Raises OlxFault."""
    if name == "hook_events":
        if value and not isinstance(value, dict):
            raise _fault(
                _("hook_events is {kind}. Give each event's name with true or false."),
                kind=type(value).__name__,
            )
        return hook_events(value) if value else None
    if value is None:
        return []
    if not isinstance(value, list):
        raise _fault(_("{field} is {kind}, not a list. Give a list."), field=name, kind=type(value).__name__)
    if name == "tests":
        return [test(row) for row in value]
    read_row = port if name == "ports" else provider
    for row in value:
        if not isinstance(row, dict):
            raise _fault(_("{field} holds {row}, which has no name. Give names with values."), field=name, row=row)
    return [read_row(row) for row in value]


def _set(block: Any, name: str, text: str | None, attributes: Mapping[str, str]) -> None:
    """One field from its text."""
    if name in ELEMENTS.values():
        try:
            setattr(block, name, structured(name, yaml_text.load(text or "")))
        except yaml_text.YamlFault as fault:
            raise _fault(_("{field} of the lab cannot be read. {why}"), field=name, why=fault.sentence) from None
    elif name in block.fields:
        try:
            field = block.fields[name]
            setattr(block, name, None if attributes.get("none") == "true" else field.from_string(text or ""))
        except (ValueError, TypeError, RecursionError, yaml.YAMLError):
            raise _fault(
                _('The lab has {field}="{given}", which cannot be read.'), field=name, given=(text or "")[:80]
            ) from None


def _elements(root: Any) -> dict[str, Any]:
    """The fields that `root`'s own elements spell out."""
    found: dict[str, Any] = {}
    for child in root:
        tag = child.tag
        if tag == "hook_events":
            # In this element an event that is not named is on.
            found["hook_events"] = hook_events(dict.fromkeys(HOOK_EVENTS, "true") | dict(child.attrib))
        elif tag in ELEMENTS:
            row = (
                {"port": port, "provider": provider}[tag](child.attrib)
                if tag != "test"
                else child.xpath("string()")
            )
            found.setdefault(ELEMENTS[tag], []).append(row)
    return found


def _pointed(node: Any, runtime: Any) -> Iterator[Any]:
    """The root of the file that `node` points to, if it does. Raises OlxFault for one that cannot be read."""
    filename, url_name = node.get("filename"), node.get("url_name") or node.get("slug") or ""
    files = getattr(runtime, "resources_fs", None)
    alone = not len(node) and set(node.keys()) <= set(PLACES)
    if files is None or not (filename or (alone and url_name)):
        return
    place = PurePosixPath(url_name.replace(":", "/"))
    path = PurePosixPath(node.tag) / place.parent / f"{filename or place.name}.xml"
    if ".." in path.parts or not files.exists(str(path)):
        if filename:
            raise _fault(
                _('The lab\'s filename="{name}" points to {path}, which is not there.'),
                name=filename,
                path=path,
            )
        return
    with files.open(str(path), "rb") as file:
        try:
            yield etree.fromstring(file.read(), etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            raise _fault(_("{path} is not XML: {problem}."), path=path, problem=error) from None


def read(block: Any, node: Any, runtime: Any) -> None:
    """Fill the block's fields and children from `node` and the file it points to. Raises OlxFault."""
    for root in (*_pointed(node, runtime), node):
        for name, value in _elements(root).items():
            setattr(block, name, value)
        for child in root:
            if not isinstance(child.tag, str) or child.tag in ELEMENTS:  # comments have no tag
                continue
            tag = etree.QName(child)
            if tag.namespace == OPTION:
                _set(block, tag.localname, child.text, child.attrib)
            else:
                runtime.add_node_as_child(block, child)
        for name, text in root.items():
            if name not in PLACES:
                _set(block, name, text, {})


def _text(element: Any, script: str) -> None:
    """CDATA, as authors write it, unless that would change the text."""
    element.text = script if "\r" in script or "]]>" in script else etree.CDATA(script)


def _written(name: str, value: Any) -> list[Any]:
    """The elements that spell the field out. Raises OlxFault or ValueError where elements cannot."""
    value = structured(name, value)
    rows = ([value] if value else []) if name == "hook_events" else value
    elements = []
    for row in rows:
        element = etree.Element(next(tag for tag, field in ELEMENTS.items() if field == name))
        if name == "tests":
            _text(element, row)
        else:
            for key, part in row.items():
                element.set(key, json.dumps(part) if isinstance(part, (bool, int)) else part)
        elements.append(element)
    return elements


def write(block: Any, node: Any) -> None:
    """Spell out in elements what XBlock has written as attributes; what elements cannot hold stays there."""
    place = 0
    for name in sorted(ELEMENTS.values()):
        if name not in node.attrib:
            continue
        try:
            elements = _written(name, getattr(block, name))
        except ValueError:
            continue
        del node.attrib[name]
        for element in elements:
            node.insert(place, element)
            place += 1
    attributes = sorted(node.attrib.items())
    node.attrib.clear()
    node.attrib.update(attributes)
