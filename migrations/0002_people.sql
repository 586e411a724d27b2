-- Users by window and by segment, snapshots, and who is at a job. docs/adr/0013-postgres-people.md says why it is laid out so.

-- What each user did in each 4-hour window, as it was computed last. `window_number` counts windows from 1970, `created_at` is in
-- microseconds since then.
-- Distributed by: user_id.
CREATE TABLE user_metrics (
    user_id text COLLATE "C" NOT NULL,
    window_number integer NOT NULL,
    events bigint NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (user_id, window_number)
);
CREATE INDEX user_metrics_window ON user_metrics (window_number, user_id) INCLUDE (events, created_at);

-- The windows that were computed, and what their rows add up to.
-- A reference table.
CREATE TABLE metric_windows (
    window_number integer PRIMARY KEY,
    users bigint NOT NULL,
    events bigint NOT NULL
) WITH (fillfactor = 50);

-- Who is in which segment, and the second since 1970 from which on it is over.
-- Distributed by: user_id.
CREATE TABLE memberships (
    user_id text COLLATE "C" NOT NULL,
    segment text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (user_id, segment)
);
-- By expiry first: those that end next to each other are counted out, and forgotten, together.
CREATE INDEX memberships_expiry ON memberships (expires_at, segment);

-- How many memberships of each segment expire later than `segment_mark.counted_s`, in parts that add up, so that those who change it
-- at once don't wait for each other.
-- Distributed by: segment.
CREATE TABLE segment_counts (
    segment text COLLATE "C" NOT NULL,
    part smallint NOT NULL,
    users bigint NOT NULL,
    PRIMARY KEY (segment, part)
) WITH (fillfactor = 50);

-- Up to which second those that expired are counted out, and when that was done last, in microseconds since 1970. One row.
-- A reference table.
CREATE TABLE segment_mark (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    counted_s bigint NOT NULL,
    taken_at bigint NOT NULL
) WITH (fillfactor = 20);
INSERT INTO segment_mark (counted_s, taken_at) VALUES (-9223372036854775808, -62167219200000000);

-- The latest snapshot of each name.
-- Distributed by: name.
CREATE TABLE snapshots (
    name text PRIMARY KEY,
    taken_at bigint NOT NULL,
    value bytea NOT NULL
);
ALTER TABLE snapshots ALTER COLUMN value SET STORAGE EXTERNAL;

-- Which instance does a job now. Jobs are right without it; it spares others the work.
-- Distributed by: name.
CREATE TABLE leases (
    name text PRIMARY KEY,
    holder uuid NOT NULL,
    held_until timestamptz NOT NULL
);

-- A number that no other database has: what is cached elsewhere of one must not be taken for another's.
-- A reference table.
CREATE TABLE store_identity (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    value bigint NOT NULL
);
INSERT INTO store_identity (value) VALUES (('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint);
