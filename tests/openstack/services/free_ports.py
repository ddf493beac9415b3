"""free_ports.py NAME... : print NAME_PORT=number lines, each a loopback port that is free now."""

import socket
import sys

taken = []
for name in sys.argv[1:]:
    taken.append(socket.create_server(("127.0.0.1", 0)))
    print(f"{name}_PORT={taken[-1].getsockname()[1]}")
