-- One row is one conference: an appointment, or a series of them.
-- No name, no address, nothing about anybody: what a conference is called
-- travels in its links only.
CREATE TABLE IF NOT EXISTS {table} (
    iid      BIGINT       NOT NULL PRIMARY KEY,  -- invitation: public
    aid      BIGINT       NOT NULL,              -- admin: known to who booked
    rid      BIGINT       NOT NULL,              -- room: secret until the start, new for every date
    time     BIGINT       NOT NULL,              -- start of the next or current date, UNIX seconds
    recev    BIGINT       NOT NULL DEFAULT 0,    -- repetitions still to come after it
    rectype  VARCHAR(16)  NOT NULL DEFAULT '',   -- rhythm, '' for a one-off
    timezone VARCHAR(64)  NOT NULL DEFAULT '',   -- IANA zone of a series
    anchor   CHAR(16)     NOT NULL DEFAULT '',   -- first start of a series, YYYY-MM-DDTHH:MM in its zone
    -- The clean-up walks along it. InnoDB appends iid by itself.
    INDEX by_time (time)
) ENGINE = InnoDB, DEFAULT CHARSET = ascii;
