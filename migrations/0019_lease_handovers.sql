-- What whoever lays an account down has asked of its engine lately, so that the next one need not wait out a second in which
-- nothing was asked. It counts while left_term is the lease's term: a release that does not write it leaves nothing behind.
ALTER TABLE engine_leases
    ADD COLUMN left_term bigint,
    ADD COLUMN left_at timestamptz,
    -- Calls in the second until left_at; null when nobody knows.
    ADD COLUMN spent integer;
