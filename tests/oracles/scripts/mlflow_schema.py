"""Make an empty MLflow database whose schema is that of an earlier release, by MLflow's own migrations.

Usage: mlflow_schema.py SQLALCHEMY_URL ALEMBIC_REVISION
"""

import sys

import sqlalchemy
from alembic import command
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base

engine = sqlalchemy.create_engine(sys.argv[1])
Base.metadata.create_all(engine)
config = _get_alembic_config(sys.argv[1])
with engine.begin() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, sys.argv[2])
