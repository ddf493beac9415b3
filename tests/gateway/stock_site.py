"""The gateway, and beside it a page with the client that Apache Guacamole's own pages use, as npm has it."""

from __future__ import annotations

from pathlib import Path

from hastexo_lab.gateway.asgi import gateway_application

HERE = Path(__file__).parent
LIBRARY = HERE.parents[1] / "frontend/node_modules/@dushixiang/guacamole-common-js/dist/esm/guacamole-common.js"
FILES = {
    "/": (b"text/html", HERE / "stock_client.html"),
    "/guacamole-common.js": (b"text/javascript", LIBRARY),
}


async def files(scope, receive, send):  # type: ignore[no-untyped-def]
    """Serve FILES."""
    kind, path = FILES.get(scope["path"], (b"text/plain", Path("/dev/null")))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": path.read_bytes()})


application = gateway_application(files)
