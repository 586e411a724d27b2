//! Counts and visitors of one thing over time, at several widths, so that any range is covered by few cells.

use roaring::{MultiOps, RoaringBitmap};

use crate::growth;
use crate::rows::NONE;
use crate::visitors::VisitorSet;

/// The widths of cells, in hours. Each divides the next.
pub(crate) const WIDTHS: [i32; 4] = [1, 24, 8 * 24, 64 * 24];

/// What was counted in one span of time.
#[derive(Debug)]
pub(crate) struct Cell {
    /// Which span of its width, counted from 1970.
    pub(crate) span: i32,
    pub(crate) count: u64,
    pub(crate) visitors: VisitorSet,
}

/// Cells of each width, in order of time; spans without events have none.
///
/// The latest hour is kept apart: it is what nearly every new event falls into, so only its own cell is kept up to date
/// and the wider ones take it over once, when a later hour begins. Answers look at it beside the wider cells.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(crate) cells: [Vec<Cell>; WIDTHS.len()],
    /// The latest hour, which the wider cells don't hold yet.
    pub(crate) open: Option<i32>,
    /// Bytes counted for what the wider cells will take over.
    pub(crate) set_aside: isize,
}

impl Series {
    /// Counts so many events in that hour, by these visitors (ascending, each once). Spans that begin before `floor`
    /// are left alone: no answer uses them any more. Returns by how many bytes the series grew.
    pub(crate) fn add(&mut self, hour: i32, count: u64, visitors: &[u32], floor: i32) -> isize {
        let mut grown = 0;
        match self.open {
            Some(open) if open == hour => {}
            Some(open) if open > hour => grown += self.add_from(1, hour, count, visitors, floor),
            _ => {
                grown += self.close(floor);
                self.open = Some(hour);
            }
        }
        let own = self.add_at(0, hour, count, visitors, floor);
        if self.open == Some(hour) {
            // The wider cells will need as much each: counted now, so that closing the hour never takes what isn't there.
            let wider = (WIDTHS.len() - 1) as isize * own.max(0);
            self.set_aside += wider;
            grown += wider;
        }
        grown + own
    }

    /// The series of some events, each the hour and the visitor, in order of both. Also how many bytes it has.
    /// `visitors` is room to work in.
    pub(crate) fn of_sorted(entries: &[(i32, u32)], floor: i32, visitors: &mut Vec<u32>) -> (Self, isize) {
        let mut series = Self { open: entries.last().map(|(hour, _)| *hour), ..Self::default() };
        let mut bytes = 0;
        let closed = entries.partition_point(|(hour, _)| Some(*hour) < series.open);
        for (width, (cells, hours)) in series.cells.iter_mut().zip(WIDTHS).enumerate() {
            let entries = if width == 0 { entries } else { &entries[..closed] };
            let span = |(hour, _): &(i32, u32)| hour.div_euclid(hours);
            for of_span in entries.chunk_by(|left, right| span(left) == span(right)) {
                let span = span(&of_span[0]);
                if span.saturating_mul(hours) < floor {
                    continue;
                }
                visitors.clear();
                visitors
                    .extend(of_span.iter().map(|(_, visitor)| *visitor).filter(|visitor| *visitor != NONE));
                if width > 0 {
                    visitors.sort_unstable();
                }
                visitors.dedup();
                let visitors = VisitorSet::from_sorted(visitors);
                bytes += visitors.heap_bytes() as isize;
                growth::push(cells, Cell { span, count: of_span.len() as u64, visitors });
            }
            bytes += growth::vec_bytes::<Cell>(cells.len()) as isize;
        }
        if let Some(open) = series.cells[0].last() {
            let own = growth::vec_bytes::<Cell>(1) + open.visitors.heap_bytes();
            series.set_aside = ((WIDTHS.len() - 1) * own) as isize;
            bytes += series.set_aside;
        }
        (series, bytes)
    }

