//! Overwriting what a database leaves behind when it moves rows.
//!
//! What is deleted the database overwrites (`secure_delete`), but only where it stood last. As its trees grow it moves rows
//! from page to page, and the copies stay behind in the unused middle of the old ones until it is used again. Nothing ever
//! reads them, but they are there. So this looks for what is left of a name in the middle of each page, and writes zeros
//! over it. The form of a page is documented at <https://sqlite.org/fileformat2.html#b_tree_pages>.
//!
//! That is only done while nobody writes to the file and its write-ahead log is empty. It takes no room.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::PAGE_BYTES;
use crate::database::DiskError;

/// Pages read at a time.
const STEP_PAGES: usize = 256;
/// The file's head, on the first page.
const HEAD_BYTES: usize = 100;
/// Pages from this one on might have numbers that make a page of another kind look like one of a tree.
const PAGES_MAX: u64 = 1 << 25;
/// So much of a name is a trace of it.
const TRACE_BYTES: usize = 4;

/// Overwrites what is left of a name in the unused middles of pages. Nobody may be writing to the file.
pub(super) fn wipe(file: &File, name: &[u8]) -> Result<(), DiskError> {
    let pages = file.metadata().map_err(failed)?.len() / PAGE_BYTES as u64;
    let mut step = vec![0; STEP_PAGES * PAGE_BYTES];
    let traces = Traces::of(name);
    let mut is_changed = false;
    for first in (0..pages).step_by(STEP_PAGES) {
        let count = (pages - first).min(STEP_PAGES as u64) as usize;
        let step = &mut step[..count * PAGE_BYTES];
        file.read_exact_at(step, first * PAGE_BYTES as u64).map_err(failed)?;
        if first == 0 && (!is_as_made(step) || pages > PAGES_MAX) {
            return Err(DiskError::Failed("its pages are not as they were made".into()));
        }
        for (number, page) in (first..).zip(step.chunks(PAGE_BYTES)) {
            let Some(middle) = unused_middle(page, if number == 0 { HEAD_BYTES } else { 0 }) else {
                continue;
            };
            if traces.are_in(&page[middle.clone()]) {
                let at = number * PAGE_BYTES as u64 + middle.start as u64;
                file.write_all_at(&vec![0; middle.len()], at).map_err(failed)?;
                is_changed = true;
            }
        }
    }
    if is_changed { file.sync_data().map_err(failed) } else { Ok(()) }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn failed(error: std::io::Error) -> DiskError {
    match error.kind() {
        ErrorKind::StorageFull => DiskError::Full,
        _ => DiskError::Failed(error.to_string()),
    }
}

/// Whether the file has pages of the size that it was made with, used to their ends, and none but those of trees, of what
/// doesn't fit into them, and unused ones. All but the first begin with a byte that is 0.
fn is_as_made(head: &[u8]) -> bool {
    const PAGE_SIZE: Range<usize> = 16..18;
    const RESERVED: usize = 20;
    const LARGEST_ROOT: Range<usize> = 52..56;
    head[PAGE_SIZE] == (PAGE_BYTES as u16).to_be_bytes()
        && head[RESERVED] == 0
        && head[LARGEST_ROOT] == [0; 4]
}

/// Where a page of a tree holds nothing: between what points to its rows and the first of them.
fn unused_middle(page: &[u8], start: usize) -> Option<Range<usize>> {
    // Inner pages of indexes and tables, and their leaves.
    let head_bytes = match page[start] {
        2 | 5 => 12,
        10 | 13 => 8,
        _ => return None,
    };
    let number = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    let pointers = start + head_bytes;
    let end_of_pointers = pointers + 2 * number(start + 3);
    let rows = number(start + 5);
    if end_of_pointers > rows || rows > page.len() {
        return None;
    }
    // What looks like a page and isn't one: then no row is where it should be.
    let is_sound = (pointers..end_of_pointers).step_by(2).all(|at| (rows..page.len()).contains(&number(at)));
    is_sound.then_some(end_of_pointers..rows)
}

/// The parts of a name that give it away.
struct Traces<'a> {
    name: &'a [u8],
    length: usize,
    /// By byte: whether a part begins with it.
    begins: [bool; 256],
}

impl<'a> Traces<'a> {
    fn of(name: &'a [u8]) -> Self {
        let length = name.len().clamp(1, TRACE_BYTES);
        let mut begins = [false; 256];
        for part in name.windows(length) {
            begins[usize::from(part[0])] = true;
        }
        Self { name, length, begins }
    }

