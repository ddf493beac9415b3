"""Pages and gateway on one origin."""

import os
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lab_workbench.settings")

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

_pages = ASGIStaticFilesHandler(get_asgi_application())

from hastexo_lab.gateway.asgi import gateway_application  # noqa: E402
from lab_workbench.course import scenarios  # noqa: E402

# A page that was open before this process began asks handlers, and knows of no first page that loads the labs.
# In a thread, since a server may import this from its event loop, where Django allows no query.
with ThreadPoolExecutor(1) as _loader:
    _loader.submit(scenarios).result()

application = gateway_application(_pages)
