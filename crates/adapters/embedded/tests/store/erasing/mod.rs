//! An erased person is in no answer, in no byte of any file, and doesn't come back.

mod beside_others;
mod half_way;
mod traces;
