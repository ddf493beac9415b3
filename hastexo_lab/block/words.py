"""Sentences for people, kept untranslated until it is known in whose language they are wanted.

A block is translated by its runtime's `i18n` service, which only a handler or a view can reach. So what
stands behind them marks a text with `gettext_noop` and hands on a `Sentence`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _

Gettext = Callable[[str], str]


class Sentence:
    """A marked text with {names} in it, and the facts to put there (a fact may be a Sentence itself)."""

    def __init__(self, text: str, **facts: Any) -> None:
        self.text, self.facts = text, facts

    def said(self, gettext: Gettext) -> str:
        """The sentence in the language of `gettext`."""
        facts = {
            name: fact.said(gettext) if isinstance(fact, Sentence) else fact for name, fact in self.facts.items()
        }
        return gettext(self.text).format(**facts)

    def __str__(self) -> str:
        return self.said(str)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sentence) and (self.text, self.facts) == (other.text, other.facts)

    __hash__ = None  # type: ignore[assignment]


AUTHORS_MISTAKE = Sentence(
    _("There is a mistake in how this lab is set up. Only the course team can put it right; tell them.")
)


class Trouble(Exception):
    """Why a handler does not do what it was asked: the HTTP status, and a sentence for who asked.

    `staff`: what the course team is told instead, with cause and remedy.
    """

    def __init__(self, status: int, sentence: Sentence, *, staff: Sentence | None = None) -> None:
        super().__init__(str(staff or sentence))
        self.status, self.sentence, self.staff = status, sentence, staff

    def said(self, gettext: Gettext, *, staff: bool) -> str:
        """The sentence for this reader."""
        return (self.staff if staff and self.staff else self.sentence).said(gettext)


class AuthorTrouble(Trouble):
    """The lab is set up in a way that cannot work: a calm sentence for learners, the cause for staff."""

    def __init__(self, staff: Sentence) -> None:
        super().__init__(409, AUTHORS_MISTAKE, staff=staff)


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field: the value as the author gave it, and what to do about it."""

    field: str
    value: Any
    remedy: Sentence