    /// Lets the wider cells take over the latest hour.
    fn close(&mut self, floor: i32) -> isize {
        let set_aside = std::mem::take(&mut self.set_aside);
        let Some(hour) = self.open.take() else { return -set_aside };
        let Some(place) = self.cells[0].iter().rposition(|cell| cell.span == hour) else { return -set_aside };
        let cell = &mut self.cells[0][place];
        let (count, visitors) = (cell.count, std::mem::take(&mut cell.visitors));
        let sorted = visitors.to_sorted();
        self.cells[0][place].visitors = visitors;
        self.add_from(1, hour, count, &sorted, floor) - set_aside
    }

    fn add_from(&mut self, narrowest: usize, hour: i32, count: u64, visitors: &[u32], floor: i32) -> isize {
        (narrowest..WIDTHS.len()).map(|width| self.add_at(width, hour, count, visitors, floor)).sum()
    }

    fn add_at(&mut self, width: usize, hour: i32, count: u64, visitors: &[u32], floor: i32) -> isize {
        let (cells, hours) = (&mut self.cells[width], WIDTHS[width]);
        let span = hour.div_euclid(hours);
        if span.saturating_mul(hours) < floor {
            return 0;
        }
        let before = cells.len();
        let place = place_of(cells, span);
        let grown = growth::vec_bytes::<Cell>(cells.len() - before) as isize;
        let cell = &mut cells[place];
        cell.count += count;
        let before = cell.visitors.heap_bytes() as isize;
        cell.visitors.add_sorted(visitors);
        grown + cell.visitors.heap_bytes() as isize - before
    }

