//! Snapshots and a cache in a Redis that instances share.
