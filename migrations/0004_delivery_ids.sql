-- Which deliveries are kept already. `deliveries` is partitioned by time, so nothing in it could promise that.
CREATE TABLE delivery_ids (
    source_id integer NOT NULL,
    delivery_id text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT delivery_ids_pkey PRIMARY KEY (source_id, delivery_id)
);
INSERT INTO delivery_ids (source_id, delivery_id, received_at)
SELECT source_id, delivery_id, min(received_at)
FROM deliveries
WHERE delivery_id IS NOT NULL
GROUP BY source_id, delivery_id;
GRANT SELECT, INSERT, UPDATE, DELETE ON delivery_ids TO rollcall_app;
