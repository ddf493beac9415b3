"""docs/embedding.md, done as it says in a fresh project: its users get a terminal and a desktop, without XBlock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.embed.project import SERVERS, Project, blocks
from tests.gateway.fixtures import LabHost, Program, secrets_in, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.guacd]


@pytest.fixture(scope="module", params=sorted(SERVERS))
def site(request: pytest.FixtureRequest, project: Project) -> Iterator[Program]:
    """The project under each server."""
    with project.serving(request.param) as program:
        yield program


def signed_in(browser: Browser, site: Program, name: str, path: str) -> Page:
    """This user's browser on this page of the project's."""
    page = browser.new_context().new_page()
    page.goto(f"http://127.0.0.1:{site.port}{path}")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(name)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{path}")
    return page


def test_the_example_is_as_short_as_it_says() -> None:
    own = [block.text for block in blocks() if block.path in ("labs/views.py", "labs/urls.py")]
    lines = [line for text in own for line in text.splitlines() if line and not line.startswith(("from", "import"))]
    assert len(lines) <= 22


def test_the_project_has_no_xblock(project: Project) -> None:
    loaded = project.run("python", "-c", "import mysite.asgi, mysite.urls, sys; print(*sys.modules)").split()
    assert {"hastexo_lab.gateway.asgi", "hastexo_lab.admin", "labs.views"} <= {*loaded}
    assert not {"xblock", "web_fragments", "opaque_keys", "hastexo_lab.xblock", "hastexo_lab.block"} & {*loaded}


def test_static_files_are_collected_side_by_side(project: Project) -> None:
    project.manage("collectstatic", "--noinput", "-v0")
    collected = {path.name for path in (project.folder / "collected").iterdir()}
    assert {"lab.js", "lab.css", "shell.js", "desktop.js"} <= collected


def test_a_user_types_in_a_terminal(browser: Browser, site: Program, sshd: LabHost, tmp_path: Path) -> None:
    page = signed_in(browser, site, "ada", "/labs/terminal/")
    expect(page.locator("hastexo-lab .xterm-rows")).to_contain_text("$", timeout=20_000)
    page.locator("hastexo-lab .xterm").click()
    page.keyboard.type(f"echo hi > {tmp_path}/said\n")
    wait_for(lambda: (tmp_path / "said").exists() and (tmp_path / "said").read_text() == "hi\n")
    assert not secrets_in(site.log.read_text())
    page.goto(f"http://127.0.0.1:{site.port}/admin/hastexo_lab/visit/")
    visit = page.locator("#result_list tbody tr").first
    for name, value in {"user_name": "ada", "user_id": "ada", "port": str(sshd.port), "place": "terminal"}.items():
        expect(visit.locator(f".field-{name}")).to_have_text(value)
    page.context.close()


# The lab's own pixels, which its desktop has filled.
DRAWN = """canvases => canvases.some(canvas => canvas.width === 1024 && canvas.height === 768 &&
    canvas.getContext("2d").getImageData(500, 500, 1, 1).data[3] === 255)"""


def test_a_user_sees_a_desktop(browser: Browser, site: Program) -> None:
    page = signed_in(browser, site, "ada", "/labs/screen/")
    canvases = page.locator("hastexo-lab canvas")
    expect(canvases.first).to_be_visible(timeout=20_000)
    wait_for(lambda: canvases.evaluate_all(DRAWN), what="pixels")
    page.context.close()


def test_whom_the_hook_does_not_know_stays_outside(browser: Browser, site: Program) -> None:
    page = signed_in(browser, site, "eve", "/labs/terminal/")
    sentence = "This link into the lab was made for somebody else. Open the page again."
    expect(page.get_by_text(sentence, exact=True)).to_be_visible(timeout=20_000)
    page.context.close()


def test_who_has_not_signed_in_gets_no_ticket(browser: Browser, site: Program) -> None:
    page = browser.new_context().new_page()
    page.goto(f"http://127.0.0.1:{site.port}/labs/terminal/")
    assert "/admin/login/" in page.url
    answer = page.request.post(
        f"http://127.0.0.1:{site.port}/labs/terminal/ticket", headers={"X-CSRFToken": "x"}, max_redirects=0
    )
    assert answer.status in (302, 403)
    page.context.close()


def test_the_first_host_key_is_the_one_to_meet(browser: Browser, site: Program, project: Project) -> None:
    page = signed_in(browser, site, "ada", "/labs/terminal/")
    expect(page.locator("hastexo-lab .xterm-rows")).to_contain_text("$", timeout=20_000)
    page.context.close()
    keys = "from hastexo_lab.models import HostKey; keys = HostKey.objects; "
    met = keys + "print(keys.get().place); keys.update(key='ssh-ed25519 AAAA')"
    pinned = project.manage("shell", "-v0", "-c", met)
    assert pinned.strip() == "place/terminal"
    page = signed_in(browser, site, "ada", "/labs/terminal/")
    expect(page.get_by_text("does not show the key it had before").first).to_be_visible(timeout=20_000)
    page.context.close()
    project.manage("shell", "-v0", "-c", keys + "keys.all().delete()")
