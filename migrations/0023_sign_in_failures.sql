-- Wrong keys that somebody tried to sign in with, over all replicas: by a digest of the sender's address, when all of its
-- failures are forgiven. At most 10,000 rows, which go by themselves within minutes. Unlogged: a crash forgives everybody, and
-- every process counts for itself besides.
CREATE UNLOGGED TABLE sign_in_failures (
    sender bytea CONSTRAINT sign_in_failures_pkey PRIMARY KEY,
    forgiven_at timestamptz NOT NULL
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_failures TO rollcall_app;
