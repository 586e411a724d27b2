//! Telling other instances.

use std::sync::Arc;
use std::time::Duration;

use footfall_ports::Accepted;
use tokio::time::sleep;

use super::message;
use super::queue::{Entry, Queue};
use crate::error::Trouble;
use crate::link::Link;

/// Bytes of records that are sent with one command, about.
const SENT_AT_A_TIME: usize = 512 * 1024;
/// While nobody hears it, it is looked so often whether someone does.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

pub(super) struct Publisher {
    pub(super) link: Arc<Link>,
    pub(super) channel: String,
    pub(super) instance: u64,
    pub(super) queue: Arc<Queue>,
}

impl Publisher {
    /// Sends what is queued, in order, for ever. What can't be sent is left out: its numbers tell.
    pub(super) async fn run(self) {
        let (mut number, mut is_heard) = (0, false);
        loop {
            let (accepted, events) = self.take().await;
            let first = number;
            number += events;
            if !is_heard {
                // Whoever subscribed before these events were accepted is counted.
                is_heard = self.listeners().await.is_ok_and(|listeners| listeners > 0);
            }
            if is_heard {
                is_heard = self.send(first, accepted).await.is_ok_and(|listeners| listeners > 0);
            }
            if !is_heard {
                sleep(LOOK_INTERVAL).await;
            }
        }
    }

    /// What is sent next, in one piece; and how many events it stands for, those included that are missing after it.
    async fn take(&self) -> (Vec<Accepted>, u64) {
        let (mut accepted, mut bytes, mut events) = (Vec::new(), 0, 0);
        let mut entry = Some(self.queue.next().await);
        while let Some(next) = entry {
            match next {
                Entry::Events(these) => {
                    bytes += these.bytes();
                    events += these.len() as u64;
                    accepted.push(these);
                }
                // Numbers within a piece follow each other.
                Entry::Missed(missed) => return (accepted, events + missed),
            }
            entry = if bytes < SENT_AT_A_TIME { self.queue.pop() } else { None };
        }
        (accepted, events)
    }

    async fn listeners(&self) -> Result<u64, Trouble> {
        let channel = self.channel.clone();
        let ask = async move |mut connection| {
            let mut command = redis::cmd("PUBSUB");
            command.arg("NUMSUB").arg(&channel);
            let counted: (String, u64) =
                command.query_async(&mut connection).await.map_err(Trouble::of_command)?;
            Ok(counted.1)
        };
        self.link.run(0, ask).await
    }

    /// Sends events; says how many instances got the last of them.
    async fn send(&self, first: u64, accepted: Vec<Accepted>) -> Result<u64, Trouble> {
        let messages = message::write(self.instance, first, &accepted);
        if messages.is_empty() {
            return Ok(1);
        }
        let bytes = messages.iter().map(Vec::len).sum();
        let channel = self.channel.clone();
        let send = async move |mut connection| {
            let mut pipe = redis::pipe();
            for message in &messages {
                pipe.cmd("PUBLISH").arg(&channel).arg(message);
            }
            let heard: Vec<u64> = pipe.query_async(&mut connection).await.map_err(Trouble::of_command)?;
            Ok(heard.last().copied().unwrap_or_default())
        };
        self.link.run(bytes, send).await
    }
}
