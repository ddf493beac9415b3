"""A native terminal in the page, and the gateway's end of it, played by the test."""

from __future__ import annotations

import itertools
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.frontend.pretend import Pretend, Visit, until

OPEN = """async ([name, wanted]) => {
  const hosts = [{ name: "web", kind: "terminal", door: "shell" }];
  show({ phase: "up", name: "Put your page on the web", hosts, active: 0, sleepAfter: 1200, canFull: true }, {});
  const lab = document.querySelector("hastexo-lab");
  await customElements.whenDefined("hastexo-lab");
  const sheet = lab.shadowRoot.querySelector("link");
  if (!sheet.sheet) await new Promise(resolve => sheet.addEventListener("load", resolve));
  const pane = Object.assign(document.createElement("div"), { className: "hl-pane", tabIndex: 0 });
  pane.dataset.kind = "terminal";
  pane.setAttribute("role", "application");
  pane.setAttribute("aria-label", `${name}. Control F6 leaves it.`);
  lab.terminal.append(pane);
  window.shells ??= {};
  window.heard ??= [];
  const told = kind => what => heard.push([kind, what]);
  const does = { onopen: told("open"), onend: told("end"), oncopied: told("copied") };
  shells[name] = HastexoLabShell.open({ pane, readOnly: false, ...does, ...wanted });
}"""


class Shell:
    """One terminal in the page and the gateway's end of it."""

    numbers = itertools.count(1)

    def __init__(self, page: Page, site: Pretend, name: str = "Terminal", **wanted: Any) -> None:
        self.page, self.site, self.name = page, site, name
        site.ready = False
        page.evaluate(OPEN, [name, wanted])
        self.pane = page.get_by_role("application", name=name)
        self.rows = self.pane.locator(".xterm-rows")
        self.screen = self.pane.locator(".xterm-screen")
        self.visit = self.connect()

    def connect(self, resumed: bool = False, taken: int = 0, hold: int = 120) -> Visit:
        url = f"{self.site.gateway}/hastexo-lab/shell"
        ticket = str(next(self.numbers))
        self.page.evaluate("([name, to]) => shells[name].connect(to)", [self.name, {"url": url, "ticket": ticket}])
        self.visit = self.site.door("shell")
        until(lambda: self.visit.told("connect"), "the first message")
        claimed = self.visit.told("connect")[0].get("session")
        session = claimed if resumed else f"session-{ticket}"
        self.visit.tell(type="ready", session=session, hold=hold, resumed=resumed, taken=taken)
        until(lambda: self.heard("open"), "the terminal is open")
        return self.visit

    def heard(self, kind: str) -> list[Any]:
        return [what for which, what in self.page.evaluate("heard") if which == kind]

    def says(self, data: str | bytes) -> None:
        self.visit.draw(data.encode() if isinstance(data, str) else data)

    def shows(self, text: str | re.Pattern[str]) -> None:
        expect(self.rows).to_contain_text(text)

    def focus(self) -> None:
        self.page.evaluate("([name]) => document.querySelector('hastexo-lab').focusInside()", [self.name])

    def typed(self, what: bytes) -> None:
        until(lambda: what in self.visit.instructions, f"{what!r} in the lab")

    def button(self, name: str) -> Locator:
        return self.pane.get_by_role("button", name=name)

    @property
    def size(self) -> tuple[int, int]:
        """As the page said it last."""
        said = (self.visit.told("size") or self.visit.told("connect"))[-1]
        return said["cols"], said["rows"]
