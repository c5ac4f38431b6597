-- Raw bodies in monthly partitions that go once they are old, and the erasure of a person.
-- `serve` owns no table, so what takes an owner's right is a function here, which `rollcall_app` alone may call.

-- What the sources and we called agents, where that is no longer so: their rows in the ledger are found by it.
-- Source 0 stands for the agent id.
CREATE TABLE former_names (
    source_id integer NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    agent bigint NOT NULL,
    CONSTRAINT former_names_pkey PRIMARY KEY (source_id, external_id, agent)
);
CREATE INDEX former_names_of_agent ON former_names (agent);

-- People who are gone from the map and whose traces are still being removed; a row goes once nothing is left of them.
CREATE TABLE erasures (
    erasure uuid CONSTRAINT erasures_pkey PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT now(),
    claimed_until timestamptz,
    agents bigint[] NOT NULL,
    -- Agents who were once called by one of the names.
    others bigint[] NOT NULL,
    agent_ids text[] NOT NULL,
    source_ids integer[] NOT NULL,
    external_ids text[] NOT NULL,
    names text[] NOT NULL,
    -- What came later is about somebody new.
    last_event bigint NOT NULL,
    last_delivery bigint NOT NULL,
    last_audit bigint NOT NULL
);
GRANT SELECT, UPDATE, DELETE ON erasures TO rollcall_app;

