//! The read models held in process: exact counts and distinct visitors over any range.
