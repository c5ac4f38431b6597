-- What waits for an account's engine and when what people asked for is predicted to be done, as the replica says it that
-- acts for the account.
ALTER TABLE engine_pulses
    ADD COLUMN line_asked integer NOT NULL DEFAULT 0,
    ADD COLUMN line_people integer NOT NULL DEFAULT 0,
    ADD COLUMN line_repair integer NOT NULL DEFAULT 0,
    ADD COLUMN line_look integer NOT NULL DEFAULT 0,
    ADD COLUMN line_sweep integer NOT NULL DEFAULT 0,
    ADD COLUMN finishes_at timestamptz,
    ADD COLUMN predicted_at timestamptz;
