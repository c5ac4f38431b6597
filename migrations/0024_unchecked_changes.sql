-- A change of a session is noted by a trigger on a row that its instance owns: there is nothing to check, and the check costs a
-- statement and a lock on the instance's row for each, thousands when everybody clocks in at once.
ALTER TABLE session_changes DROP CONSTRAINT session_changes_instance_fkey;

-- Still no change outlives its instance. After the instances' own rows have cascaded, so that none is noted any more.
CREATE FUNCTION forget_session_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM session_changes s USING gone WHERE s.instance = gone.instance;
    RETURN NULL;
END
$$;
CREATE TRIGGER instances_forget_changes AFTER DELETE ON instances
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT
    EXECUTE FUNCTION forget_session_changes();
