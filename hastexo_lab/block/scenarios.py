"""What the workbench shows. Each lab names its files for both providers; the site takes those it has."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr


def _lab(title: str, template: str, more: str = "", inner: str = "") -> str:
    return (
        f'<hastexo_lab display_name={quoteattr(title)} stack_user_name="learner" {more}>'
        f'<provider name="local" template="{template}.local.yaml"/>'
        f'<provider name="heat" template="{template}.heat.yaml" environment="heat.env.yaml"/>'
        f"{inner}</hastexo_lab>"
    )


def scenarios() -> list[tuple[str, str]]:
    """(title, OLX) of each scenario. The place in the list is the workbench's address of it: new ones come last."""
    words = "<html_demo><p>Type <code>ls</code> and press Enter.</p></html_demo>"
    hosts = '<port name="web" number="22"/><port name="db" number="2202"/><port name="app" number="2203"/>'
    mixed = (
        '<port name="desk" number="5900" protocol="vnc"/><port name="terminal" number="22"/>'
        '<port name="server" number="2202"/>'
    )
    terminal = _lab("A terminal", "terminal", inner=words)
    return [
        ("A terminal", terminal),
        ("A desktop (VNC)", _lab("A desktop", "desktop", 'stack_protocol="vnc"')),
        ("A desktop (RDP)", _lab("A desktop", "desktop", 'stack_protocol="rdp"')),
        ("Three hosts", _lab("Three hosts", "three-hosts", inner=hosts)),
        (
            "Several labs on one page",
            "<vertical_demo>"
            + _lab("First lab", "terminal")
            + _lab("Second lab", "three-hosts", inner=hosts)
            + "</vertical_demo>",
        ),
        ("A lab that cannot start", _lab("A lab that cannot start", "broken")),
        ("Slow lab", _lab("Slow lab", "slow")),
        ("A terminal by Guacamole", _lab("A terminal by Guacamole", "terminal", 'terminal="guacamole"')),
        ("A desktop and terminals", _lab("A desktop and terminals", "desk-and-server", inner=mixed)),
    ]
