"""YAML from authors, read within bounds: size, depth, and what its aliases would unfold to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from django.utils.translation import gettext_noop as _

from hastexo_lab.block.words import Sentence

# libyaml's loader is fast enough to check a template whenever a learner enters; PyYAML's own is the fallback.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_CHARACTERS = 1024 * 1024
MAX_NODES = 100_000  # aliases counted as what they stand for
MAX_DEPTH = 60


class YamlFault(ValueError):
    """This text is not YAML that we read. `sentence` says where and what to do."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def _bounded(events: Iterable[yaml.Event]) -> None:
    """Raise YamlFault for a document that is too deep, or too big once its aliases are followed."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []  # anchor, nodes so far
    size = 0
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, size))
            size = 0
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, outside = open_nodes.pop()
            sizes[anchor or ""] = size + 1
            size += outside + 1
        elif isinstance(event, yaml.AliasEvent):
            # An alias within its own anchor has no size yet: a loop, which no template needs.
            size += sizes.get(event.anchor or "", MAX_NODES)
        elif isinstance(event, yaml.ScalarEvent):
            size += 1
            sizes[event.anchor or ""] = 1
        if size > MAX_NODES or len(open_nodes) > MAX_DEPTH:
            raise YamlFault(
                Sentence(_("This YAML is too large or too deeply nested. Make it shorter, with fewer aliases."))
            )


def _explained(error: yaml.YAMLError, text: str) -> Sentence:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return Sentence(_("This is not YAML. Give plain text in YAML."))
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Sentence(_("Line {line} is indented with a tab. YAML wants spaces."), line=mark.line + 1)
    problem = getattr(error, "problem", None) or str(error)
    return Sentence(_("Line {line} is not YAML: {problem}."), line=mark.line + 1, problem=problem)


def load(text: str) -> Any:
    """The document as plain lists, dicts and values. Raises YamlFault."""
    if len(text) > MAX_CHARACTERS:
        raise YamlFault(Sentence(_("This text is longer than {most} characters."), most=MAX_CHARACTERS))
    try:
        _bounded(yaml.parse(text, Loader=_Loader))
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader, chosen above)
    except yaml.YAMLError as error:
        raise YamlFault(_explained(error, text)) from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, YamlFault):
            raise
        raise YamlFault(
            Sentence(_("This YAML holds a value that cannot be read: {problem}."), problem=error)
        ) from None
