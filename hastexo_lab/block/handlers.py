"""What all handlers have in common: JSON by POST from a known person, and an answer in JSON, errors too."""

from __future__ import annotations

import functools
import inspect
import json
import logging
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_noop as _
from webob import Response

from hastexo_lab.block.visitor import Visitor
from hastexo_lab.block.words import AuthorTrouble, Sentence, Trouble
from hastexo_lab.conf import lab_settings

log = logging.getLogger("hastexo_lab.block")

MAX_BODY = 4 * 1024 * 1024


def check_that(sound: bool) -> None:
    """Raise Trouble 400 unless what the page has sent is `sound`."""
    if not sound:
        raise Trouble(400, Sentence(_("This page has sent something that cannot be read. Open the page again.")))


def _sent(request: Any) -> dict[str, Any]:
    """The JSON object in the request.

    No form can send this content type, so another site's page cannot use the visitor's cookies here, not even
    by the LMS's way to handlers that does without a CSRF token.
    """
    if request.content_type != "application/json":
        raise Trouble(415, Sentence(_("This address takes JSON only.")))
    check_that((request.content_length or 0) <= MAX_BODY)
    try:
        data = json.loads(request.body.decode() or "{}")
    except (ValueError, RecursionError):
        data = None
    check_that(isinstance(data, dict))
    return data  # type: ignore[no-any-return]


def _error(block: Any, trouble: Trouble, *, staff: bool) -> Response:
    said = trouble.said(block.runtime.service(block, "i18n").gettext, staff=staff)
    response = Response(json={"error": said}, status=trouble.status, charset="utf-8")
    if trouble.status == 405:
        response.allow = ("POST",)
    return response


def json_post(admit: Callable[[Any], Visitor]) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Make a handler of `work(block, visitor, data)`, which answers a dict or Response or raises Trouble.

    `admit` says who is asking, or raises Trouble. Work that has a parameter `cookie` gets the value of the
    cookie that tickets are bound to.
    """

    def decorate(work: Callable[..., Any]) -> Callable[..., Response]:
        wants_cookie = "cookie" in inspect.signature(work).parameters

        @functools.wraps(work)
        def handler(block: Any, request: Any, suffix: str = "") -> Response:
            staff = False
            try:
                if request.method != "POST":
                    raise Trouble(405, Sentence(_("This address takes POST only.")))
                visitor = admit(block)
                staff = visitor.is_staff
                more = {"cookie": request.cookies.get(lab_settings().ticket_cookie, "")} if wants_cookie else {}
                answer = work(block, visitor, _sent(request), **more)
            except Trouble as trouble:
                if isinstance(trouble, AuthorTrouble):
                    log.warning("%s: %s", block.scope_ids.usage_id, trouble)
                return _error(block, trouble, staff=staff)
            return answer if isinstance(answer, Response) else Response(json=answer, charset="utf-8")

        handler._is_xblock_handler = True  # type: ignore[attr-defined]  # what XBlock.handler does
        return handler

    return decorate