-- The form of a name that was erased. Swift: `ErasedName`.
CREATE FUNCTION is_erased(name text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT name ~ '^erased:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:[0-9]+)?$'
$$;

-- Whether a text contains one of the words, without case; numbers and words under four characters only where they stand alone.
CREATE FUNCTION mentions(line text, words text[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT EXISTS (
        SELECT FROM unnest(words) AS w (word)
        WHERE CASE
            WHEN length(w.word) >= 4 AND w.word !~ '^\d+$' THEN position(lower(w.word) IN lower(line)) > 0
            ELSE line ~* ('(^|[^[:alnum:]])' || regexp_replace(w.word, '([^[:alnum:]])', '\\\1', 'g') || '($|[^[:alnum:]])')
        END
    )
$$;

-- The ledger stays append-only: an UPDATE may come from `erase_events` alone, DELETE and TRUNCATE from nobody.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stack text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    IF TG_OP = 'UPDATE' AND stack ~ '(?n)^[^"]* (public\.)?erase_events\(' THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END
$$;

-- And it may change names alone, to their erased form.
CREATE FUNCTION check_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.sequence, NEW.dedupe, NEW.agent, NEW.source_id, NEW.kind, NEW.ordinal, NEW.occurred_at, NEW.effective_at,
            NEW.received_at, NEW.version, NEW.warnings)
        IS NOT DISTINCT FROM
        (OLD.sequence, OLD.dedupe, OLD.agent, OLD.source_id, OLD.kind, OLD.ordinal, OLD.occurred_at, OLD.effective_at,
            OLD.received_at, OLD.version, OLD.warnings)
        AND (NEW.external_id IS NOT DISTINCT FROM OLD.external_id OR OLD.external_id IS NOT NULL AND is_erased(NEW.external_id))
        AND (NEW.event_id IS NOT DISTINCT FROM OLD.event_id OR OLD.event_id IS NOT NULL AND is_erased(NEW.event_id))
        AND (NEW.record IS NOT DISTINCT FROM OLD.record OR OLD.record IS NOT NULL AND is_erased(NEW.record))
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END
$$;

-- Replaces the names in some rows of the ledger, as far as they are the erased person's: every name in the rows of the person's
-- agents, and the person's names in other rows. A record or event id that contains a name goes as well; a record in all its
-- rows at once, under a name of its own, so that its reports still belong together. Returns how many rows there were.
-- Indexes: `clock_events_pkey`, `clock_event_matches_pkey`, `clock_events_of_record`.
CREATE FUNCTION erase_events(the_erasure uuid, sequences bigint[]) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    e erasures := (SELECT x FROM erasures x WHERE x.erasure = the_erasure);
    erased text := 'erased:' || the_erasure;
    words text[] := e.agent_ids || e.external_ids;
    own bigint[];
    r record;
BEGIN
    SELECT coalesce(array_agg(c.sequence), '{}') INTO own
    FROM clock_events c
    LEFT JOIN clock_event_matches m ON m.sequence = c.sequence
    WHERE c.sequence = ANY (sequences)
      AND c.sequence <= e.last_event
      AND (
        coalesce(c.agent, m.agent) = ANY (e.agents)
        OR EXISTS (
            SELECT FROM unnest(e.source_ids, e.external_ids) AS n (source_id, external_id)
            WHERE n.source_id = c.source_id AND n.external_id = c.external_id
        )
      );
    FOR r IN
        SELECT c.source_id, c.record, min(c.sequence) AS first
        FROM clock_events c
        WHERE c.sequence = ANY (own)
          AND c.record IS NOT NULL
          AND mentions(c.record, words)
        GROUP BY c.source_id, c.record
    LOOP
        UPDATE clock_events c
        SET record = erased || ':' || r.first
        WHERE c.source_id = r.source_id
          AND c.record = r.record;
    END LOOP;
    UPDATE clock_events c
    SET external_id = CASE WHEN is_erased(c.external_id) THEN c.external_id WHEN c.external_id IS NOT NULL THEN erased END,
        event_id = CASE WHEN mentions(c.event_id, words) THEN erased ELSE c.event_id END
    WHERE c.sequence = ANY (own);
    RETURN array_length(own, 1);
END
$$;

-- Notes whom to erase, and erases what could still be matched to somebody; null when nobody is known by that id. Who calls it
-- deletes the agent first. All else is done in portions without any lock (`ErasureTraces`): this one holds the map's.
-- A person is an agent id that no agent has any more, in the sources whose external ids are agent ids, with all that
-- such agents were ever called; or one name of a source. A name that is an agent's now is that agent's.
-- Indexes: `former_names_pkey`, `former_names_of_agent`, `clock_events_unmatched`.
CREATE FUNCTION erase_person(
    the_agent_id text, id_sources integer[], the_source integer, the_external_id text, the_name text
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    -- Rows of nobody's that are changed at once; more wait for their portion.
    row_limit constant bigint := 500;
    erasure uuid := gen_random_uuid();
    numbers bigint[];
    sources integer[];
    externals text[];
    unmatched bigint[];
BEGIN
    SELECT coalesce(array_agg(DISTINCT f.agent), '{}') INTO numbers
    FROM former_names f
    WHERE f.source_id = ANY (0 || coalesce(id_sources, '{}'))
      AND f.external_id = the_agent_id
      AND NOT EXISTS (SELECT FROM agents a WHERE a.agent = f.agent)
      AND NOT EXISTS (
        SELECT FROM former_names o WHERE o.agent = f.agent AND o.source_id = 0 AND o.external_id <> the_agent_id
      );
    SELECT coalesce(array_agg(n.source_id), '{}'), coalesce(array_agg(n.external_id), '{}') INTO sources, externals
    FROM (
        SELECT unnest(id_sources) AS source_id, the_agent_id AS external_id WHERE the_agent_id IS NOT NULL
        UNION
        SELECT the_source, the_external_id WHERE the_source IS NOT NULL
        UNION
        SELECT f.source_id, f.external_id FROM former_names f WHERE f.agent = ANY (numbers) AND f.source_id > 0
    ) n
    WHERE NOT EXISTS (
        SELECT FROM agent_aliases l
        WHERE l.source_id = n.source_id AND l.external_id = n.external_id AND l.agent <> ALL (numbers)
      )
      AND NOT EXISTS (SELECT FROM agents a WHERE n.source_id = ANY (id_sources) AND a.agent_id = n.external_id);
    SELECT coalesce(array_agg(e.sequence), '{}') INTO unmatched
    FROM (
        SELECT c.sequence
        FROM unnest(sources, externals) AS n (source_id, external_id)
        CROSS JOIN LATERAL (
            SELECT e.sequence
            FROM clock_events e
            WHERE e.agent IS NULL
              AND e.source_id = n.source_id
              AND e.external_id = n.external_id
            LIMIT row_limit
        ) c
        LIMIT row_limit
    ) e;
    IF the_source IS NULL AND numbers = '{}' AND unmatched = '{}' THEN RETURN NULL; END IF;
    INSERT INTO erasures (
        erasure, agents, others, agent_ids, source_ids, external_ids, names, last_event, last_delivery, last_audit
    ) VALUES (
        erasure, numbers,
        ARRAY(
            SELECT DISTINCT f.agent
            FROM unnest(sources, externals) AS n (source_id, external_id)
            JOIN former_names f ON f.source_id = n.source_id AND f.external_id = n.external_id
            WHERE f.agent <> ALL (numbers)
        ),
        CASE WHEN the_agent_id IS NULL THEN '{}' ELSE ARRAY[the_agent_id] END, sources, externals,
        CASE WHEN the_name <> '' THEN ARRAY[the_name] ELSE '{}' END,
        coalesce((SELECT max(sequence) FROM clock_events), 0),
        coalesce(pg_sequence_last_value(pg_get_serial_sequence('deliveries', 'delivery')::regclass), 0),
        coalesce((SELECT max(entry) FROM audit), 0)
    );
    PERFORM erase_events(erasure, unmatched);
    DELETE FROM former_names f WHERE f.agent = ANY (numbers);
    DELETE FROM former_names f
    USING unnest(sources || 0, externals || the_agent_id) AS n (source_id, external_id)
    WHERE f.source_id = n.source_id
      AND f.external_id = n.external_id;
    RETURN erasure;
END
$$;

-- Remembers what an agent was called, or has all of it erased if that was asked for. What an agent is called when it goes is
-- remembered before it goes, since the triggers of what goes with it fire too late.
CREATE FUNCTION remember_alias() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO former_names (source_id, external_id, agent)
    SELECT OLD.source_id, OLD.external_id, OLD.agent
    WHERE EXISTS (SELECT FROM agents a WHERE a.agent = OLD.agent)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE FUNCTION remember_agent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO former_names (source_id, external_id, agent)
    SELECT 0, OLD.agent_id, OLD.agent
    UNION ALL
    SELECT l.source_id, l.external_id, l.agent FROM agent_aliases l WHERE l.agent = OLD.agent
    ON CONFLICT DO NOTHING;
    RETURN OLD;
END
$$;
CREATE FUNCTION erase_agent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM erase_person(OLD.agent_id, OLD.erasure_sources, NULL, NULL, OLD.name);
    RETURN NULL;
END
$$;

-- Replaces the erased person in the audit, whose entries stay.
CREATE FUNCTION erase_audit(the_erasure uuid) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    UPDATE audit u
    SET subject = CASE WHEN u.subject = ANY (e.subjects) THEN 'erased' ELSE u.subject END,
        detail = CASE WHEN mentions(u.detail::text, e.words) THEN NULL ELSE u.detail END
    FROM (
        SELECT x.last_audit, x.agent_ids || x.external_ids || x.names AS words,
            -- An entry about an alias says `source:external id`.
            x.agent_ids || ARRAY(
                SELECT s.name || ':' || n.external_id
                FROM unnest(x.source_ids, x.external_ids) AS n (source_id, external_id)
                JOIN clock_sources s ON s.source_id = n.source_id
            ) AS subjects
        FROM erasures x
        WHERE x.erasure = the_erasure
    ) e
    WHERE u.entry <= e.last_audit
      AND (u.subject = ANY (e.subjects) OR mentions(u.detail::text, e.words))
$$;

-- The planner keeps samples of values; they are drawn anew, but for tables that are empty now.
CREATE FUNCTION forget_samples() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    ANALYZE agents, agent_aliases, agent_states, instances, holds, former_names, erasures, clock_events, deliveries,
        delivery_ids, commands, incidents, audit;
END
$$;

-- The partitions of `deliveries` --------------------------------------------------------------------------------
-- Every function below does one thing in one short transaction, and gives up rather than keep appends waiting longer than
-- its `lock_timeout`: who waits for a lock on a table keeps everybody behind him waiting. Null: another replica is at it.
-- The whole table is locked for the moment that it takes, not only the rest: an insert that was on its way into the rest when a
-- partition for its row was attached would fail. (Nor is there DETACH … CONCURRENTLY for a table that has a default partition.)

-- What there is: `month` with its bounds, the `rest`, and what is `apart` until it is attached again.
CREATE FUNCTION delivery_partitions() RETURNS TABLE (kind text, name text, lower_at timestamptz, upper_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO' AS $$
    SELECT CASE WHEN pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT' THEN 'rest' ELSE 'month' END, c.relname::text,
        substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([^'']+)''\)')::timestamptz,
        substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'deliveries'::regclass
    UNION ALL
    SELECT 'apart', c.relname::text, NULL, to_timestamp(right(c.relname, 17), 'YYYY_MM_DD_HH24MISS')
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace
      AND c.relkind = 'r'
      AND c.relname ~ '^deliveries_until_\d{4}_\d\d_\d\d_\d{6}$'
      AND NOT c.relispartition
    ORDER BY 1, 3 NULLS FIRST, 2
$$;

-- Makes the partition of a month, and moves there what already lies in the rest.
CREATE FUNCTION make_delivery_partition(month timestamptz) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO' SET lock_timeout = '100ms' AS $$
DECLARE
    -- More are not moved while everybody waits.
    row_limit constant bigint := 10000;
    lower_at timestamptz := date_trunc('month', month);
    upper_at timestamptz := lower_at + interval '1 month';
    name text := 'deliveries_' || to_char(lower_at, 'YYYY_MM');
    moved bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7265, 2) THEN RETURN NULL; END IF;
    LOCK TABLE ONLY deliveries IN ACCESS EXCLUSIVE MODE;
    LOCK TABLE deliveries_rest IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE deliveries)', name);
    EXECUTE format(
        'WITH m AS (DELETE FROM deliveries_rest WHERE received_at >= %L AND received_at < %L RETURNING *)
        INSERT INTO %I SELECT * FROM m',
        lower_at, upper_at, name
    );
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved > row_limit THEN RAISE EXCEPTION 'too many deliveries lie outside the partitions'; END IF;
    EXECUTE format('ALTER TABLE deliveries ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, lower_at, upper_at);
    RETURN true;
END
$$;

-- Puts the rest apart with all that lies in it, has a new one in its place, and makes the partition of what is left of the
-- month. Nothing is read or moved, so it takes a moment whatever lies there.
CREATE FUNCTION set_deliveries_apart() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO' SET lock_timeout = '100ms' AS $$
DECLARE
    split_at timestamptz := date_trunc('second', clock_timestamp()) + interval '1 second';
    upper_at timestamptz := date_trunc('month', split_at) + interval '1 month';
BEGIN
    IF NOT pg_try_advisory_xact_lock(7265, 2) THEN RETURN NULL; END IF;
    LOCK TABLE ONLY deliveries IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE deliveries DETACH PARTITION deliveries_rest;
    EXECUTE format('ALTER TABLE deliveries_rest RENAME TO %I', 'deliveries_until_' || to_char(split_at, 'YYYY_MM_DD_HH24MISS'));
    CREATE TABLE deliveries_rest PARTITION OF deliveries DEFAULT;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF deliveries FOR VALUES FROM (%L) TO (%L)',
        'deliveries_' || to_char(split_at, 'YYYY_MM'), split_at, upper_at
    );
    RETURN true;
END
$$;

-- Proves what is apart to lie within its bounds, which takes as long as it takes to read it; nobody else uses it.
CREATE FUNCTION check_deliveries_apart(name text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO' AS $$
DECLARE
    split_at timestamptz := (SELECT p.upper_at FROM delivery_partitions() p WHERE p.kind = 'apart' AND p.name = $1);
    lower_at timestamptz := (SELECT max(p.upper_at) FROM delivery_partitions() p WHERE p.kind = 'month' AND p.upper_at <= split_at);
    columns text := 'source_id, received_at, delivery_id, headers, body, reading, events, effects, warnings, delivery';
BEGIN
    IF NOT pg_try_advisory_xact_lock(7265, 2) OR split_at IS NULL THEN RETURN NULL; END IF;
    EXECUTE format(
        'WITH m AS (DELETE FROM %I WHERE received_at >= %L OR received_at < %L RETURNING %s)
        INSERT INTO deliveries (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM m',
        name, split_at, lower_at, columns, columns, columns
    );
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS apart_check', name);
    EXECUTE format(
        'ALTER TABLE %I ADD CONSTRAINT apart_check CHECK (received_at < %L AND %s)',
        name, split_at, coalesce(format('received_at >= %L::timestamptz', lower_at), 'true')
    );
    RETURN true;
END
$$;

-- Attaches what is apart and was checked.
CREATE FUNCTION attach_deliveries(name text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO' SET lock_timeout = '100ms' AS $$
DECLARE
    split_at timestamptz := (SELECT p.upper_at FROM delivery_partitions() p WHERE p.kind = 'apart' AND p.name = $1);
    lower_at timestamptz := (SELECT max(p.upper_at) FROM delivery_partitions() p WHERE p.kind = 'month' AND p.upper_at <= split_at);
BEGIN
    IF NOT pg_try_advisory_xact_lock(7265, 2) OR split_at IS NULL THEN RETURN NULL; END IF;
    LOCK TABLE ONLY deliveries IN ACCESS EXCLUSIVE MODE;
    LOCK TABLE deliveries_rest IN ACCESS EXCLUSIVE MODE;
    -- What came in between.
    EXECUTE format(
        'WITH m AS (DELETE FROM deliveries_rest WHERE received_at < %L AND received_at >= coalesce(%L, received_at) RETURNING *)
        INSERT INTO %I (source_id, received_at, delivery_id, headers, body, reading, events, effects, warnings, delivery)
        SELECT source_id, received_at, delivery_id, headers, body, reading, events, effects, warnings, delivery FROM m',
        split_at, lower_at, name
    );
    EXECUTE format(
        'ALTER TABLE deliveries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%L)',
        name, coalesce(quote_literal(lower_at), 'MINVALUE'), split_at
    );
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT apart_check', name);
    RETURN true;
END
$$;

-- Drops a partition whose last body is older than `keep`. Its file goes after the lock is given back.
CREATE FUNCTION drop_delivery_partition(name text, keep interval) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO' SET lock_timeout = '100ms' AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(7265, 2) THEN RETURN NULL; END IF;
    IF NOT EXISTS (
        SELECT FROM delivery_partitions() p
        WHERE p.kind = 'month'
          AND p.name = $1
          AND p.upper_at <= now() - greatest(keep, interval '1 day')
    ) THEN
        RETURN false;
    END IF;
    LOCK TABLE ONLY deliveries IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('DROP TABLE %I', name);
    RETURN true;
END
$$;

-- Deletes some bodies older than `keep` from the rest and from what was the rest before there were months.
-- Index: the primary key of each.
CREATE FUNCTION trim_deliveries(keep interval, row_limit bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
    name text;
    portion bigint;
    total bigint := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7265, 2) THEN RETURN NULL; END IF;
    FOR name IN
        SELECT p.name FROM delivery_partitions() p WHERE p.kind = 'rest' OR p.name LIKE 'deliveries\_until\_%'
    LOOP
        EXECUTE format(
            'DELETE FROM %I WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM %I WHERE received_at < %L ORDER BY received_at LIMIT %s))',
            name, name, now() - greatest(keep, interval '1 day'), row_limit - total
        );
        GET DIAGNOSTICS portion = ROW_COUNT;
        total := total + portion;
    END LOOP;
    RETURN total;
END
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT p.oid::regprocedure::text
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
          AND p.proname IN (
            'erase_person', 'erase_events', 'erase_audit', 'forget_samples', 'delivery_partitions', 'make_delivery_partition',
            'set_deliveries_apart', 'check_deliveries_apart', 'attach_deliveries', 'drop_delivery_partition',
            'trim_deliveries'
          )
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC; GRANT EXECUTE ON FUNCTION %s TO rollcall_app', name, name);
    END LOOP;
END
$$;

-- What agents were called until now --------------------------------------------------------------------------------
-- Read without any lock; then what the last release took away meanwhile.
CREATE TEMPORARY TABLE names_before ON COMMIT DROP AS
SELECT l.source_id, l.external_id, l.agent FROM agent_aliases l
UNION ALL
SELECT 0, a.agent_id, a.agent FROM agents a;
INSERT INTO former_names (source_id, external_id, agent)
SELECT DISTINCT e.source_id, e.external_id, coalesce(e.agent, m.agent)
FROM clock_events e
LEFT JOIN clock_event_matches m ON m.sequence = e.sequence
WHERE e.external_id IS NOT NULL
  AND coalesce(e.agent, m.agent) IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM names_before n
    WHERE n.agent = coalesce(e.agent, m.agent)
      AND n.source_id IN (0, e.source_id)
      AND n.external_id = e.external_id
  );

-- The changes of tables that are in use, at the very end, and as one that never keeps appends waiting for long.
DO $$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR attempt IN 1..600 LOOP
        BEGIN
            LOCK TABLE clock_events IN SHARE ROW EXCLUSIVE MODE;
            LOCK TABLE agents, deliveries IN ACCESS EXCLUSIVE MODE;
            LOCK TABLE agent_aliases IN SHARE ROW EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = 600 THEN RAISE; END IF;
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', '0', true);
END
$$;
-- What each kept delivery became: the identities (`clock_events.dedupe`) of the events that it was read as, in its order,
-- and what each did when it was committed. Null where a release without these columns kept it; an effect is null where its
-- event went into a later batch than its delivery.
ALTER TABLE deliveries ADD COLUMN events uuid[], ADD COLUMN effects text[], ADD COLUMN warnings text[];
ALTER TABLE agents ADD COLUMN erasure_asked_at timestamptz, ADD COLUMN erasure_sources integer[];
CREATE TRIGGER clock_events_erasure BEFORE UPDATE ON clock_events FOR EACH ROW EXECUTE FUNCTION check_erasure();
CREATE TRIGGER agent_aliases_remember AFTER DELETE OR UPDATE OF source_id, external_id, agent ON agent_aliases
    FOR EACH ROW EXECUTE FUNCTION remember_alias();
CREATE TRIGGER agents_remember BEFORE DELETE ON agents FOR EACH ROW EXECUTE FUNCTION remember_agent();
-- Whichever release lets the agent go. A removal that a release without erasures was asked for anew is a mere removal.
CREATE TRIGGER agents_erase AFTER DELETE ON agents FOR EACH ROW WHEN (OLD.erasure_asked_at >= OLD.removal_asked_at)
    EXECUTE FUNCTION erase_agent();
INSERT INTO former_names (source_id, external_id, agent)
SELECT n.source_id, n.external_id, n.agent
FROM names_before n
WHERE n.source_id > 0 AND NOT EXISTS (
        SELECT FROM agent_aliases l
        WHERE l.source_id = n.source_id AND l.external_id = n.external_id AND l.agent = n.agent
    )
   OR n.source_id = 0 AND NOT EXISTS (SELECT FROM agents a WHERE a.agent = n.agent)
ON CONFLICT DO NOTHING;
