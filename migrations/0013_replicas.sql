-- Which engine accounts a replica can act for, so that leases are spread over those that can take them.
-- A replica of an older release names none, and so nothing is handed to it.

ALTER TABLE replicas ADD COLUMN accounts integer[] NOT NULL DEFAULT '{}';

-- Sweeps that somebody asked one replica for and another has to do. Not logged: whoever waits asks again.
CREATE UNLOGGED TABLE sweep_orders (
    sweep bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT sweep_orders_pkey PRIMARY KEY,
    account integer NOT NULL,
    until timestamptz NOT NULL,
    taken_at timestamptz,
    is_complete boolean,
    instances integer NOT NULL DEFAULT 0,
    read integer NOT NULL DEFAULT 0,
    unread integer NOT NULL DEFAULT 0,
    drifted integer NOT NULL DEFAULT 0,
    repaired integer NOT NULL DEFAULT 0,
    deferred integer NOT NULL DEFAULT 0
);
GRANT SELECT, INSERT, UPDATE, DELETE ON sweep_orders TO rollcall_app;
