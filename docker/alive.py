"""Exit 0 when the bridge of this machine turns: asks /live on its control socket.

It takes the standard library only, so that a container may ask every few seconds for next to nothing.
"""

import http.client
import os
import socket
import sys
from pathlib import Path

PATIENCE_S = 4


class ControlSocket(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("bridge", timeout=PATIENCE_S)
        self.path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def is_alive(folder: Path) -> bool:
    """Whether the bridge of this data folder turns."""
    asked = ControlSocket(folder / "control.sock")
    try:
        asked.request("GET", "/live")
        return asked.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        asked.close()


if __name__ == "__main__":
    sys.exit(0 if is_alive(Path(os.environ.get("BRIDGE_DATA", "/data"))) else 1)
