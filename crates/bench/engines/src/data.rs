//! Event records to store: realistic text, the same for every engine and every run.

/// How many different events there are before they repeat.
const POOL: usize = 65_536;

/// The most events one block can hold.
pub const LARGEST_BLOCK: usize = 4_096;

/// Events made once, so that making them does not count as time spent in an engine.
pub struct Events {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Events {
    /// Makes the pool of events.
    pub fn new() -> Self {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let (mut bytes, mut starts) = (Vec::new(), vec![0]);
        for number in 0..POOL as u64 {
            record(&mut random, number, &mut bytes);
            starts.push(bytes.len());
        }
        for number in 0..LARGEST_BLOCK {
            let (from, to) = (starts[number], starts[number + 1]);
            bytes.extend_from_within(from..to);
            starts.push(bytes.len());
        }
        Self { bytes, starts }
    }

    /// The block that belongs under `key` when every block holds `events` events.
    pub fn block(&self, key: u64, events: usize) -> &[u8] {
        let first = (key as usize).wrapping_mul(events) % POOL;
        &self.bytes[self.starts[first]..self.starts[first + events]]
    }
}

/// A small random number generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Writes one record: its length, a random id, the time, then type, user and JSON properties.
fn record(random: &mut Random, number: u64, out: &mut Vec<u8>) {
    const TYPES: [&str; 6] = ["page_view", "click", "purchase", "sign_up", "add_to_cart", "search"];
    const PAGES: [&str; 8] = [
        "/",
        "/pricing",
        "/products/shoes",
        "/products/jackets",
        "/blog/spring-sale",
        "/checkout",
        "/account/orders",
        "/search",
    ];
    const REFERRERS: [&str; 5] = [
        "https://www.google.com/",
        "https://news.example.org/today",
        "https://t.example/x",
        "https://mail.example.com/inbox",
        "",
    ];
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&random.next().to_le_bytes());
    out.extend_from_slice(&random.next().to_le_bytes());
    out.extend_from_slice(&(1_760_000_000_000 + number * 13 + random.below(13)).to_le_bytes());
    for text in [
        TYPES[random.below(6) as usize].to_owned(),
        format!("user-{}", 100_000 + random.below(400_000)),
        format!(
            r#"{{"page":"{}/{}","amount":{}.{:02},"currency":"EUR","referrer":"{}","device":"{}","session":"s-{:08x}","duration_ms":{}}}"#,
            PAGES[random.below(8) as usize],
            random.below(900),
            random.below(500),
            random.below(100),
            REFERRERS[random.below(5) as usize],
            ["mobile", "desktop", "tablet"][random.below(3) as usize],
            random.next() as u32,
            random.below(60_000),
        ),
    ] {
        out.extend_from_slice(&(text.len() as u16).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}
