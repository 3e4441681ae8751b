-- Makes Sluice's database, its roles and their schemas. Run by psql as a superuser; may be run again at any time.
--
--   psql -v ON_ERROR_STOP=1 -f roles.sql "postgresql://postgres@host/postgres"
--
-- Passwords are psql variables (accounts_password, scheduler_password, sender_password, dead_letter_password,
-- projection_password) or, where one is not given, environment variables (SLUICE_DATABASE_PASSWORD_ACCOUNTS, …), which
-- the list of processes does not show. A role whose password is not given keeps the one it has.
--
-- Every role owns one schema (the projector's three), in which its service makes its tables by itself, and sees nothing
-- else, except that the gateway may use `projection` and `dead_letter`: their owners grant it the views it reads, no tables.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;

\if :{?accounts_password} \else
  \getenv accounts_password SLUICE_DATABASE_PASSWORD_ACCOUNTS
\endif
\if :{?scheduler_password} \else
  \getenv scheduler_password SLUICE_DATABASE_PASSWORD_SCHEDULER
\endif
\if :{?sender_password} \else
  \getenv sender_password SLUICE_DATABASE_PASSWORD_SENDER
\endif
\if :{?dead_letter_password} \else
  \getenv dead_letter_password SLUICE_DATABASE_PASSWORD_DEAD_LETTER
\endif
\if :{?projection_password} \else
  \getenv projection_password SLUICE_DATABASE_PASSWORD_PROJECTION
\endif

SELECT 'CREATE DATABASE sluice ENCODING ''UTF8'' TEMPLATE template0'
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'sluice') \gexec
\connect sluice
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', name)
  FROM unnest(ARRAY[
    'sluice_accounts', 'sluice_scheduler', 'sluice_sender', 'sluice_dead_letter', 'sluice_projection'
  ]) AS name
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

\if :{?accounts_password}
  ALTER ROLE sluice_accounts PASSWORD :'accounts_password';
\endif
\if :{?scheduler_password}
  ALTER ROLE sluice_scheduler PASSWORD :'scheduler_password';
\endif
\if :{?sender_password}
  ALTER ROLE sluice_sender PASSWORD :'sender_password';
\endif
\if :{?dead_letter_password}
  ALTER ROLE sluice_dead_letter PASSWORD :'dead_letter_password';
\endif
\if :{?projection_password}
  ALTER ROLE sluice_projection PASSWORD :'projection_password';
\endif

REVOKE ALL ON DATABASE sluice FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE sluice
  TO sluice_accounts, sluice_scheduler, sluice_sender, sluice_dead_letter, sluice_projection;

CREATE SCHEMA IF NOT EXISTS accounts AUTHORIZATION sluice_accounts;
CREATE SCHEMA IF NOT EXISTS scheduler AUTHORIZATION sluice_scheduler;
CREATE SCHEMA IF NOT EXISTS sender AUTHORIZATION sluice_sender;
CREATE SCHEMA IF NOT EXISTS dead_letter AUTHORIZATION sluice_dead_letter;
CREATE SCHEMA IF NOT EXISTS projection AUTHORIZATION sluice_projection;
-- Where `status-projector rebuild` makes the next read tables, and where the ones before lie until they are dropped.
CREATE SCHEMA IF NOT EXISTS projection_rebuild AUTHORIZATION sluice_projection;
CREATE SCHEMA IF NOT EXISTS projection_retired AUTHORIZATION sluice_projection;

ALTER ROLE sluice_accounts IN DATABASE sluice SET search_path = accounts;
ALTER ROLE sluice_scheduler IN DATABASE sluice SET search_path = scheduler;
ALTER ROLE sluice_sender IN DATABASE sluice SET search_path = sender;
ALTER ROLE sluice_dead_letter IN DATABASE sluice SET search_path = dead_letter;
ALTER ROLE sluice_projection IN DATABASE sluice SET search_path = projection;

GRANT USAGE ON SCHEMA projection, dead_letter TO sluice_accounts;

-- The one clock that all of Sluice's SQL reads, so that a test can set it forward or back by replacing the function.
CREATE SCHEMA IF NOT EXISTS sluice;
GRANT USAGE ON SCHEMA sluice
  TO sluice_accounts, sluice_scheduler, sluice_sender, sluice_dead_letter, sluice_projection;
SELECT 'CREATE FUNCTION sluice.clock() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE
    AS ''SELECT pg_catalog.clock_timestamp()'''
  WHERE to_regprocedure('sluice.clock()') IS NULL \gexec
