"""Pages and gateway on one origin."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lab_workbench.settings")

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

_pages = ASGIStaticFilesHandler(get_asgi_application())

from hastexo_lab.gateway.asgi import gateway_application  # noqa: E402

application = gateway_application(_pages)
