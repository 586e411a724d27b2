//! The scripts, which Redis runs as a whole, and the keys. Each touches one key, so that all of them would run on a cluster.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, Script, ServerErrorKind, Value};

use crate::bulk::LARGE;
use crate::error::Trouble;

/// A script, known to Redis by its hash once it has run.
#[derive(Debug)]
pub(crate) struct Known {
    text: &'static str,
    hash: String,
}

impl Known {
    /// `KEYS[1]`: the snapshot. `ARGV`: when it was taken, in a form of fixed width, which sorts as time does; its bytes.
    /// Keeps it unless one stands that was taken then or later. 1 when it was kept, else 0.
    pub(crate) fn put_snapshot() -> Self {
        Self::new(include_str!("scripts/put_snapshot.lua"))
    }

    /// `KEYS[1]`: the snapshot. `ARGV`: when the one was taken that the caller has; the most bytes to be given. Nothing,
    /// or when it was taken, and then, if it is another one, its bytes, or how many they are where they are too many.
    pub(crate) fn get_snapshot() -> Self {
        Self::new(include_str!("scripts/get_snapshot.lua"))
    }

    fn new(text: &'static str) -> Self {
        Self { text, hash: Script::new(text).get_hash().to_owned() }
    }

    /// Runs it on a key. Sends the text only where Redis has forgotten it, as after a start.
    pub(crate) async fn run(
        &self,
        mut connection: MultiplexedConnection,
        key: &[u8],
        arguments: [&[u8]; 2],
    ) -> Result<Value, Trouble> {
        let command = |name: &str, script: &str| -> Cmd {
            let mut command = redis::cmd(name);
            command.arg(script).arg(1).arg(key).arg(&arguments);
            command
        };
        if arguments.iter().any(|argument| argument.len() > LARGE) {
            // So that what is large is not sent twice. If it can't be had this way, it is below.
            let load =
                redis::cmd("SCRIPT").arg("LOAD").arg(self.text).query_async::<()>(&mut connection).await;
            load.or_else(
                |error| if error.code().is_some() { Ok(()) } else { Err(Trouble::of_command(error)) },
            )?;
        }
        let answer = command("EVALSHA", &self.hash).query_async(&mut connection).await;
        let answer = match answer {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", self.text).query_async(&mut connection).await
            }
            answer => answer,
        };
        answer.map_err(Trouble::of_command)
    }
}
