"""The author's form: what it shows, what it warns of, and how it is saved: all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _

from hastexo_lab.block import assets, check, order
from hastexo_lab.block.olx import HOOK_EVENTS
from hastexo_lab.block.visitor import course_key
from hastexo_lab.block.words import AuthorTrouble, Fault, Gettext, Sentence
from hastexo_lab.conf import lab_settings


@dataclass(frozen=True)
class Column:
    """One value in each row of a field; with `choices`, one of them."""

    key: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Field:
    """One field of the form. `kind`: text, code, seconds, tick, choice, events, or rows of `columns`."""

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    columns: tuple[Column, ...] = ()
    add: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the form under a heading of its own."""

    title: str
    about: str
    fields: tuple[Field, ...]


PROTOCOLS = (("ssh", _("Terminal")), ("rdp", _("Desktop (RDP)")), ("vnc", _("Desktop (VNC)")))
TERMINALS = (("native", _("The page's own")), ("guacamole", _("Guacamole's")))
PROVIDER_COLUMNS = (
    Column("name", _("Name")),
    Column("template", _("Template")),
    Column("environment", _("Environment")),
    Column("capacity", _("Labs at most")),
)
PORT_COLUMNS = (
    Column("name", _("Name")),
    Column("number", _("Port")),
    Column("protocol", _("Shown as"), (("", _("As the lab")), *PROTOCOLS)),
)

FORM = (
    Section(
        _("Lab"),
        _("What each learner gets, and where it runs."),
        (
            Field("display_name", _("Title")),
            Field(
                "lab_name",
                _("Lab name"),
                "code",
                _("Units with the same name share one lab. Left empty, the template is the name."),
            ),
            Field("stack_template_path", _("Template"), "code", _("A file from this course's Files page.")),
            Field(
                "providers",
                _("Providers"),
                "rows",
                _(
                    "Tried from the top; the next one is used where one is full. With none, the site's order "
                    "counts. Labs at most: −1 is no limit, 0 is off."
                ),
                columns=PROVIDER_COLUMNS,
                add=_("Add provider"),
            ),
        ),
    ),
    Section(
        _("Access"),
        _("How a learner enters the lab."),
        (
            Field("stack_user_name", _("User in the lab"), "code", _("Learners log in as this user.")),
            Field("stack_protocol", _("Shown as"), "choice", choices=PROTOCOLS),
            Field(
                "terminal",
                _("Terminal"),
                "choice",
                _(
                    "The page's own can search, follow links and read out to screen readers, and loses no output. "
                    "Guacamole's looks as in older courses. Desktops stay as they are."
                ),
                choices=TERMINALS,
            ),
            Field(
                "ports",
                _("Machines and ports"),
                "rows",
                _("Each one becomes a tab. With none, the public machine is the only one."),
                columns=PORT_COLUMNS,
                add=_("Add machine"),
            ),
            Field("read_only", _("View only: learners watch and cannot type"), "tick"),
        ),
    ),
    Section(
        _("Timing"),
        _("In seconds. Left empty, a time follows the site's value. 0 means never."),
        (
            Field("suspend_timeout", _("Sleeps without activity after"), "seconds"),
            Field("launch_timeout", _("A start may take at most"), "seconds"),
            Field("delete_age", _("Removed when not used for"), "seconds"),
            Field(
                "hook_script",
                _("Script on sleep, wake and removal"),
                "code",
                _("A file of this course. It is kept with the lab, but this version does not run it yet."),
            ),
            Field("hook_events", _("The script runs on"), "events"),
        ),
    ),
    Section(
        _("Display"),
        _("How the window stands in the unit."),
        (
            Field(
                "enable_fullscreen",
                _("Full screen"),
                "choice",
                choices=(
                    ("inherit", _("As on the whole site")),
                    ("true", _("Offered")),
                    ("false", _("Not offered")),
                ),
            ),
            Field("hidden", _("Start the lab in the background, without a window"), "tick"),
        ),
    ),
)
FIELDS = {field.name: field for section in FORM for field in section.fields}
EVENT_LABELS = {"suspend": _("Sleep"), "resume": _("Wake"), "delete": _("Removal")}


def _cells(field: Field, row: Mapping[str, Any], gettext: Gettext) -> list[dict[str, Any]]:
    return [
        {
            "key": column.key,
            "label": gettext(column.label),
            "value": row.get(column.key, ""),
            "choices": _choices(column.choices, row.get(column.key, ""), gettext),
        }
        for column in field.columns
    ]


def _choices(choices: tuple[tuple[str, str], ...], value: Any, gettext: Gettext) -> list[tuple[str, str, bool]]:
    return [(key, gettext(label), key == value) for key, label in choices]


def _drawn(block: Any, field: Field, gettext: Gettext) -> dict[str, Any]:
    """What the template needs of one field."""
    value = order.field_values(block)[field.name]
    drawn = {
        "name": field.name,
        "kind": field.kind,
        "label": gettext(field.label),
        "help": gettext(field.help) if field.help else "",
        "value": "" if value is None else value,
        "choices": _choices(field.choices, value, gettext),
    }
    if field.kind == "rows":
        drawn["rows"] = [_cells(field, row, gettext) for row in value if isinstance(row, dict)]
        drawn["empty_row"] = _cells(field, {}, gettext)
        drawn["add"] = gettext(field.add)
    elif field.kind == "seconds":
        drawn["site"] = gettext(_("The site has {seconds}.")).format(seconds=getattr(lab_settings(), field.name))
    elif field.kind == "events":
        chosen = value or dict.fromkeys(HOOK_EVENTS, True)
        drawn["events"] = [(key, gettext(EVENT_LABELS[key]), bool(chosen.get(key))) for key in HOOK_EVENTS]
    return drawn


