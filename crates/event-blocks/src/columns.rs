//! Lists of numbers and bytes one after the other, each with its length before it. Numbers are little-endian.

/// Writes lists.
#[derive(Debug, Default)]
pub(crate) struct Columns(Vec<u8>);

impl Columns {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn u32s(&mut self, numbers: &[u32]) {
        self.length(numbers.len());
        self.0.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    pub(crate) fn i64s(&mut self, numbers: &[i64]) {
        self.length(numbers.len());
        self.0.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn length(&mut self, length: usize) {
        self.0.extend_from_slice(&(length as u32).to_le_bytes());
    }
}

/// Reads lists in the order in which they were written; `None` where there is no such list.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        self.list(1)
    }

    pub(crate) fn u32s(&mut self) -> Option<Vec<u32>> {
        Some(self.list(4)?.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    pub(crate) fn i64s(&mut self) -> Option<impl Iterator<Item = i64> + use<'a>> {
        Some(self.list(8)?.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)))
    }

    fn list(&mut self, each: usize) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (list, rest) =
            rest.split_at_checked((u32::from_le_bytes(*length) as usize).checked_mul(each)?)?;
        self.0 = rest;
        Some(list)
    }
}
