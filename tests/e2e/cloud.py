"""A course whose lab is a real Heat stack, with a real sshd as its machine."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from tests.gateway.fixtures import LabHost

TEMPLATE = """heat_template_version: 2018-08-31
parameters:
  run: {{type: string}}
  private_key: {{type: string, hidden: true}}
resources:
  host: {{type: OS::Lab::Fault, properties: {{value: 127.0.0.1, {properties}}}}}
outputs:
  public_ip: {{value: {{get_attr: [host, output]}}}}
  private_key: {{value: {{get_param: private_key}}}}
  port_offset: {{value: {offset}}}
"""


def course(sshd: LabHost, properties: str = "wait: {CREATE: 2}", **fields: object) -> dict[str, str]:
    """The files of a course with the lab "cloud". The machine's port is a free one: hence the offset."""
    more = " ".join(f"{name}={quoteattr(str(value))}" for name, value in fields.items())
    indented = sshd.keys["rsa"].replace("\n", "\n    ")
    return {
        "cloud.xml": f'<hastexo_lab display_name="Cloud" stack_user_name="{sshd.user}" {more} '
        'stack_template_path="lab.yaml"><provider name="heat" environment="env.yaml"/></hastexo_lab>',
        "lab.yaml": TEMPLATE.format(offset=sshd.port - 22, properties=properties),
        "env.yaml": f"parameters:\n  private_key: |\n    {indented}",
    }
