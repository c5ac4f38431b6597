-- Whether an engine answers, as the replica sees it that acts for the account: written with its heartbeat, so that every
-- replica's page can tell. Unlogged: after a crash nothing is known, which is the truth.
CREATE UNLOGGED TABLE engine_pulses (
    account integer CONSTRAINT engine_pulses_pkey PRIMARY KEY,
    beat_at timestamptz NOT NULL,
    -- When the first call left that was not answered, nor any after it; null while the engine answers.
    silent_since timestamptz
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE ON engine_pulses TO rollcall_app;
