-- Which conference a program's request made, so that a retry makes no other. Nothing
-- of the request can be read from it; stored for a day.
CREATE TABLE IF NOT EXISTS {table}_requests (
    key_hash    TEXT NOT NULL PRIMARY KEY,  -- SHA-256 of the Idempotency-Key
    fingerprint TEXT NOT NULL,              -- of the body, under the key, which is not stored
    iid         INTEGER NOT NULL,
    time        INTEGER NOT NULL              -- when, UNIX seconds
) STRICT;

CREATE INDEX IF NOT EXISTS {table}_requests_by_time ON {table}_requests (time);
