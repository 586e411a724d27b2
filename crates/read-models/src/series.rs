//! Counts and visitors of one thing over time, at several widths, so that any range is covered by few cells.

use roaring::RoaringBitmap;

use crate::visitors::VisitorSet;

/// The widths of cells, in hours. Each divides the next.
const WIDTHS: [i32; 4] = [1, 24, 8 * 24, 64 * 24];

/// What was counted in one span of time.
#[derive(Debug)]
pub(crate) struct Cell {
    /// Which span of its width, counted from 1970.
    span: i32,
    pub(crate) count: u64,
    pub(crate) visitors: VisitorSet,
}

/// Cells of each width, in order of time; spans without events have none.
#[derive(Debug, Default)]
pub(crate) struct Series {
    cells: [Vec<Cell>; WIDTHS.len()],
}

impl Series {
    /// Counts so many events in that hour, by these visitors (ascending, each once). Spans that begin before `floor`
    /// are left alone: no answer uses them any more. Returns by how many bytes the series grew.
    pub(crate) fn add(&mut self, hour: i32, count: u64, visitors: &[u32], floor: i32) -> isize {
        let mut grown = 0;
        for (cells, width) in self.cells.iter_mut().zip(WIDTHS) {
            let span = hour.div_euclid(width);
            if span.saturating_mul(width) < floor {
                continue;
            }
            let before = cells.capacity();
            let place = match cells.last() {
                Some(last) if last.span == span => cells.len() - 1,
                Some(last) if last.span > span => match cells.binary_search_by_key(&span, |cell| cell.span) {
                    Ok(place) => place,
                    Err(place) => {
                        cells.insert(place, Cell { span, count: 0, visitors: VisitorSet::None });
                        place
                    }
                },
                _ => {
                    if cells.len() == cells.capacity() {
                        // A quarter more, not twice: there are many series, and most grow slowly.
                        cells.reserve_exact((cells.len() / 4).max(1));
                    }
                    cells.push(Cell { span, count: 0, visitors: VisitorSet::None });
                    cells.len() - 1
                }
            };
            grown += ((cells.capacity() - before) * size_of::<Cell>()) as isize;
            let cell = &mut cells[place];
            cell.count += count;
            let before = cell.visitors.heap_bytes();
            cell.visitors.add_sorted(visitors);
            grown += cell.visitors.heap_bytes() as isize - before as isize;
        }
        grown
    }

    /// The cells that together are those hours.
    pub(crate) fn cover<'a>(&'a self, cover: &'a Cover) -> impl Iterator<Item = &'a Cell> {
        cover.pieces.iter().flat_map(|piece| within(&self.cells[piece.width], piece.spans.start, piece.spans.end))
    }

    /// The cells of single hours, with the hour.
    pub(crate) fn hours(&self, hours: std::ops::Range<i32>) -> impl Iterator<Item = (i32, &Cell)> {
        within(&self.cells[0], hours.start, hours.end).iter().map(|cell| (cell.span, cell))
    }

    /// The cell of that hour.
    pub(crate) fn hour(&self, hour: i32) -> Option<&Cell> {
        let place = self.cells[0].binary_search_by_key(&hour, |cell| cell.span).ok()?;
        Some(&self.cells[0][place])
    }

    /// Drops the spans that begin before the hour `floor`. Returns by how many bytes the series shrank.
    pub(crate) fn drop_before(&mut self, floor: i32) -> usize {
        let mut shrunk = 0;
        for (cells, width) in self.cells.iter_mut().zip(WIDTHS) {
            let dropped = cells.partition_point(|cell| cell.span.saturating_mul(width) < floor);
            shrunk += cells.drain(..dropped).map(|cell| cell.visitors.heap_bytes()).sum::<usize>();
            let before = cells.capacity();
            if cells.len() < before / 2 {
                cells.shrink_to_fit();
            }
            shrunk += (before - cells.capacity()) * size_of::<Cell>();
        }
        shrunk
    }
}

