-- How many requests of a source came to what on a day (UTC); written by each replica about once a second.
CREATE TABLE source_counts (
    source_id integer NOT NULL CONSTRAINT source_counts_source_fkey REFERENCES clock_sources,
    day date NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT source_counts_pkey PRIMARY KEY (source_id, day, outcome)
) WITH (fillfactor = 50);

-- When a source was last heard, and how many requests were refused since.
CREATE TABLE source_activity (
    source_id integer CONSTRAINT source_activity_pkey PRIMARY KEY
        CONSTRAINT source_activity_source_fkey REFERENCES clock_sources,
    -- The last request that proved to be the source's own.
    last_seen_at timestamptz,
    last_refused_at timestamptz,
    refused_since_seen bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- The newest refusals of each source. Nothing of a body, since nobody proved whose it was.
CREATE TABLE source_refusals (
    refusal bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT source_refusals_pkey PRIMARY KEY,
    source_id integer NOT NULL CONSTRAINT source_refusals_source_fkey REFERENCES clock_sources,
    refused_at timestamptz NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    size integer,
    content_type text,
    user_agent text
);
CREATE INDEX source_refusals_of_source ON source_refusals (source_id, refused_at, refusal);

-- A source that fell silent is an incident too. It has no account; the last release, which knows accounts only, must be
-- able to read the row and must not take it for an account's, so it carries the source's number below zero there.
ALTER TABLE incidents ADD COLUMN IF NOT EXISTS source_id integer
    CONSTRAINT incidents_source_fkey REFERENCES clock_sources;
ALTER TABLE incidents ADD CONSTRAINT incidents_account_check CHECK (source_id IS NULL OR account = -source_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON source_counts, source_activity, source_refusals TO rollcall_app;
