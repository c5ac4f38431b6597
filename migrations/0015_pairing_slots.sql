-- When replicas that do not act for an account may make a pairing read of their own: one at a time, a second and more apart.
CREATE TABLE pairing_slots (
    account integer CONSTRAINT pairing_slots_pkey PRIMARY KEY
        CONSTRAINT pairing_slots_account_fkey REFERENCES engine_accounts ON DELETE CASCADE,
    next_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON pairing_slots TO rollcall_app;
