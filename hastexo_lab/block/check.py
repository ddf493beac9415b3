"""What an author has set, checked as a whole: each field's clean value, or its fault with a remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_noop as _

from hastexo_lab.block import olx, yaml_text
from hastexo_lab.block.words import Fault, Sentence

Checked = tuple[Any, list[Fault]]

TERMINALS = ("native", "guacamole")
KEY_TYPES = ("", "ed25519", "rsa")
FULLSCREEN = ("inherit", "true", "false")
LAYOUTS = ("above", "below", "left", "right")
MAX_TEXT = 255
MAX_SECONDS = 2**31 - 1
MAX_SCRIPT = 64 * 1024
LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@\\-]{0,63}")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def _wrong(name: str, value: Any, text: str, **facts: Any) -> Checked:
    return value, [Fault(name, value, Sentence(text, **facts))]


def is_line(text: str) -> bool:
    """Whether this is one line of text that any database and any page can hold."""
    return len(text) <= MAX_TEXT and not UNPRINTABLE.search(text) and "\n" not in text


def _text(name: str, value: Any) -> Checked:
    value = "" if value is None else value
    if not isinstance(value, str):
        return _wrong(name, value, _("Give text."))
    if len(value) > MAX_TEXT:
        return _wrong(name, value, _("Give at most {most} characters."), most=MAX_TEXT)
    if not is_line(value):
        return _wrong(name, value, _("Give one line, without control characters."))
    return value.strip(), []


def _login(name: str, value: Any) -> Checked:
    value, faults = _text(name, value)
    if faults:
        return value, faults
    if not value:
        return _wrong(
            name,
            value,
            _("Give the user that learners log in as, for example learner. The template must create it."),
        )
    if not LOGIN.fullmatch(value):
        return _wrong(name, value, _("Use letters from a to z, digits, and . _ - @ \\ only, at most 64."))
    return value, []


def _choice(choices: tuple[str, ...]) -> Callable[[str, Any], Checked]:
    def check(name: str, value: Any) -> Checked:
        value = "" if value is None else value
        if value in choices:
            return value, []
        return _wrong(name, value, _("Choose one of: {choices}."), choices=", ".join(c or '""' for c in choices))

    return check


def _seconds(name: str, value: Any) -> Checked:
    if value is None or value == "":
        return None, []
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > MAX_SECONDS:
        return _wrong(name, value, _("Give 0 or more whole seconds. 0 means never."))
    return int(text), []


def _tick(name: str, value: Any) -> Checked:
    return (value, []) if isinstance(value, bool) else _wrong(name, value, _("Choose yes or no."))


def _weight(name: str, value: Any) -> Checked:
    try:
        number = None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return _wrong(name, value, _("Give a number."))
    if number is not None and not 0 <= number < 1e6:
        return _wrong(name, value, _("Give a number from 0 up."))
    return number, []


def _rows(read_row: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Callable[[str, Any], Checked]:
    def check(name: str, value: Any) -> Checked:
        if not isinstance(value, list):
            return _wrong(name, value, _("Give a list."))
        rows: list[dict[str, Any]] = []
        faults: list[Fault] = []
        for index, given in enumerate(value):
            place = f"{name}.{index}"
            row, wrong = _row(read_row, place, given)
            if not wrong and row["name"] in [earlier["name"] for earlier in rows]:
                wrong = [
                    Fault(
                        place,
                        given,
                        Sentence(_('"{name}" is there twice. Give another name.'), name=row["name"]),
                    )
                ]
            faults += wrong
            rows += [] if wrong else [row]
        return rows, faults

    return check


def _row(read_row: Callable[[Mapping[str, Any]], dict[str, Any]], place: str, given: Any) -> Checked:
    if not isinstance(given, dict):
        return _wrong(place, given, _("Give a name with its values."))
    try:
        row = read_row(given)
    except olx.OlxFault as fault:
        return given, [Fault(place, given, fault.sentence)]
    for text in row.values():
        if isinstance(text, str) and (cleaned := _text(place, text))[1]:
            return cleaned
    return row, []


def _scripts(name: str, value: Any) -> Checked:
    if not isinstance(value, list):
        return _wrong(name, value, _("Give a list of scripts."))
    faults: list[Fault] = []
    for index, script in enumerate(value):
        place = f"{name}.{index}"
        if not isinstance(script, str) or UNPRINTABLE.search(script):
            faults += _wrong(place, script, _("Give a script as text, without control characters."))[1]
        elif len(script.encode()) > MAX_SCRIPT:
            faults += _wrong(place, script, _("Give a script of at most {most} bytes."), most=MAX_SCRIPT)[1]
    return value, faults


def _events(name: str, value: Any) -> Checked:
    try:
        return olx.structured("hook_events", value), []
    except olx.OlxFault as fault:
        return value, [Fault(name, value, fault.sentence)]


CHECKS: dict[str, Callable[[str, Any], Checked]] = {
    "display_name": _text,
    "weight": _weight,
    "lab_name": _text,
    "stack_template_path": _text,
    "providers": _rows(olx.provider),
    "stack_user_name": _login,
    "stack_protocol": _choice(olx.PROTOCOLS),
    "terminal": _choice(TERMINALS),
    "stack_key_type": _choice(KEY_TYPES),
    "ports": _rows(olx.port),
    "read_only": _tick,
    "launch_timeout": _seconds,
    "suspend_timeout": _seconds,
    "delete_age": _seconds,
    "hook_script": _text,
    "hook_events": _events,
    "tests": _scripts,
    "hidden": _tick,
    "enable_fullscreen": _choice(FULLSCREEN),
    "instructions_layout": _choice(LAYOUTS),
    "progress_check_label": _text,
    "progress_check_result_heading": _text,
    "show_feedback": _tick,
    "show_hints_on_error": _tick,
}


def _templates(values: Mapping[str, Any]) -> list[Fault]:
    """Every provider that may be used has a template."""
    own = values["stack_template_path"]
    lacking = [row["name"] for row in values["providers"] if row["capacity"] and not row.get("template")]
    if own or (values["providers"] and not lacking):
        return []
    remedy = Sentence(_("Give the template that the lab is made from, a file of this course."))
    if lacking:
        remedy = Sentence(_('Give a template here, or one of its own to "{name}".'), name=lacking[0])
    return [Fault("stack_template_path", own, remedy)]


def checked(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """All fields of CHECKS from `values`: clean ones, and every fault there is."""
    clean: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, check in CHECKS.items():
        clean[name], wrong = check(name, values.get(name))
        faults += wrong
    wrong_fields = {fault.field.partition(".")[0] for fault in faults}
    if not wrong_fields & {"stack_template_path", "providers"}:
        faults += _templates(clean)
    return clean, faults


def template_fault(text: str) -> Sentence | None:
    """Why this text cannot be a lab's template, as far as that is seen without a cloud."""
    try:
        document = yaml_text.load(text)
    except yaml_text.YamlFault as fault:
        return fault.sentence
    if not isinstance(document, dict):
        return Sentence(_("This is not a template: it holds no sections such as resources and outputs."))
    outputs = document.get("outputs")
    if "heat_template_version" in document and not (isinstance(outputs, dict) and "public_ip" in outputs):
        return Sentence(_('The output "public_ip" is missing. Add it: without it nobody can enter the lab.'))
    return None


def environment_fault(text: str) -> Sentence | None:
    """Why this text cannot be an environment."""
    try:
        document = yaml_text.load(text)
    except yaml_text.YamlFault as fault:
        return fault.sentence
    if document is not None and not isinstance(document, dict):
        return Sentence(_("This is not an environment: it holds no sections such as parameters."))
    return None
