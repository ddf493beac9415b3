"""The course's files: which text is read, and which path leads nowhere."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from hastexo_lab.block import assets
from hastexo_lab.block.words import AuthorTrouble


@pytest.mark.parametrize("path", ["lab.yaml", "/static/lab.yaml", "/lab.yaml", " lab.yaml ", "deep/../lab.yaml"])
def test_authors_write_paths_in_several_ways(course_files: Path, path: str) -> None:
    (course_files / "deep").mkdir()
    (course_files / "lab.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert assets.read(None, path) == "a: 1\n"


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "../../etc/passwd", "", ".", "gone", "a\0b", "link"])
def test_no_path_leads_out_of_the_folder(course_files: Path, path: str) -> None:
    (course_files.parent / "secret").write_text("x")
    (course_files / "link").symlink_to("/etc/hostname")
    with pytest.raises(assets.AssetMissing):
        assets.read(None, path)


class NotFoundError(Exception):
    """As xmodule.exceptions has it."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, settings: Any) -> dict[Any, Any]:
    """The content store of the LMS, as far as it is asked: (course, path) → bytes. The LMS cannot run here."""
    contents: dict[Any, Any] = {}

    def find(location: Any) -> Any:
        if location not in contents:
            raise NotFoundError
        return SimpleNamespace(data=contents[location], length=len(contents[location]))

    content, django, exceptions = (ModuleType(name) for name in ("content", "django", "exceptions"))
    content.StaticContent = SimpleNamespace(compute_location=lambda course, path: (course, path))  # type: ignore
    django.contentstore = lambda: SimpleNamespace(find=find)  # type: ignore[attr-defined]
    exceptions.NotFoundError = NotFoundError  # type: ignore[attr-defined]
    for name, module in {
        "xmodule": ModuleType("xmodule"),
        "xmodule.contentstore": ModuleType("xmodule.contentstore"),
        "xmodule.contentstore.content": content,
        "xmodule.contentstore.django": django,
        "xmodule.exceptions": exceptions,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    settings.HASTEXO_LAB = {"site": "test"}
    return contents


def test_the_content_store_is_asked_by_course_and_path(store: dict[Any, Any]) -> None:
    store["course", "labs/lab.yaml"] = b"a: 1\n"
    assert assets.read("course", "/static/labs/lab.yaml") == "a: 1\n"
    with pytest.raises(assets.AssetMissing):
        assets.read("other", "labs/lab.yaml")
    with pytest.raises(assets.AssetMissing):
        assets.read(None, "labs/lab.yaml")


@pytest.mark.parametrize(("content", "says"), [(b"\xff", "is not text"), (b"x" * (2**20 + 1), "is larger than")])
def test_what_is_in_the_store_has_to_be_a_text_of_some_size(
    store: dict[Any, Any], content: bytes, says: str
) -> None:
    store["course", "lab.yaml"] = content
    with pytest.raises(AuthorTrouble, match=says):
        assets.read("course", "lab.yaml")
