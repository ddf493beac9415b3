"""wait_http.py URL PID [SECONDS]: wait until URL answers; status 1 when the process ends or time is up."""

import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

url, pid, seconds = sys.argv[1], sys.argv[2], float((sys.argv[3:] or ["90"])[0])
deadline = time.monotonic() + seconds
while time.monotonic() < deadline:
    try:
        urllib.request.urlopen(url, timeout=5)
        sys.exit(0)
    except urllib.error.HTTPError as error:  # 300: a list of versions; 401: it wants a token
        if error.code in (300, 401):
            sys.exit(0)
    except OSError:
        pass
    try:
        ended = not Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        ended = True
    if ended:
        break
    time.sleep(0.1)
sys.exit(1)
