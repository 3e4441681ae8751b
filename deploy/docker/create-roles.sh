#!/bin/sh
# Run by the PostgreSQL image when it makes a new cluster. The passwords come from the environment.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --file /sluice/roles.sql
