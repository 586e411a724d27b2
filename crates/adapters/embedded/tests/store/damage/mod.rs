//! A damaged folder is refused, in words that help, or does no harm. Never is anything lost in silence.

mod anywhere;
mod blocks;
mod checkpoints;
mod facts;
mod fixture;
mod missing;
