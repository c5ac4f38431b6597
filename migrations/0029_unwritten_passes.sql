-- Since when what an account's holder found out could not be written, though its heartbeats are; null while it can.
ALTER TABLE engine_pulses ADD COLUMN unwritten_since timestamptz;
