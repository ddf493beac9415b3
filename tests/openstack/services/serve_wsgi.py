"""serve_wsgi.py LAB_DIR MODULE:ATTRIBUTE PORT: serve a WSGI application, by one thread (SQLite locks).

LAB_DIR is only there to tell this process from those of other runs. OpenStack's WSGI modules parse sys.argv,
so it is emptied before the import.
"""

import importlib
import sys

target, port = sys.argv[2], int(sys.argv[3])
sys.argv = sys.argv[:1]
module, attribute = target.split(":")
application = getattr(importlib.import_module(module), attribute)

import waitress  # noqa: E402

waitress.serve(application, host="127.0.0.1", port=port, threads=1, ident=None)
