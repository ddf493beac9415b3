"""neutron_sqlite.py FILE: Neutron's tables from its models (SQLite lacks the ALTERs of its migrations)."""

import sys

import sqlalchemy
from neutron.db.migration.models import head

head.get_metadata().create_all(sqlalchemy.create_engine("sqlite:///" + sys.argv[1]))
