//! The memory backend: sharded log and deduplication, read models folded behind it, bounded in bytes.