def form(block: Any, gettext: Gettext) -> list[dict[str, Any]]:
    """The form's sections as the template draws them."""
    return [
        {
            "title": gettext(section.title),
            "about": gettext(section.about),
            "fields": [_drawn(block, field, gettext) for field in section.fields],
        }
        for section in FORM
    ]


def _files(values: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """The course's files that the fields name: (field, path, what finds its faults)."""
    named = [("stack_template_path", values["stack_template_path"], check.template_fault)]
    named.append(("hook_script", values["hook_script"], lambda text: None))
    for index, row in enumerate(values["providers"]):
        named.append((f"providers.{index}", row.get("template", ""), check.template_fault))
        named.append((f"providers.{index}", row.get("environment", ""), check.environment_fault))
    return [each for each in named if each[1]]


def file_faults(block: Any, values: Mapping[str, Any], *, missing: bool) -> list[Fault]:
    """What is wrong with the files that clean `values` name. `missing`: one not there (yet) counts too."""
    found: list[Fault] = []
    for name, path, fault_of in _files(values):
        try:
            wrong = fault_of(assets.read(course_key(block), path))
        except assets.AssetMissing as trouble:
            wrong = trouble.staff if missing else None
        except AuthorTrouble as trouble:
            wrong = trouble.staff
        if wrong:
            found.append(Fault(name, path, wrong))
    return found


def save(block: Any, given: Any) -> list[Fault]:
    """Check the whole form, then set every field, or none and return every fault. `given`: {field: value}."""
    if not isinstance(given, dict):
        return [Fault("", given, Sentence(_("Give the form's fields with their values.")))]
    strangers = [
        Fault(name, given[name], Sentence(_("This form has no such field.")))
        for name in sorted(set(given) - set(FIELDS))
    ]
    current = order.field_values(block)
    clean, faults = check.checked({**current, **given})
    faults = strangers + faults
    wrong_fields = {fault.field.partition(".")[0] for fault in faults}
    if not wrong_fields & {"stack_template_path", "hook_script", "providers"}:
        faults += file_faults(block, clean, missing=False)
    if faults:
        return faults
    for name in given:
        setattr(block, name, clean[name])
    if "providers" in given:
        block.provider = ""
    return []


def warnings(block: Any) -> list[Fault]:
    """What will not work as the block is set now, files included."""
    clean, faults = check.checked(order.field_values(block))
    return faults or file_faults(block, clean, missing=True)


def label(fault: Fault) -> Sentence:
    """What the form calls the fault's field."""
    field = FIELDS.get(fault.field.partition(".")[0])
    return Sentence(field.label) if field else Sentence("{name}", name=fault.field)


def told(faults: list[Fault], gettext: Gettext) -> list[dict[str, Any]]:
    """The faults for a page: [{"field", "label", "value", "remedy"}]."""
    return [
        {
            "field": fault.field,
            "label": label(fault).said(gettext),
            "value": fault.value if len(str(fault.value)) < check.MAX_TEXT else "",
            "remedy": fault.remedy.said(gettext),
        }
        for fault in faults
    ]


def _duration(seconds: int) -> Sentence:
    for unit, text in ((86400, _("{count} d")), (3600, _("{count} h")), (60, _("{count} min"))):
        if seconds >= unit and seconds % unit == 0:
            return Sentence(text, count=seconds // unit)
    return Sentence(_("{count} s"), count=seconds)


def _way(hosts: list[order.Host]) -> Sentence:
    """How the hosts are shown: a terminal on web, db and a desktop on office."""
    ways: list[Sentence] = []
    for kind, text in (("terminal", _("a terminal")), ("desktop", _("a desktop"))):
        names = [host.name for host in hosts if host.kind == kind]
        if any(names):
            ways.append(Sentence(_("{way} on {names}"), way=Sentence(text), names=", ".join(names)))
        elif names:
            ways.append(Sentence(text))
    return ways[0] if len(ways) == 1 else Sentence(_("{one} and {other}"), one=ways[0], other=ways[1])


def summary(block: Any) -> list[Sentence]:
    """In a few sentences: what learners will get. The block has no faults."""
    values, site = check.checked(order.field_values(block))[0], lab_settings()
    opened = Sentence(_("Each learner gets a lab of their own, opened as {way}."), way=_way(order.hosts(block)))
    sleep_s, keep_s = (
        getattr(site, name) if values[name] is None else values[name] for name in ("suspend_timeout", "delete_age")
    )
    sleep = Sentence(_("It never sleeps."))
    if sleep_s:
        sleep = Sentence(_("It sleeps after {time} without activity."), time=_duration(sleep_s))
    keep = Sentence(_("It is kept for ever."))
    if keep_s:
        keep = Sentence(_("It is removed when it was not used for {time}."), time=_duration(keep_s))
    return [opened, sleep, keep]