fn within(cells: &[Cell], from: i32, to: i32) -> &[Cell] {
    let start = cells.partition_point(|cell| cell.span < from);
    let length = cells[start..].partition_point(|cell| cell.span < to);
    &cells[start..start + length]
}

/// Whole hours, as the widest spans that lie in them and narrower ones at both ends.
#[derive(Debug, Default)]
pub(crate) struct Cover {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    width: usize,
    spans: std::ops::Range<i32>,
}

impl Cover {
    /// The cover of the hours from `from` until before `to`.
    pub(crate) fn of(from: i32, to: i32) -> Self {
        let mut cover = Self { pieces: Vec::with_capacity(2 * WIDTHS.len()) };
        cover.add(from, to, WIDTHS.len() - 1);
        cover
    }

    fn add(&mut self, from: i32, to: i32, width: usize) {
        if from >= to {
            return;
        }
        let hours = WIDTHS[width];
        let first = from.div_euclid(hours) + i32::from(from.rem_euclid(hours) > 0);
        let end = to.div_euclid(hours);
        if first >= end {
            self.add(from, to, width - 1);
            return;
        }
        self.pieces.push(Piece { width, spans: first..end });
        if width > 0 {
            self.add(from, first * hours, width - 1);
            self.add(end * hours, to, width - 1);
        }
    }
}

/// Counts the different visitors of some cells and some more visitors.
pub(crate) fn distinct<'a>(
    cells: impl Iterator<Item = &'a Cell>,
    more: impl IntoIterator<Item = u32>,
) -> u64 {
    let mut cells = cells.filter(|cell| !matches!(cell.visitors, VisitorSet::None));
    let mut more = more.into_iter().peekable();
    let (first, second) = (cells.next(), cells.next());
    if let (Some(only), None, None) = (first, second, more.peek()) {
        return only.visitors.len();
    }
    let mut union = RoaringBitmap::new();
    for cell in first.into_iter().chain(second).chain(cells) {
        cell.visitors.union_into(&mut union);
    }
    union.extend(more);
    union.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cover_is_every_hour_once_and_few_pieces() {
        for (from, to) in [(0, 1), (-5, 60), (23, 25), (-3_000, 3_000), (1, 24 * 64 * 3 - 1), (7, 7), (100, 101)] {
            let cover = Cover::of(from, to);
            let mut hours: Vec<i32> = cover
                .pieces
                .iter()
                .flat_map(|piece| piece.spans.start * WIDTHS[piece.width]..piece.spans.end * WIDTHS[piece.width])
                .collect();
            hours.sort_unstable();
            assert!(hours.iter().copied().eq(from..to), "{from}..{to}");
            assert!(cover.pieces.len() <= 2 * WIDTHS.len() - 1);
        }
    }

    #[test]
    fn cells_stay_in_order_whatever_comes_late() {
        let mut series = Series::default();
        let mut bytes = 0;
        for hour in [5, 900, 3, 5, -70, 901, 24] {
            bytes += series.add(hour, 2, &[hour.unsigned_abs(), 1], i32::MIN);
        }
        assert!(bytes > 0);
        let cover = Cover::of(-100, 1_000);
        assert_eq!(series.cover(&cover).map(|cell| cell.count).sum::<u64>(), 14);
        assert_eq!(distinct(series.cover(&cover), [7]), 8);
        assert_eq!(series.hours(0..100).map(|(hour, _)| hour).collect::<Vec<_>>(), [3, 5, 24]);
    }

    #[test]
    fn dropping_gives_back_every_byte() {
        let mut series = Series::default();
        let mut bytes = 0;
        for hour in 0..5_000 {
            bytes += series.add(hour, 1, &[1, 2, 3, hour.unsigned_abs() + 10], i32::MIN);
        }
        bytes -= series.drop_before(i32::MAX) as isize;
        assert_eq!(bytes, 0);
    }
}
