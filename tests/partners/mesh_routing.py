"""The real mesh-sandbox with what it leaves out: the routing by registration, to one practice's mailbox.

Run by the sandbox's own interpreter: uvicorn mesh_routing:app.
"""

from mesh_sandbox.api import app as sandbox

PRACTICE = b"X26ABC2"


async def app(scope, receive, send):
    """Letters to a registered practice go to X26ABC2, as MESH's own look-up would have it."""
    if scope["type"] == "http":
        scope = scope | {"headers": [(name, _routed(name, value)) for name, value in scope["headers"]]}
    await sandbox(scope, receive, send)


def _routed(name, value):
    return PRACTICE if name == b"mex-to" and value.startswith(b"GPPROVIDER_") else value
