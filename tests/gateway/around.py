"""An application with the gateway in front of it, as the workbench has it."""

from hastexo_lab.gateway.asgi import gateway_application


async def other(scope, receive, send):  # type: ignore[no-untyped-def]
    """Says who it is."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"21")]})
    await send({"type": "http.response.body", "body": b"the other application"})


application = gateway_application(other)
