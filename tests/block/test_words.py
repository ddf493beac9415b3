"""Sentences are translated when it is known for whom."""

from __future__ import annotations

from hastexo_lab.block.words import AuthorTrouble, Sentence, Trouble

GERMAN = {"Choose {what}.": "Wählen Sie {what}.", "a terminal": "ein Terminal"}


def german(text: str) -> str:
    return GERMAN.get(text, text)


def test_a_sentence_and_the_sentences_in_it_are_translated() -> None:
    sentence = Sentence("Choose {what}.", what=Sentence("a terminal"))
    assert sentence.said(german) == "Wählen Sie ein Terminal."
    assert str(sentence) == "Choose a terminal."


def test_a_fact_with_braces_is_a_fact() -> None:
    assert str(Sentence("Choose {what}.", what="{0} {x}")) == "Choose {0} {x}."


def test_staff_are_told_more_where_there_is_more() -> None:
    both = AuthorTrouble(Sentence("lab.yaml is missing"))
    assert both.said(str, staff=True) == "lab.yaml is missing"
    assert "There is a mistake" in both.said(str, staff=False)
    assert Trouble(409, Sentence("Not now")).said(str, staff=True) == "Not now"
