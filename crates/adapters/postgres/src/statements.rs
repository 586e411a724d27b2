//! Every statement that runs while the service serves, with the types of its parameters, so that it needs no preparing
//! where connections are shared between transactions.

use tokio_postgres::types::Type;

/// A statement and its parameters' types.
#[derive(Debug)]
pub(crate) struct Statement {
    /// What spans call it: its file.
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) types: &'static [Type],
}

/// Has the mark alone for as long as the transaction lasts. By a lock of the table, whose queue is fair: those who share the row would
/// let each other in for ever.
pub(crate) const HOLD_MARK: &str = "LOCK TABLE segment_mark IN EXCLUSIVE MODE";

macro_rules! statement {
    ($(#[$doc:meta])* $name:ident [$($kind:ident),*] $file:literal) => {
        $(#[$doc])*
        pub(crate) static $name: Statement =
            Statement { name: $file, text: include_str!(concat!("statements/", $file)), types: &[$(Type::$kind),*] };
    };
}

statement!(
    /// Stores identities and blocks and moves the lane's end, all or nothing. `unique_violation`: an identity is stored
    /// already. `division_by_zero`: the lane isn't the holder's, or ends elsewhere.
    APPEND [INT4, UUID, INT8, INT8, UUID_ARRAY, INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, BYTEA_ARRAY]
    "append.sql"
);
statement!(
    /// Which of these identities are stored.
    KNOWN [UUID_ARRAY] "known.sql"
);
statement!(
    /// A free lane for a holder, if there is one that ends before a bound.
    TAKE_LANE [UUID] "take_lane.sql"
);
statement!(
    /// A new lane for a holder. Nothing when another instance made it first.
    ADD_LANE [UUID] "add_lane.sql"
);
statement!(
    /// Gives a holder's lane back.
    FREE_LANE [UUID] "free_lane.sql"
);
statement!(
    /// How far everything is: lanes, floor, and the erasures after a number. Of one moment.
    HEADS [INT8] "heads.sql"
);
statement!(
    /// Some blocks of a lane that hold events from one position on and begin before another.
    BLOCKS_FROM [INT4, INT8, INT8] "blocks_from.sql"
);
statement!(
    /// The blocks that hold some positions.
    BLOCKS_OF [INT4_ARRAY, INT8_ARRAY] "blocks_of.sql"
);
statement!(
    /// The block that holds the event of an identity.
    BLOCK_OF_ID [UUID] "block_of_id.sql"
);
statement!(
    /// Some checkpoints of a lane from a position on.
    CHECKPOINTS_FROM [INT4, INT8, INT8] "checkpoints_from.sql"
);
statement!(
    /// Where the checkpoints of a lane begin and end.
    CHECKPOINT_BOUNDS [INT4] "checkpoint_bounds.sql"
);
statement!(
    /// How far each lane is, for as long as the transaction lasts.
    HOLD_LANES [] "hold_lanes.sql"
);
statement!(
    /// Notes that a user is to be forgotten, and says under which number.
    ADD_ERASURE [TEXT, INT4_ARRAY, INT8_ARRAY] "add_erasure.sql"
);
statement!(
    /// Erasures that nobody has finished, of a user or of anyone.
    OPEN_ERASURES [TEXT] "open_erasures.sql"
);
statement!(
    /// An erasure is finished.
    FINISH_ERASURE [INT8] "finish_erasure.sql"
);
statement!(
    /// Removes erasures that were finished long ago.
    DROP_ERASURES [] "drop_erasures.sql"
);
statement!(
    /// One transaction at a time changes what was stored before in a lane.
    LOCK_HISTORY [INT4] "lock_history.sql"
);
statement!(
    /// Puts other values in the place of blocks.
    REPLACE_BLOCKS [INT4, INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, BYTEA_ARRAY] "replace_blocks.sql"
);
statement!(
    /// Removes the blocks that begin within a range.
    REMOVE_BLOCKS [INT4, INT8, INT8] "remove_blocks.sql"
);
statement!(
    /// Adds blocks.
    ADD_BLOCKS [INT4, INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, BYTEA_ARRAY] "add_blocks.sql"
);
statement!(
    /// Adds a checkpoint.
    ADD_CHECKPOINT [INT4, INT8, INT8, INT8, BYTEA] "add_checkpoint.sql"
);
statement!(
    /// Removes the checkpoints that hold one of these positions.
    REMOVE_CHECKPOINTS [INT4, INT8_ARRAY] "remove_checkpoints.sql"
);
statement!(
    /// Whether a job may run here and now: one instance at a time, until the transaction ends.
    TAKE_LEASE [INT4] "take_lease.sql"
);
statement!(
    /// The same, waiting for it.
    HOLD_LEASE [INT4] "hold_lease.sql"
);
statement!(
    /// Removes all checkpoints.
    CLEAR_CHECKPOINTS [] "clear_checkpoints.sql"
);
statement!(
    /// Raises the floor.
    RAISE_FLOOR [INT8] "raise_floor.sql"
);
statement!(
    /// Lowers the floor.
    SET_FLOOR [INT8] "set_floor.sql"
);
statement!(
    /// Removes some blocks and checkpoints whose events are all from before the floor.
    DROP_BLOCKS [INT8, INT8] "drop_blocks.sql"
);
statement!(
    /// Removes checkpoints whose events are all from before the floor.
    DROP_CHECKPOINTS [INT8] "drop_checkpoints.sql"
);
statement!(
    /// Removes some identities of events from before the floor.
    DROP_IDS [INT8, INT8] "drop_ids.sql"
);
statement!(
    /// Positions of some blocks that hold events from before a floor beside later ones.
    MIXED_BLOCKS [INT8] "mixed_blocks.sql"
);
statement!(
    /// How many of these identities stand at these positions.
    COUNT_IDS [UUID_ARRAY, INT8_ARRAY] "count_ids.sql"
);
statement!(
    /// Puts users in segments. Places, counted from 1, of those who weren't there. `division_by_zero`: another one put one of them
    /// there at the same moment; nothing was done.
    JOIN [TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY, INT2] "join.sql"
);
statement!(
    /// How many users are in each segment as of the mark, the largest first.
    SEGMENT_COUNTS [INT8] "segment_counts.sql"
);
statement!(
    /// Takes a user out of all segments.
    FORGET_MEMBERSHIPS [TEXT, INT2] "forget_memberships.sql"
);
statement!(
    /// Removes some memberships that ended before a second at which they were counted out already.
    FORGET_ENDED [INT8, INT8] "forget_ended.sql"
);
statement!(
    /// Up to which second those that expired are counted out.
    MARK [] "mark.sql"
);
statement!(
    /// The second at which so many have expired between two.
    MARK_STEP [INT8, INT8, INT8] "mark_step.sql"
);
statement!(
    /// The same, from the later one back.
    MARK_STEP_BACK [INT8, INT8, INT8] "mark_step_back.sql"
);
statement!(
    /// Moves the mark, and makes a time that is later than the one before. Says where the mark was. Only while nobody else has
    /// it: see [`HOLD_MARK`].
    MOVE_MARK [INT8, INT8] "move_mark.sql"
);
statement!(
    /// Counts those that expire between two seconds in or out.
    COUNT_OUT [INT8, INT8, INT8] "count_out.sql"
);
statement!(
    /// The mark, and how many users are in a segment at a second that isn't before it.
    SEGMENT_COUNT [TEXT, INT8] "segment_count.sql"
);
statement!(
    /// How many users are counted in each segment.
    SEGMENT_TOTALS [] "segment_totals.sql"
);
statement!(
    /// How many memberships of each segment expire between two seconds.
    MEMBERS_BETWEEN [INT8, INT8] "members_between.sql"
);
statement!(
    /// Removes segments that nobody is counted in. Only while nobody else has the mark.
    DROP_TITLES [] "drop_titles.sql"
);
statement!(
    /// What was computed of some users in a window.
    KNOWN_METRICS [INT4, TEXT_ARRAY] "known_metrics.sql"
);
statement!(
    /// Adds users and events to what a window's rows add up to.
    ADD_TO_WINDOW [INT4, INT8, INT8] "add_to_window.sql"
);
statement!(
    /// How many erasures there have been, and the floor; neither changes until the transaction ends.
    HOLD_FACTS [] "hold_facts.sql"
);
statement!(
    /// What was computed of the windows between two.
    METRIC_WINDOWS [INT4, INT4] "metric_windows.sql"
);
statement!(
    /// Makes a window one's own for as long as the transaction lasts, and says what was computed of it.
    HOLD_WINDOW [INT4] "hold_window.sql"
);
statement!(
    /// Writes rows of a window.
    PUT_METRICS [INT4, INT8, TEXT_ARRAY, INT8_ARRAY] "put_metrics.sql"
);
statement!(
    /// Some rows on from a place.
    USER_METRICS [INT4, INT4, TEXT, INT8] "user_metrics.sql"
);
statement!(
    /// Some rows of a user.
    METRICS_OF_USER [TEXT, INT4, INT4, INT8] "metrics_of_user.sql"
);
statement!(
    /// Makes the windows that a user has rows of one's own for as long as the transaction lasts.
    HOLD_WINDOWS_OF [TEXT] "hold_windows_of.sql"
);
statement!(
    /// Removes the rows of a user, from what their windows add up to as well.
    FORGET_METRICS [TEXT] "forget_metrics.sql"
);
statement!(
    /// Removes some rows of windows before one.
    DROP_METRICS [INT4, INT8] "drop_metrics.sql"
);
statement!(
    /// Removes the windows before one.
    DROP_WINDOWS [INT4] "drop_windows.sql"
);
statement!(
    /// The snapshot of a name, less its bytes where it is the one known.
    SNAPSHOT [TEXT, INT8] "snapshot.sql"
);
statement!(
    /// Keeps a snapshot unless a later one stands.
    PUT_SNAPSHOT [TEXT, INT8, BYTEA] "put_snapshot.sql"
);
statement!(
    /// Takes or prolongs a job's lease. Nothing when someone else has it.
    HOLD_JOB [TEXT, UUID] "hold_job.sql"
);
statement!(
    /// Gives a job's lease back.
    FREE_JOB [TEXT, UUID] "free_job.sql"
);
statement!(
    /// A number that no other database has.
    IDENTITY [] "identity.sql"
);
statement!(
    /// How many migrations were applied.
    APPLIED [] "applied.sql"
);
statement!(
    /// Whether the database answers.
    PING [] "ping.sql"
);
