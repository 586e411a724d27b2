//! Decisions above the ports: what happens to a posted body, event types with a schema.