    fn are_in(&self, bytes: &[u8]) -> bool {
        let is_trace = |place: &[u8]| {
            self.begins[usize::from(place[0])] && self.name.windows(self.length).any(|part| part == place)
        };
        bytes.windows(self.length).any(is_trace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: usize = 300;
    /// Where rows stand.
    const ROW: u16 = 900;
    const OTHER_ROW: u16 = 800;

    /// A leaf with rows at its end, and bytes in its middle.
    fn leaf(start: usize, rows: &[u16], middle: &[u8]) -> Vec<u8> {
        let mut page = vec![0; PAGE_BYTES];
        page[start] = 13;
        page[start + 3..start + 5].copy_from_slice(&(rows.len() as u16).to_be_bytes());
        let first = rows.iter().min().copied().unwrap_or(PAGE_BYTES as u16);
        page[start + 5..start + 7].copy_from_slice(&first.to_be_bytes());
        for (place, row) in rows.iter().enumerate() {
            page[start + 8 + 2 * place..][..2].copy_from_slice(&row.to_be_bytes());
        }
        page[MIDDLE..MIDDLE + middle.len()].copy_from_slice(middle);
        page
    }

    #[test]
    fn the_middle_is_what_no_row_stands_in() {
        assert_eq!(unused_middle(&leaf(0, &[ROW, OTHER_ROW], b""), 0), Some(12..usize::from(OTHER_ROW)));
        assert_eq!(unused_middle(&leaf(HEAD_BYTES, &[ROW], b""), HEAD_BYTES), Some(110..usize::from(ROW)));
        assert_eq!(unused_middle(&leaf(0, &[], b""), 0), Some(8..PAGE_BYTES));
    }

    #[test]
    fn what_is_no_page_of_a_tree_is_left_alone() {
        assert_eq!(unused_middle(&[0; PAGE_BYTES], 0), None);
        let mut page = leaf(0, &[ROW, OTHER_ROW], b"");
        // A row before the first one, and past the end.
        page[8..10].copy_from_slice(&(OTHER_ROW - 1).to_be_bytes());
        assert_eq!(unused_middle(&page, 0), None);
        page[8..10].copy_from_slice(&(PAGE_BYTES as u16).to_be_bytes());
        assert_eq!(unused_middle(&page, 0), None);
        let mut page = leaf(0, &[ROW], b"");
        page[5..7].copy_from_slice(&9_u16.to_be_bytes());
        assert_eq!(unused_middle(&page, 0), None, "rows begin among what points to them");
    }

    #[test]
    fn traces_are_parts_of_the_name() {
        let traces = Traces::of(b"Zerlinde");
        for found in [&b"xxZerlinde"[..], b"linde", b"Zerl", b"--inde"] {
            assert!(traces.are_in(found));
        }
        for other in [&b"Zer"[..], b"nde", b"", b"ZERLINDE", b"Zer lin"] {
            assert!(!traces.are_in(other));
        }
        assert!(Traces::of(b"a").are_in(b"bca") && !Traces::of(b"a").are_in(b"bc"));
        assert!(!Traces::of(b"").are_in(b"anything"));
    }

    #[test]
    fn only_what_is_left_of_the_name_is_overwritten() {
        let file = tempfile::tempfile().unwrap();
        let mut first = leaf(HEAD_BYTES, &[ROW], b"user Zerlinde");
        first[16..18].copy_from_slice(&(PAGE_BYTES as u16).to_be_bytes());
        let other = leaf(0, &[ROW], b"somebody else");
        let mut row = leaf(0, &[OTHER_ROW], b"");
        row[900..908].copy_from_slice(b"Zerlinde");
        let overflow = [&[0, 0, 0, 0][..], &b"Zerlinde".repeat(600)].concat()[..PAGE_BYTES].to_vec();
        file.write_all_at(&[&first[..], &other, &row, &overflow].concat(), 0).unwrap();
        wipe(&file, b"Zerlinde").unwrap();
        let mut found = vec![0; 4 * PAGE_BYTES];
        file.read_exact_at(&mut found, 0).unwrap();
        first[MIDDLE..MIDDLE + 13].fill(0);
        assert!(found == [first, other, row, overflow].concat());
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&leaf(HEAD_BYTES, &[ROW], b"Zerlinde"), 0).unwrap();
        wipe(&file, b"Zerlinde").unwrap_err();
    }
}
