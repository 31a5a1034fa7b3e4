-- One row is one conference: an appointment, or a series of them.
-- No name, no address, nothing about anybody: the name of a conference is in its
-- links only.
CREATE TABLE IF NOT EXISTS {table} (
    iid      INTEGER NOT NULL PRIMARY KEY,  -- invitation: public
    aid      INTEGER NOT NULL,              -- admin: known to the organiser
    rid      INTEGER NOT NULL,              -- room: secret until the start, new for every occurrence
    time     INTEGER NOT NULL,              -- start of the next or current occurrence, UNIX seconds
    recev    INTEGER NOT NULL DEFAULT 0,    -- repetitions still to come after it
    rectype  TEXT    NOT NULL DEFAULT '',   -- recurrence, '' for a one-off
    timezone TEXT    NOT NULL DEFAULT '',   -- IANA zone of a series
    anchor   TEXT    NOT NULL DEFAULT ''    -- first start of a series, YYYY-MM-DDTHH:MM in its zone
) STRICT;

-- The clean-up reads in its order.
CREATE INDEX IF NOT EXISTS {table}_by_time ON {table} (time, iid);
