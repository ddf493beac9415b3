"""The XBlock: what authors set, what a page gets, and the few wishes that it may record.

It never talks to a cloud, to guacd or to a lab: handlers are a few database queries each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_noop as _
from web_fragments.fragment import Fragment
from webob import Response
from xblock.core import XBlock
from xblock.fields import Boolean, Dict, Float, Integer, List, Scope, String
from xblock.plugin import PluginMissingError
from xblock.utils.studio_editable import NestedXBlockSpec, StudioContainerWithNestedXBlocksMixin

from hastexo_lab import tickets
from hastexo_lab.block import looking, olx, order, page, scenarios, studio
from hastexo_lab.block.check import is_line
from hastexo_lab.block.handlers import check_that, json_post
from hastexo_lab.block.visitor import Visitor, admit, admit_author, visitor_of
from hastexo_lab.block.words import AUTHORS_MISTAKE, AuthorTrouble, Fault, Gettext, Sentence, Trouble
from hastexo_lab.conf import lab_settings
from hastexo_lab.models import Phase, Stack
from hastexo_lab.stacks import presence, wishes
from hastexo_lab.stacks.story import window_state

NO_LAB_YET = Sentence(_("There is no lab here yet. Open the page again."))
PROTOCOL = "hastexo-lab.v1"
# What may stand above the window: entry point and the name that Studio shows.
NESTED = (("html", _("Text")), ("video", _("Video")), ("pdf", _("PDF")), ("markdown", _("Markdown")))


def _own(default: Any = "", *, field: Any = String, scope: Scope = Scope.settings) -> Any:
    """A field that an author sets; the form in block/studio.py names and explains it."""
    return field(default=default, scope=scope)


def _is_installed(block_type: str) -> bool:
    try:
        XBlock.load_class(block_type)
    except PluginMissingError:
        return False
    return True


@XBlock.needs("i18n", "user")
@XBlock.wants("enrollments", "studio_user_permissions", "mako")
class LabXBlock(StudioContainerWithNestedXBlocksMixin, XBlock):  # type: ignore[misc]
    """One lab in a course unit. Times are in seconds: None is the site's value, 0 is never."""

    public_dir = "static"
    has_children = True
    has_author_view = True
    icon_class = "other"

    display_name = String(display_name=_("Title"), default=_("Lab"), scope=Scope.settings)
    weight = _own(1.0, field=Float)
    lab_name = _own()
    stack_user_name = _own()
    stack_protocol = _own("ssh")
    terminal = _own("native")
    stack_template_path = _own()
    stack_key_type = _own()
    launch_timeout = _own(None, field=Integer)
    suspend_timeout = _own(None, field=Integer)
    delete_age = _own(None, field=Integer)
    hook_script = _own()
    hook_events = _own(None, field=Dict)
    ports = _own([], field=List)
    providers = _own([], field=List)
    # Old courses name a single provider here.
    provider = _own()
    tests = _own([], field=List, scope=Scope.content)
    read_only = _own(False, field=Boolean)
    hidden = _own(False, field=Boolean)
    enable_fullscreen = _own("inherit")
    instructions_layout = _own("above")
    progress_check_label = _own()
    progress_check_result_heading = _own()
    show_feedback = _own(True, field=Boolean)
    show_hints_on_error = _own(True, field=Boolean)

    # OLX

    @classmethod
    def parse_xml(cls, node: Any, runtime: Any, keys: Any, id_generator: Any = None) -> LabXBlock:
        """The block that `node` describes. Raises olx.OlxFault."""
        block: LabXBlock = runtime.construct_xblock_from_class(cls, keys)
        olx.read(block, node, runtime)
        return block

    def add_xml_to_node(self, node: Any) -> None:
        """Write the block and its children into `node`, always in the same way and whole."""
        super().add_xml_to_node(node)
        olx.write(self, node)

    # Views

    def _gettext(self, text: str) -> str:
        translated: str = self.runtime.service(self, "i18n").gettext(text)
        return translated

    def _said(self, sentence: Sentence) -> str:
        return sentence.said(self._gettext)

    def _url(self, name: str) -> str:
        url: str = self.runtime.local_resource_url(self, f"{self.public_dir}/{name}")
        return url

    def _note(self, sentences: Iterable[Sentence], faults: Iterable[Fault] = ()) -> str:
        return page.html(
            "note.html",
            title=self.display_name,
            sentences=[self._said(sentence) for sentence in sentences],
            faults=studio.told(list(faults), self._gettext),
        )

    def _instructions(self, view: str, context: Any) -> Fragment:
        """The nested blocks, one after the other."""
        fragment = Fragment()
        for child in self.get_children():
            rendered = child.render(view, context)
            fragment.add_fragment_resources(rendered)
            fragment.add_content(rendered.content)
        return fragment

    def _window(self, visitor: Visitor) -> dict[str, Any]:
        """All that the page gets. tests/block/window.json holds the keys."""
        return {
            "name": self.display_name,
            "hosts": [{"name": host.name, "kind": host.kind, "door": host.door} for host in order.hosts(self)],
            "read_only": self._only_watches(visitor),
            "hidden": self.hidden,
            "fullscreen": self.enable_fullscreen != "false",
            "desktop_js": self._url("desktop.js"),
            "shell_js": self._url("shell.js"),
            "css": self._url("lab.css"),
            "heading_level": 3,
            "copy": lab_settings().shell_copy,
            "staff": visitor.is_staff,
            "looking_in": looking.extent(visitor),
        }

    def _only_watches(self, visitor: Visitor) -> bool:
        return bool(self.read_only) and not visitor.is_staff

    def student_view(self, context: Any = None) -> Fragment:
        """The instructions, and below them the window of the visitor's own lab."""
        visitor = visitor_of(self)
        if not visitor.is_authenticated:
            return self.public_view(context)
        fragment = self._instructions("student_view", context)
        if faults := order.faults(self):
            fragment.add_content(self._note([AUTHORS_MISTAKE], faults if visitor.is_staff else []))
            return fragment
        fragment.add_content(page.html("window.html", layout=self.instructions_layout))
        fragment.add_javascript_url(self._url("lab.js"))
        fragment.initialize_js("HastexoLabXBlock", self._window(visitor))
        return fragment

    def public_view(self, context: Any = None) -> Fragment:
        """For visitors who are not signed in: nobody's lab."""
        return Fragment(self._note([Sentence(_("Sign in and enrol in this course to use this lab."))]))

    def author_preview_view(self, context: Any) -> Fragment:
        """In Studio: the instructions, what learners will get, and what will not work yet."""
        fragment = Fragment()
        for child in self.get_children():
            rendered = self._render_child_fragment(child, context, "preview_view")
            fragment.add_fragment_resources(rendered)
            fragment.add_content(rendered.content)
        broken = order.faults(self)
        sentences = [Sentence(_("This lab cannot start yet."))] if broken else studio.summary(self)
        fragment.add_content(self._note(sentences, studio.warnings(self)))
        return fragment

    @property
    def allowed_nested_blocks(self) -> list[NestedXBlockSpec]:
        """What an author can put above the window, as far as it is installed."""
        return [
            NestedXBlockSpec(None, category=category, label=self._gettext(label))
            for category, label in NESTED
            if _is_installed(category)
        ]

    def studio_view(self, context: Any = None) -> Fragment:
        """The author's form."""
        words = {"save": _("Save"), "cancel": _("Cancel"), "remove": _("Remove"), "up": _("Move up")}
        said = {name: self._gettext(text) for name, text in words.items()}
        fragment = Fragment(page.html("studio.html", sections=studio.form(self, self._gettext), words=said))
        fragment.add_css_url(self._url("studio.css"))
        fragment.add_javascript_url(self._url("studio.js"))
        trouble = self._gettext(_("This could not be saved. Try again."))
        fragment.initialize_js("HastexoLabStudio", {"saving": self._gettext(_("Saving")), "trouble": trouble})
        return fragment

    @staticmethod
    def workbench_scenarios() -> list[tuple[str, str]]:
        """What xblock-sdk's workbench shows."""
        return scenarios.scenarios()

    # Handlers: who is asking, then whether it can be done, then the wish, then the answer.

    def _stack(self, visitor: Visitor) -> Stack | None:
        return wishes.find(visitor.course_id, visitor.user_id, order.lab_name(self))

    def _state(self, stack: Stack, visitor: Visitor) -> dict[str, Any]:
        now = timezone.now()
        up = [stack.pk] if stack.phase == Phase.UP else []
        state = window_state(
            stack,
            now,
            staff=visitor.is_staff,
            visitors=presence.visitors(up, now).get(stack.pk, []),
            looks_in=stack.learner_id != visitor.user_id,
        )
        return {"state": state}

    def _other(self, visitor: Visitor, data: dict[str, Any]) -> Stack | None:
        """The learner's stack that the course team asks for by {"lab": key, "help"?: bool}; None: their own."""
        key, helps = data.get("lab"), data.get("help", False)
        check_that(isinstance(helps, bool))
        if key is None:
            return None
        check_that(isinstance(key, str) and is_line(key))
        return looking.find(visitor, order.lab_name(self), key, helps=helps)

    @json_post(admit)
    def enter(self, visitor: Visitor, data: dict[str, Any]) -> dict[str, Any]:
        """{"again"?: bool} → {"state"}. The learner is here; `again`: they asked for it by a click."""
        again = data.get("again", False)
        check_that(isinstance(again, bool))
        try:
            ordered = order.lab_order(self, visitor)
        except AuthorTrouble:
            # A file that was broken or lost since is needed to make a lab, not to wake the one there is.
            stack = self._stack(visitor)
            if stack is None or stack.phase in (Phase.NEW, Phase.GONE, Phase.FAILED):
                raise
            return self._state(wishes.wake(stack), visitor)
        return self._state(wishes.enter(ordered, again=again), visitor)

    @json_post(admit)
    def status(self, visitor: Visitor, data: dict[str, Any]) -> dict[str, Any]:
        """{"lab"?: key} → {"state"}, of phase "new" where there has never been a lab. Nothing is woken."""
        return self._state(self._other(visitor, data) or self._stack(visitor) or Stack(), visitor)

    @json_post(admit)
    def labs(self, visitor: Visitor, data: dict[str, Any]) -> dict[str, Any]:
        """{"query"?: str} → {"labs": [{"key", "learner", "phase", "active", "here"}], "more": bool}.

        For the course team: others' labs of this unit whose learner's name or id holds the query, first those
        whose learner is here. `active` is an ISO date-time.
        """
        query = data.get("query", "")
        check_that(isinstance(query, str) and is_line(query))
        return looking.listed(visitor, order.lab_name(self), query.strip())

    @json_post(admit)
    def ticket(self, visitor: Visitor, data: dict[str, Any], cookie: str = "") -> dict[str, Any]:
        """{"door": the host's own | "events", "host"?: index} → {"url", "protocol", "ticket"}.

        With "lab": a learner's key, and "help"?: true to type in it: for the course team, which looks in.
        """
        door, index, hosts = data.get("door"), data.get("host", 0), order.hosts(self)
        check_that(isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(hosts))
        check_that(door in (hosts[index].door, "events"))
        other = self._other(visitor, data)
        stack = other or self._stack(visitor)
        if stack is None:
            raise Trouble(409, NO_LAB_YET)
        if door != "events" and stack.phase != Phase.UP:
            raise Trouble(409, Sentence(_("This lab is not ready yet. It opens by itself when it is.")))
        right = tickets.Ticket(
            stack=stack.pk,
            user_id=visitor.user_id,
            user_name=visitor.name,
            door=str(door),
            protocol=hosts[index].protocol,
            port=hosts[index].port,
            login=self.stack_user_name.strip(),
            read_only=self._only_watches(visitor) if other is None else not data.get("help"),
            staff=visitor.is_staff,
        )
        site = lab_settings()
        return {
            "url": f"{site.gateway_url}{site.gateway_prefix}{door}/{stack.key}",
            "protocol": PROTOCOL,
            "ticket": tickets.issue(right, cookie=cookie),
        }

    @json_post(admit)
    def reset(self, visitor: Visitor, data: dict[str, Any]) -> dict[str, Any]:
        """{} → {"state"}. A new lab as it was at the beginning."""
        if self._only_watches(visitor):
            raise Trouble(403, Sentence(_("This lab is for watching: it cannot be reset.")))
        stack = self._stack(visitor)
        if stack is None:
            raise Trouble(409, NO_LAB_YET)
        return self._state(wishes.reset(stack, order.lab_order(self, visitor)), visitor)

    @json_post(admit_author)
    def submit_studio_edits(self, visitor: Visitor, data: dict[str, Any]) -> dict[str, Any] | Response:
        """{field: value} → {"result": "success"}, or status 400 and {"error", "faults"} with nothing changed.

        A fault is {"field", "label", "value", "remedy"}; of a list, `field` is "ports.1" for its second row.
        """
        faults = studio.save(self, data)
        if not faults:
            return {"result": "success"}
        said: Gettext = self._gettext
        error = said(_("Correct these before this can be saved: {count}.")).format(count=len(faults))
        return Response(json={"error": error, "faults": studio.told(faults, said)}, status=400, charset="utf-8")
