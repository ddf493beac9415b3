"""The course's files: from the content store of the LMS and Studio, or from a folder where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop as _

from hastexo_lab.block.words import AuthorTrouble, Sentence
from hastexo_lab.conf import lab_settings

MAX_BYTES = 1024 * 1024


class AssetMissing(AuthorTrouble):
    """There is no such file (yet)."""


def _missing(path: str) -> AssetMissing:
    return AssetMissing(
        Sentence(
            _('The file "{path}" is not among the course\'s files. Upload it, or correct its name.'),
            path=path,
        )
    )


def _too_large(path: str) -> AuthorTrouble:
    return AuthorTrouble(
        Sentence(_('The file "{path}" is larger than {most} bytes. Make it smaller.'), path=path, most=MAX_BYTES)
    )


def _from_folder(root: Path, path: str) -> bytes:
    file = (root / path).resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file():
        raise _missing(path)
    if file.stat().st_size > MAX_BYTES:
        raise _too_large(path)
    return file.read_bytes()


def _from_store(course_key: Any, path: str) -> bytes:
    from xmodule.contentstore.content import StaticContent
    from xmodule.contentstore.django import contentstore
    from xmodule.exceptions import NotFoundError

    try:
        found = contentstore().find(StaticContent.compute_location(course_key, path))
    except NotFoundError:
        raise _missing(path) from None
    if (found.length or 0) > MAX_BYTES:
        raise _too_large(path)
    data = found.data
    return data if isinstance(data, bytes) else str(data).encode()


def read(course_key: Any, path: str) -> str:
    """The text of one of the course's files. Raises AssetMissing or another AuthorTrouble, which name it.

    `path` is as authors write it: `lab.yaml`, `templates/lab.yaml` or `/static/lab.yaml`. `course_key`: the
    course's opaque key, not used where the setting `assets_root` stands in for the store.
    """
    name = path.strip().removeprefix("/static/").lstrip("/")
    root = lab_settings().assets_root
    if "\0" in name or not (root or course_key):
        raise _missing(path)
    data = _from_folder(Path(root), name) if root else _from_store(course_key, name)
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise AuthorTrouble(Sentence(_('The file "{path}" is not text. Save it as text in UTF-8.'), path=name))
    return text
