//! What operators watch: the figures of `/metrics`, the rules and the dashboard drawn from them, and traces.

mod collector;
mod exposition;
mod figures;
mod prometheus;
mod traces;
