"""The author's form in a browser: what is chosen in it is what is sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from playwright.sync_api import Browser, Route

from hastexo_lab.block import page as templates
from hastexo_lab.block import studio
from hastexo_lab.xblock import LabXBlock
from tests.frontend.pretend import ROOT

SCRIPT = (ROOT / "hastexo_lab" / "static" / "studio.js").read_text("utf-8")
START = "HastexoLabStudio({handlerUrl: () => '/save', notify() {}}, document.body, {})"


def form(**fields: Any) -> str:
    """The page with the form of a block that has these fields."""
    block = SimpleNamespace(**{**{name: field.default for name, field in LabXBlock.fields.items()}, **fields})
    words = {"save": "Save", "cancel": "Cancel", "remove": "Remove", "up": "Move up"}
    drawn = templates.html("studio.html", sections=studio.form(block, str), words=words)
    return f"<!doctype html><body>{drawn}<script>{SCRIPT}</script><script>{START}</script>"


def test_terminal_and_each_machines_own_protocol_are_sent(browser: Browser) -> None:
    document = form(ports=[{"name": "desk", "number": 5900, "protocol": "vnc"}])

    def answer(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(json={"result": "success"})
        else:
            route.fulfill(body=document, content_type="text/html; charset=utf-8")

    page = browser.new_page()
    page.route("**/*", answer)
    page.goto("http://studio.test/")
    page.get_by_role("combobox", name="Terminal", exact=True).select_option("Guacamole's")
    page.get_by_role("button", name="Add machine").click()
    row = page.get_by_role("group", name="Machines and ports").get_by_role("listitem").last
    row.get_by_role("textbox", name="Name").fill("web")
    row.get_by_role("textbox", name="Port").fill("22")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Save").click()
    told = sent.value.post_data_json
    page.close()
    assert told["terminal"] == "guacamole"
    assert told["ports"] == [
        {"name": "desk", "number": "5900", "protocol": "vnc"},
        {"name": "web", "number": "22", "protocol": ""},
    ]
