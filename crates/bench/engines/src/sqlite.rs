//! SQLite, as bundled with rusqlite, in WAL mode with `synchronous=FULL`.
//!
//! Options: `page=N` (bytes), `exclusive` (no other process, no shared memory), `checkpoint=N` (pages
//! between automatic checkpoints), `thread` (checkpoints made by a second connection in its own
//! thread), `vacuum` (incremental auto-vacuum).

use std::{
    ops::RangeInclusive,
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, params};

use crate::engine::{Engine, Result, Table, number};

/// The writer's connection and, where asked for, the checkpoint thread.
pub struct Sqlite {
    connection: Connection,
    incremental: bool,
    checkpoints: Option<(Sender<usize>, JoinHandle<()>)>,
}

fn name(table: Table) -> &'static str {
    match table {
        Table::Small => "small",
        Table::Merged => "merged",
    }
}

impl Sqlite {
    /// Opens or makes the database `log.sqlite` in `folder`.
    pub fn open(folder: &Path, options: &[&str]) -> Result<Self> {
        let path = folder.join("log.sqlite");
        let connection = Connection::open(&path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        let (thread, incremental) = (options.contains(&"thread"), options.contains(&"vacuum"));
        let checkpoint = if thread { 0 } else { number(options, "checkpoint").unwrap_or(1_000) };
        let page = number(options, "page").unwrap_or(4_096);
        if options.contains(&"exclusive") {
            connection.execute_batch("PRAGMA locking_mode=EXCLUSIVE")?;
        }
        connection.execute_batch(&format!(
            "PRAGMA page_size={page}; PRAGMA auto_vacuum={}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
             PRAGMA wal_autocheckpoint={checkpoint}; PRAGMA journal_size_limit=67108864;
             PRAGMA mmap_size=0; PRAGMA cache_size=-16384;
             CREATE TABLE IF NOT EXISTS small (key INTEGER PRIMARY KEY, block BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS merged (key INTEGER PRIMARY KEY, block BLOB NOT NULL);",
            if incremental { "INCREMENTAL" } else { "NONE" },
        ))?;
        let checkpoints = if thread {
            let (sender, receiver) = channel();
            let other = Connection::open(&path)?;
            Some((sender, std::thread::spawn(move || checkpoint_thread(&other, &receiver))))
        } else {
            None
        };
        Ok(Self { connection, incremental, checkpoints })
    }
}

/// Makes a checkpoint for every 4 MB written, and starts the WAL anew when it has grown too long.
fn checkpoint_thread(connection: &Connection, written: &Receiver<usize>) {
    let _ = connection.busy_timeout(Duration::from_secs(10));
    let _ = connection.execute_batch("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864");
    let (mut fresh, mut total) = (0, 0);
    while let Ok(bytes) = written.recv() {
        let more: usize = written.try_iter().sum();
        fresh += bytes + more;
        if fresh < 4 << 20 {
            continue;
        }
        total += fresh;
        fresh = 0;
        let mode = if total > 48 << 20 { "RESTART" } else { "PASSIVE" };
        if total > 48 << 20 {
            total = 0;
        }
        let _ = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
    }
}

impl Engine for Sqlite {
    fn append(&mut self, key: u64, block: &[u8]) -> Result<()> {
        self.connection
            .prepare_cached("INSERT INTO small (key, block) VALUES (?1, ?2)")?
            .execute(params![key as i64, block])?;
        if let Some((sender, _)) = &self.checkpoints {
            let _ = sender.send(block.len());
        }
        Ok(())
    }

    fn scan(
        &mut self,
        table: Table,
        from: u64,
        limit: usize,
        each: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<()> {
        let sql = format!("SELECT key, block FROM {} WHERE key >= ?1 ORDER BY key LIMIT ?2", name(table));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![from as i64, i64::try_from(limit).unwrap_or(i64::MAX)])?;
        while let Some(row) = rows.next()? {
            each(row.get::<_, i64>(0)? as u64, row.get_ref(1)?.as_blob()?);
        }
        Ok(())
    }

    fn get(&mut self, table: Table, key: u64, each: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let sql = format!("SELECT block FROM {} WHERE key = ?1", name(table));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([key as i64])?;
        let row = rows.next()?;
        if let Some(row) = row {
            each(row.get_ref(0)?.as_blob()?);
        }
        Ok(row.is_some())
    }

    fn floor(&mut self, table: Table, key: u64) -> Result<Option<u64>> {
        let sql = format!("SELECT key FROM {} WHERE key <= ?1 ORDER BY key DESC LIMIT 1", name(table));
        let found = self.connection.prepare_cached(&sql)?.query_row([key as i64], |row| row.get::<_, i64>(0));
        Ok(found.optional()?.map(|key| key as u64))
    }

    fn merge(&mut self, keys: RangeInclusive<u64>, merged: Option<&[u8]>) -> Result<()> {
        let transaction = self.connection.transaction()?;
        if let Some(block) = merged {
            transaction
                .prepare_cached("INSERT INTO merged (key, block) VALUES (?1, ?2)")?
                .execute(params![*keys.start() as i64, block])?;
        }
        transaction
            .prepare_cached("DELETE FROM small WHERE key BETWEEN ?1 AND ?2")?
            .execute([*keys.start() as i64, *keys.end() as i64])?;
        transaction.commit()?;
        if let Some((sender, _)) = &self.checkpoints {
            let _ = sender.send(64 << 10);
        }
        Ok(())
    }

    fn compact(&mut self) -> Result<()> {
        if self.incremental {
            // Every row that this pragma is asked for frees one page.
            let mut statement = self.connection.prepare("PRAGMA incremental_vacuum")?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
        } else {
            self.connection.execute_batch("VACUUM")?;
        }
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        if let Some((sender, thread)) = self.checkpoints {
            drop(sender);
            let _ = thread.join();
        }
        self.connection.close().map_err(|(_, error)| error.into())
    }
}
