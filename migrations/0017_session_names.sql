-- Engines' webhooks call a session by its name; one must not cost a walk over all sessions.
CREATE INDEX instances_of_name ON instances (account, session_name) WHERE session_name IS NOT NULL;