    /// The cells that together are those hours.
    pub(crate) fn cover<'a>(&'a self, cover: &'a Cover) -> impl Iterator<Item = &'a Cell> {
        let open = self.open.filter(|hour| cover.holds_in_wider_cell(*hour)).and_then(|hour| self.hour(hour));
        let pieces = cover.pieces.iter();
        pieces
            .flat_map(|piece| within(&self.cells[piece.width], piece.spans.start, piece.spans.end))
            .chain(open)
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

    /// Whether it has no cell.
    pub(crate) fn is_empty(&self) -> bool {
        self.cells.iter().all(Vec::is_empty)
    }

    /// Drops the spans that begin before the hour `floor`. Returns by how many bytes the series shrank.
    pub(crate) fn drop_before(&mut self, floor: i32) -> usize {
        let mut shrunk = 0;
        if self.open.is_some_and(|hour| hour < floor) {
            self.open = None;
            shrunk += std::mem::take(&mut self.set_aside).unsigned_abs();
        }
        for (cells, width) in self.cells.iter_mut().zip(WIDTHS) {
            let dropped = cells.partition_point(|cell| cell.span.saturating_mul(width) < floor);
            shrunk += cells.drain(..dropped).map(|cell| cell.visitors.heap_bytes()).sum::<usize>();
            shrunk += growth::vec_bytes::<Cell>(dropped);
            growth::trim(cells);
        }
        shrunk
    }

    /// The hours in which the visitor was counted, in order.
    pub(crate) fn hours_of(&self, visitor: u32) -> impl Iterator<Item = i32> {
        self.cells[0].iter().filter(move |cell| cell.visitors.contains(visitor)).map(|cell| cell.span)
    }

    /// Takes back all that was counted of a visitor: so many events in each of these hours, which ascend. Returns by how
    /// many bytes the series grew, which is mostly less than 0.
    pub(crate) fn forget(&mut self, visitor: u32, hours: &[(i32, u64)], floor: i32) -> isize {
        // What begins before the floor may still stand here, and lack what was added since.
        let dropped = self.drop_before(floor) as isize;
        // The wider cells don't hold the latest hour.
        let closed = match hours.split_last() {
            Some(((hour, _), closed)) if Some(*hour) == self.open => closed,
            _ => hours,
        };
        let before_open = self.open_bytes();
        let mut grown = forget_in(&mut self.cells[0], WIDTHS[0], visitor, hours);
        for (cells, width) in self.cells.iter_mut().zip(WIDTHS).skip(1) {
            grown += forget_in(cells, width, visitor, closed);
        }
        // What is set aside goes with the cell that it is for; the hour stays the latest one, whether it has a cell or not,
        // for all others are in the wider cells.
        let own = self.open_bytes() - before_open;
        let wider = (WIDTHS.len() - 1) as isize * own;
        let aside = if self.open_bytes() == 0 { -self.set_aside } else { wider.max(-self.set_aside) };
        self.set_aside += aside;
        if self.is_empty() {
            *self = Self::default();
        }
        grown + aside - dropped
    }

    /// What the cell of the latest hour takes.
    fn open_bytes(&self) -> isize {
        let cell = self.open.and_then(|hour| self.hour(hour));
        cell.map_or(0, |cell| growth::vec_bytes::<Cell>(1) + cell.visitors.heap_bytes()) as isize
    }
}

/// Takes a visitor, and so many events in each of these hours, out of the cells of one width. There is none for hours
/// before the floor. Returns by how many bytes the cells grew.
fn forget_in(cells: &mut Vec<Cell>, width: i32, visitor: u32, hours: &[(i32, u64)]) -> isize {
    let (mut grown, mut emptied) = (0, 0);
    let span_of = |hour: i32| hour.div_euclid(width);
    for hours in hours.chunk_by(|left, right| span_of(left.0) == span_of(right.0)) {
        let Ok(place) = cells.binary_search_by_key(&span_of(hours[0].0), |cell| cell.span) else { continue };
        let cell = &mut cells[place];
        let before = cell.visitors.heap_bytes() as isize;
        let count = hours.iter().map(|(_, count)| count).sum();
        cell.count = cell.count.checked_sub(count).expect("what is held was counted");
        cell.visitors.remove(visitor);
        grown += cell.visitors.heap_bytes() as isize - before;
        emptied += usize::from(cell.count == 0);
    }
    if emptied > 0 {
        cells.retain(|cell| cell.count > 0);
        grown -= growth::vec_bytes::<Cell>(emptied) as isize;
        growth::trim(cells);
    }
    grown
}

/// Where the cell of that span is; it is made where it isn't there yet.
fn place_of(cells: &mut Vec<Cell>, span: i32) -> usize {
    let new = || Cell { span, count: 0, visitors: VisitorSet::None };
    match cells.last() {
        Some(last) if last.span == span => cells.len() - 1,
        Some(last) if last.span > span => match cells.binary_search_by_key(&span, |cell| cell.span) {
            Ok(place) => place,
            Err(place) => {
                growth::push(cells, new());
                cells[place..].rotate_right(1);
                place
            }
        },
        _ => {
            growth::push(cells, new());
            cells.len() - 1
        }
    }
}

fn within(cells: &[Cell], from: i32, to: i32) -> &[Cell] {
    let start = first_from(cells, from);
    &cells[start..first_from(cells, to).max(start)]
}

/// Where the first cell is whose span is not before `from`. Cells stand in order of their spans, and each span has at
/// most one: so it is at most as many places from either end as there are spans. Where no span is missing that leaves one
/// place, and the search none to look at.
fn first_from(cells: &[Cell], from: i32) -> usize {
    let (Some(first), Some(last)) = (cells.first(), cells.last()) else { return 0 };
    let distance = |left: i32, right: i32| (i64::from(right) - i64::from(left)).max(0) as usize;
    let low = cells.len().saturating_sub(distance(from, last.span.saturating_add(1)));
    let high = distance(first.span, from).min(cells.len()).max(low);
    low + cells[low..high].partition_point(|cell| cell.span < from)
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

    /// Whether the hour is covered, and not by itself.
    fn holds_in_wider_cell(&self, hour: i32) -> bool {
        let holds = |piece: &Piece| piece.spans.contains(&hour.div_euclid(WIDTHS[piece.width]));
        self.pieces.iter().any(|piece| piece.width > 0 && holds(piece))
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

/// Counts the different ones: by a bit for each that there may be, where those are fewer than a sort would have to look at.
fn different(mut visitors: Vec<u32>) -> u64 {
    let words = visitors.iter().max().map_or(0, |last| *last as usize / 64 + 1);
    if words > visitors.len() {
        visitors.sort_unstable();
        visitors.dedup();
        return visitors.len() as u64;
    }
    let mut seen = vec![0_u64; words];
    for visitor in visitors {
        seen[visitor as usize / 64] |= 1 << (visitor % 64);
    }
    seen.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Counts the different visitors of some cells and some more visitors.
pub(crate) fn distinct<'a>(
    cells: impl Iterator<Item = &'a Cell>,
    more: impl IntoIterator<Item = u32>,
) -> u64 {
    let more: Vec<u32> = more.into_iter().collect();
    let mut only = None;
    let (mut many, mut sets) = (Vec::new(), 0);
    let mut few = RoaringBitmap::new();
    for cell in cells {
        match &cell.visitors {
            VisitorSet::None => continue,
            VisitorSet::Many(bitmap) => many.push(&**bitmap),
            set => set.union_into(&mut few),
        }
        sets += 1;
        only = Some(&cell.visitors);
    }
    if let (Some(only), 1, []) = (only, sets, &*more) {
        return only.len();
    }
    if sets == 0 {
        return different(more);
    }
    // All at once: cardinalities are counted once at the end, not after each pair.
    let mut union = many.into_iter().chain([&few]).union();
    union.extend(more);
    union.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cover_is_every_hour_once_and_few_pieces() {
        for (from, to) in
            [(0, 1), (-5, 60), (23, 25), (-3_000, 3_000), (1, 24 * 64 * 3 - 1), (7, 7), (100, 101)]
        {
            let cover = Cover::of(from, to);
            let mut hours: Vec<i32> = cover
                .pieces
                .iter()
                .flat_map(|piece| {
                    piece.spans.start * WIDTHS[piece.width]..piece.spans.end * WIDTHS[piece.width]
                })
                .collect();
            hours.sort_unstable();
            assert!(hours.iter().copied().eq(from..to), "{from}..{to}");
            assert!(cover.pieces.len() < 2 * WIDTHS.len());
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
    fn every_cover_counts_every_event_once_in_whatever_order_they_came() {
        let hours = [0, 0, 5, 30, 29, 30, 5, 2_000, 1_999, 2_000, 2_001, -1, 2_001];
        let mut series = Series::default();
        for (visitor, hour) in (0..).zip(hours) {
            series.add(hour, 1, &[visitor], i32::MIN);
            for (from, to) in [(-5_000, 5_000), (0, 24), (0, 1_536), (1_536, 2_001), (1_536, 2_002), (-1, 31)]
            {
                let cover = Cover::of(from, to);
                let expected =
                    hours[..=visitor as usize].iter().filter(|hour| (from..to).contains(*hour)).count()
                        as u64;
                assert_eq!(
                    series.cover(&cover).map(|cell| cell.count).sum::<u64>(),
                    expected,
                    "{from}..{to}"
                );
                assert_eq!(distinct(series.cover(&cover), []), expected, "{from}..{to}");
            }
        }
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
        assert_eq!(series.set_aside, 0);
    }

    #[test]
    fn different_visitors_are_counted_either_way() {
        for visitors in [&[][..], &[0], &[5, 5, 1], &[1_000_000, 3, 1_000_000], &[63, 64, 0, 63, 128, 127]] {
            let expected = visitors.iter().collect::<std::collections::HashSet<_>>().len() as u64;
            assert_eq!(different(visitors.to_vec()), expected, "{visitors:?}");
        }
    }
}
