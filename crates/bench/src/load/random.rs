//! Seeded random numbers and the page popularity law. Own code, so that the same seed gives the same load for ever
//! and a draw costs about a nanosecond.

/// xoshiro256++ (Blackman and Vigna, <https://prng.di.unimi.it>), seeded by splitmix64.
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// A generator for one stream: the same `seed` and `stream` give the same numbers, other streams unrelated ones.
    pub fn new(seed: u64, stream: u64) -> Self {
        // The stream goes through splitmix first: neighbouring seeds and streams must not meet.
        let mut start = stream;
        let mut mixed = seed ^ split_mix(&mut start);
        Self { state: std::array::from_fn(|_| split_mix(&mut mixed)) }
    }

    /// Sixty-four random bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number below `bound`, by multiplication: the bias (`bound` / 2³²) is far below what a load can show.
    pub fn below(&mut self, bound: u32) -> u32 {
        scale(self.next_u64() as u32, bound)
    }
}

/// `bound` × `bits` / 2³².
pub fn scale(bits: u32, bound: u32) -> u32 {
    ((u64::from(bits) * u64::from(bound)) >> 32) as u32
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Zipf's law with exponent 1 over `0..size`: rank r has weight 1 / (r + 1). Drawn by Vose's alias method, two table
/// look-ups a draw whatever the size.
#[derive(Clone, Debug)]
pub struct Zipf {
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    /// Of the low 32 random bits, those below this stay in the cell.
    keep_below: u32,
    otherwise: u32,
}

impl Zipf {
    /// The law over `0..size`.
    pub fn new(size: u32) -> Self {
        let total: f64 = (1..=size).map(|rank| 1.0 / f64::from(rank)).sum();
        let mut weight: Vec<f64> =
            (1..=size).map(|rank| f64::from(size) / (f64::from(rank) * total)).collect();
        let mut cells: Vec<Cell> =
            (0..size).map(|rank| Cell { keep_below: u32::MAX, otherwise: rank }).collect();
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            (0..size).partition(|rank| weight[*rank as usize] < 1.0);
        while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
            let share = weight[poor as usize];
            cells[poor as usize] = Cell { keep_below: (share * f64::from(u32::MAX)) as u32, otherwise: rich };
            weight[rich as usize] -= 1.0 - share;
            if weight[rich as usize] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        Self { cells }
    }

    /// A rank, 0 being the most popular.
    pub fn draw(&self, random: &mut Random) -> u32 {
        let bits = random.next_u64();
        let rank = scale((bits >> 32) as u32, self.cells.len() as u32);
        let cell = self.cells[rank as usize];
        if (bits as u32) < cell.keep_below { rank } else { cell.otherwise }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zipf_gives_each_rank_its_share() {
        let law = Zipf::new(10_000);
        let mut random = Random::new(1, 0);
        let mut seen = vec![0_u32; 10_000];
        for _ in 0..1_000_000 {
            seen[law.draw(&mut random) as usize] += 1;
        }
        let harmonic: f64 = (1..=10_000).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [0_usize, 1, 9] {
            let expected = 1_000_000.0 / ((rank + 1) as f64 * harmonic);
            assert!((f64::from(seen[rank]) / expected - 1.0).abs() < 0.05, "rank {rank}: {}", seen[rank]);
        }
        assert!(seen.iter().filter(|count| **count > 0).count() > 9_900);
    }

    #[test]
    fn streams_are_repeatable_and_differ() {
        let draw = |seed, stream| Random::new(seed, stream).next_u64();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(2, 1));
        assert_ne!(draw(1, 2), draw(1, 3));
    }
}
