//! What clients that ask too much, too slowly or too often may take.

mod connections;
mod heads;
mod rate;
