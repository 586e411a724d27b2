//! Vectors and tables that grow by steps, and what they count as: linearly, so that no single event is charged for a
//! step, and never less than they hold.

/// Appends, growing by a quarter where there is no room: there are many of these vectors, and doubling would leave a
/// third of them empty.
pub(crate) fn push<T>(items: &mut Vec<T>, item: T) {
    if items.len() == items.capacity() {
        items.reserve_exact((items.len() / 4).max(1));
    }
    items.push(item);
}

/// Gives room back where more than a quarter is empty.
pub(crate) fn trim<T>(items: &mut Vec<T>) {
    items.shrink_to(items.len() + items.len() / 4);
}

/// What so many items in such a vector count as.
pub(crate) const fn vec_bytes<T>(items: usize) -> usize {
    items * each_bytes::<T>()
}

/// What each item counts as.
pub(crate) const fn each_bytes<T>() -> usize {
    (size_of::<T>() * 5).div_ceil(4)
}

/// What so many entries of a hash table count as: it is 7/16 full just after it grew, and has a control byte an entry.
pub(crate) const fn table_bytes<T>(entries: usize) -> usize {
    entries * ((size_of::<T>() + 1) * 16).div_ceil(7)
}
