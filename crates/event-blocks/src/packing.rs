//! Compression. Each thread keeps what it compresses with: making it anew costs more than a block's compression does.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

thread_local! {
    static COMPRESSOR: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses at a level of Zstandard's.
pub(crate) fn compress(plain: &[u8], level: i32) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some((its_level, compressor)) => {
                if *its_level != level {
                    compressor.set_compression_level(level)?;
                    *its_level = level;
                }
                compressor
            }
            None => &mut kept.insert((level, Compressor::new(level)?)).1,
        };
        compressor.compress(plain)
    })
}

/// Unpacks what unpacks to no more than so many bytes.
pub(crate) fn decompress(packed: &[u8], plain_bytes: usize) -> io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new()?),
        };
        decompressor.decompress(packed, plain_bytes)
    })
}
