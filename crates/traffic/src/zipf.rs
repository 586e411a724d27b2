//! Zipf's law with exponent 1: the r-th most popular is met 1/r as often as the first.

use crate::random::{Random, scale};

/// The law over the ranks `0..size`, drawn by Vose's alias method: two look-ups a draw, whatever the size.
#[derive(Clone, Debug)]
pub(crate) struct Zipf {
    cells: Vec<Cell>,
}

/// A slot of the table: it belongs to a rank, and in part to another.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// Of 2³² draws that meet the slot, so many stay.
    stay: u32,
    otherwise: u32,
}

impl Zipf {
    pub(crate) fn new(size: u32) -> Self {
        let total: f64 = (1..=size).map(|rank| 1.0 / f64::from(rank)).sum();
        // 1 is the average.
        let mut weights: Vec<f64> =
            (1..=size).map(|rank| f64::from(size) / (f64::from(rank) * total)).collect();
        let mut cells: Vec<Cell> = (0..size).map(|rank| Cell { stay: u32::MAX, otherwise: rank }).collect();
        let (mut light, mut heavy): (Vec<u32>, Vec<u32>) =
            (0..size).partition(|&rank| weights[rank as usize] < 1.0);
        while let (Some(poor), Some(&rich)) = (light.pop(), heavy.last()) {
            let own = weights[poor as usize];
            cells[poor as usize] = Cell { stay: (own * f64::from(u32::MAX)) as u32, otherwise: rich };
            weights[rich as usize] -= 1.0 - own;
            if weights[rich as usize] < 1.0 {
                heavy.pop();
                light.push(rich);
            }
        }
        Self { cells }
    }

    pub(crate) fn size(&self) -> u32 {
        self.cells.len() as u32
    }

    /// A rank, 0 the most popular.
    pub(crate) fn draw(&self, random: &mut Random) -> u32 {
        let bits = random.bits();
        let rank = scale((bits >> 32) as u32, self.size());
        let cell = self.cells[rank as usize];
        if (bits as u32) <= cell.stay { rank } else { cell.otherwise }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn each_rank_has_its_share() {
        let (law, mut random) = (Zipf::new(1_000), Random::new(Seed::past(1), 0));
        let mut seen = vec![0_u32; 1_000];
        for _ in 0..1_000_000 {
            seen[law.draw(&mut random) as usize] += 1;
        }
        let harmonic: f64 = (1..=1_000).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [0_usize, 1, 9, 99] {
            let expected = 1_000_000.0 / ((rank + 1) as f64 * harmonic);
            let found = f64::from(seen[rank]);
            assert!((found / expected - 1.0).abs() < 0.1, "rank {rank}: {found}, not {expected}");
        }
        assert!(seen.iter().all(|&count| count > 0));
    }

    #[test]
    fn one_rank_is_always_that_one() {
        let (law, mut random) = (Zipf::new(1), Random::new(Seed::past(1), 0));
        assert!((0..100).all(|_| law.draw(&mut random) == 0));
    }
}
