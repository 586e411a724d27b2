-- The log of events, its deduplication, and what instances must agree on. docs/adr/0010-postgres.md says why it is laid out so.

-- Streams that events are appended to. One connection of one instance writes to a lane at a time; `next` is where it goes on.
-- Distributed by: lane.
CREATE TABLE lanes (
    lane integer PRIMARY KEY CHECK (lane BETWEEN 0 AND 65535),
    next bigint NOT NULL,
    holder uuid NOT NULL,
    leased_until timestamptz NOT NULL
) WITH (fillfactor = 20);

-- Every identity that counts, once; by it events are deduplicated. `position` is the event's lane (from the 32nd bit on) and its
-- ordinal there, `at` when it happened, in microseconds since 1970.
-- Distributed by: id.
CREATE TABLE event_ids (
    id uuid PRIMARY KEY,
    position bigint NOT NULL,
    at bigint NOT NULL
);
-- For retention alone, which looks for the oldest: identities come about in order of time.
CREATE INDEX event_ids_at ON event_ids USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- The events, some hundreds that follow each other in a value. `newest` and `oldest` tell when they happened.
-- Distributed by: lane.
CREATE TABLE blocks (
    lane integer NOT NULL,
    first bigint NOT NULL,
    oldest bigint NOT NULL,
    newest bigint NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (lane, first)
);
ALTER TABLE blocks ALTER COLUMN value SET STORAGE EXTERNAL;

-- What read models need to know of some ten thousands of events, drawn from their blocks.
-- Distributed by: lane.
CREATE TABLE checkpoints (
    lane integer NOT NULL,
    first bigint NOT NULL,
    past bigint NOT NULL,
    newest bigint NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (lane, first)
);
ALTER TABLE checkpoints ALTER COLUMN value SET STORAGE EXTERNAL;

-- Users to be forgotten, in order. `lanes` and `nexts` tell how far each lane was then: what comes later stays.
-- A reference table.
CREATE TABLE erasures (
    number bigint PRIMARY KEY,
    user_id text NOT NULL,
    lanes integer[] NOT NULL,
    nexts bigint[] NOT NULL,
    done_at timestamptz
);

-- Numbers that instances share: `floor`, before which nothing is kept (microseconds since 1970), `erasures`, how many there
-- have been, and `finished`, how many of them have been carried out in the blocks.
-- A reference table.
CREATE TABLE facts (
    name text PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO facts (name, value) VALUES ('floor', -9223372036854775808), ('erasures', 0), ('finished', 0);
