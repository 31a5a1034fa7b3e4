-- One row is one conference: an appointment, or a series of them.
-- No name, no address, nothing about anybody: the name of a conference is in its
-- links only.
CREATE TABLE IF NOT EXISTS {table} (
    iid      BIGINT       NOT NULL PRIMARY KEY,  -- invitation: public
    aid      BIGINT       NOT NULL,              -- admin: known to the organiser
    rid      BIGINT       NOT NULL,              -- room: secret until the start, new for every occurrence
    time     BIGINT       NOT NULL,              -- start of the next or current occurrence, UNIX seconds
    recev    BIGINT       NOT NULL DEFAULT 0,    -- repetitions still to come after it
    rectype  VARCHAR(16)  NOT NULL DEFAULT '',   -- recurrence, '' for a one-off
    timezone VARCHAR(64)  NOT NULL DEFAULT '',   -- IANA zone of a series
    anchor   CHAR(16)     NOT NULL DEFAULT '',   -- first start of a series, YYYY-MM-DDTHH:MM in its zone
    -- The clean-up reads in its order. InnoDB appends iid by itself.
    INDEX by_time (time)
) ENGINE = InnoDB, DEFAULT CHARSET = ascii;
