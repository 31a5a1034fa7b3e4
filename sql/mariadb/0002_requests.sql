-- Which conference a program's request made, so that a retry makes no other. Nothing
-- of the request can be read from it; stored for a day.
CREATE TABLE IF NOT EXISTS {table}_requests (
    key_hash    CHAR(64) NOT NULL PRIMARY KEY,  -- SHA-256 of the Idempotency-Key
    fingerprint CHAR(64) NOT NULL,              -- of the body, under the key, which is not stored
    iid         BIGINT NOT NULL,
    time        BIGINT NOT NULL,             -- when, UNIX seconds
    INDEX by_time (time)
) ENGINE = InnoDB, DEFAULT CHARSET = ascii;
