-- Records that deliveries named without saying what is in them, until they are fetched. One row per record, so that one is
-- fetched by one replica at a time; `asked` grows with every delivery that names it, and tells whether one came meanwhile.
CREATE SEQUENCE record_fetch_asks CACHE 1;
CREATE TABLE record_fetches (
    source_id integer NOT NULL CONSTRAINT record_fetches_source_fkey REFERENCES clock_sources,
    kind text COLLATE "C" NOT NULL,
    record text COLLATE "C" NOT NULL,
    asked bigint NOT NULL DEFAULT nextval('record_fetch_asks'),
    asked_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    -- While somebody fetches it; after a crash it is due again by then.
    claimed_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    failure text,
    CONSTRAINT record_fetches_pkey PRIMARY KEY (source_id, kind, record)
) WITH (fillfactor = 70);
CREATE INDEX record_fetches_due ON record_fetches (due_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON record_fetches TO rollcall_app;
GRANT USAGE ON SEQUENCE record_fetch_asks TO rollcall_app;
