-- One row is one conference: an appointment, or a series of them.
-- No name, no address, nothing about anybody: what a conference is called
-- travels in its links only.
CREATE TABLE IF NOT EXISTS {table} (
    iid      INTEGER NOT NULL PRIMARY KEY,  -- invitation: public
    aid      INTEGER NOT NULL,              -- admin: known to who booked
    rid      INTEGER NOT NULL,              -- room: secret until the start, new for every date
    time     INTEGER NOT NULL,              -- start of the next or current date, UNIX seconds
    recev    INTEGER NOT NULL DEFAULT 0,    -- repetitions still to come after it
    rectype  TEXT    NOT NULL DEFAULT '',   -- rhythm, '' for a one-off
    timezone TEXT    NOT NULL DEFAULT '',   -- IANA zone of a series
    anchor   TEXT    NOT NULL DEFAULT ''    -- first start of a series, YYYY-MM-DDTHH:MM in its zone
) STRICT;

-- The clean-up walks along it.
CREATE INDEX IF NOT EXISTS {table}_by_time ON {table} (time, iid);
