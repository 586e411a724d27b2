//! The database of a store as another program sees it: to look at what is in it, to damage it, and to make it fail.

use std::path::Path;

use rusqlite::Connection;

use super::image::DATABASE;

/// Bytes of a block before its body; the second one says how the body is packed.
const BLOCK_HEAD: usize = 18;
const ZSTD: u8 = 1;
/// More than any block or checkpoint here unpacks to.
const PLAIN_BYTES_MAX: usize = 4 << 20;

/// Opens the database in a store's folder.
pub(crate) fn database(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join(DATABASE)).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection
}

/// The blocks, or checkpoints, with their first ordinals.
pub(crate) fn values(folder: &Path, table: &str) -> Vec<(i64, Vec<u8>)> {
    let connection = database(folder);
    let mut statement =
        connection.prepare(&format!("SELECT first, value FROM {table} ORDER BY first")).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// A number of rows, or whatever number the query gives.
pub(crate) fn number(folder: &Path, query: &str) -> i64 {
    database(folder).query_row(query, [], |row| row.get(0)).unwrap()
}

/// The body of a block, unpacked.
pub(crate) fn unpacked_block(value: &[u8]) -> Vec<u8> {
    match value[1] {
        ZSTD => unpacked(&value[BLOCK_HEAD..]).unwrap(),
        _ => value[BLOCK_HEAD..].to_vec(),
    }
}

/// How many events the blocks from an ordinal on and before another hold in all, and how many of them with content.
pub(crate) fn records_between(folder: &Path, first: u64, past: u64) -> (usize, usize) {
    let (mut all, mut held) = (0, 0);
    for (at, value) in values(folder, "blocks") {
        let mut rest = &unpacked_block(&value)[..];
        for ordinal in at as u64.. {
            let Some((length, others)) = rest.split_first_chunk() else { break };
            let length = usize::from(u16::from_le_bytes(*length));
            if (first..past).contains(&ordinal) {
                all += 1;
                held += usize::from(length > 0);
            }
            rest = &others[length..];
        }
    }
    (all, held)
}

/// What a compressed text that begins there unpacks to, if there is one. What follows it doesn't matter.
pub(crate) fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = zstd::zstd_safe::find_frame_compressed_size(bytes).ok()?;
    zstd::bulk::decompress(&bytes[..length], PLAIN_BYTES_MAX).ok()
}

/// Makes the database fail whenever that is done to it, until [`let_through`].
pub(crate) fn make_fail(folder: &Path, when: &str) {
    let trigger = format!("CREATE TRIGGER fails {when} BEGIN SELECT RAISE(ABORT, 'made to fail'); END");
    database(folder).execute_batch(&trigger).unwrap();
}

/// Lets everything through again.
pub(crate) fn let_through(folder: &Path) {
    database(folder).execute_batch("DROP TRIGGER fails").unwrap();
}
