//! Hearing from other instances.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::{PubSub, PubSubSink, PubSubStream};
use redis::{Client, Msg};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::message;
use super::queue::Queue;
use crate::backoff::Backoff;
use crate::connect::CONNECT_LIMIT;
use crate::error::Trouble;
use crate::link::COMMAND_LIMIT;

/// When nothing has come for so long, the connection is tried.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Instances whose numbers are remembered. Each start of one is another instance.
const INSTANCES_MAX: usize = 1_024;

/// Whether other instances are heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hearing {
    /// It is not wanted, or was not tried yet.
    No,
    Yes,
    /// It is wanted, and can't be had now.
    Away,
}

pub(super) struct Subscriber {
    pub(super) client: Client,
    pub(super) channel: String,
    pub(super) instance: u64,
    pub(super) queue: Arc<Queue>,
    pub(super) wanted: watch::Receiver<bool>,
    pub(super) hearing: watch::Sender<Hearing>,
    pub(super) backoff: Backoff,
    /// The number that each instance's next event has.
    pub(super) next: HashMap<u64, u64>,
}

impl Subscriber {
    /// Listens while it is wanted, and again after what broke, for ever.
    pub(super) async fn run(mut self) {
        while self.wanted.wait_for(|is_wanted| *is_wanted).await.is_ok() {
            match self.subscribe().await {
                Ok((sink, messages)) => {
                    if self.hearing.send_replace(Hearing::Yes) == Hearing::Away {
                        info!("live events of other instances are heard again");
                    }
                    let since = Instant::now();
                    match self.hear(sink, messages).await {
                        End::Unwanted => {
                            // Numbers that are counted meanwhile were not missed.
                            self.next.clear();
                            self.queue.clear();
                            self.hearing.send_replace(Hearing::No);
                        }
                        End::Broken => self.wait(Some(since.elapsed()), &"the connection broke").await,
                    }
                }
                Err(trouble) => self.wait(None, &trouble).await,
            }
        }
    }

    async fn wait(&mut self, lived: Option<Duration>, why: &(dyn std::fmt::Display + std::marker::Sync)) {
        if self.hearing.send_replace(Hearing::Away) != Hearing::Away {
            warn!(error = %why, "live events of other instances are not heard; this one's are");
        }
        let nap = self.backoff.next(lived);
        // Who doesn't want it any more isn't to be told that it is away.
        let unwanted = self.wanted.wait_for(|is_wanted| !is_wanted);
        if timeout(nap, unwanted).await.is_ok() {
            self.next.clear();
            self.hearing.send_replace(Hearing::No);
        }
    }

    async fn subscribe(&self) -> Result<(PubSubSink, PubSubStream), Trouble> {
        let connecting = timeout(CONNECT_LIMIT, self.client.get_async_pubsub());
        let connected = connecting.await.map_err(|_| Trouble::SlowConnect)?;
        let (mut sink, messages) = connected.map(PubSub::split).map_err(Trouble::of_connecting)?;
        let subscribed = timeout(COMMAND_LIMIT, sink.subscribe(&self.channel)).await;
        subscribed.map_err(|_| Trouble::Slow)?.map_err(Trouble::of_command)?;
        Ok((sink, messages))
    }

    /// Takes in what comes. The driver's own queue has no bound, so nothing here waits.
    async fn hear(&mut self, mut sink: PubSubSink, mut messages: PubSubStream) -> End {
        let mut wanted = self.wanted.clone();
        loop {
            let step = tokio::select! {
                message = messages.next() => message.map_or(Step::Broken, Step::Message),
                _ = wanted.wait_for(|is_wanted| !is_wanted) => Step::Unwanted,
                () = sleep(PING_INTERVAL) => Step::Quiet,
            };
            match step {
                Step::Message(message) => self.take_in(message.get_payload_bytes()),
                Step::Quiet => match timeout(CONNECT_LIMIT, sink.ping::<redis::Value>()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) | Err(_) => return End::Broken,
                },
                Step::Broken => return End::Broken,
                Step::Unwanted => return End::Unwanted,
            }
        }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        let Some(head) = message::head(bytes).filter(|head| head.instance != self.instance) else { return };
        let Some((accepted, past)) = message::events(head, bytes) else {
            // Its numbers are missing from what comes next, and will be told then.
            warn!("a message about live events can't be read");
            return;
        };
        if self.next.len() >= INSTANCES_MAX && !self.next.contains_key(&head.instance) {
            self.next.clear();
        }
        let next = self.next.get(&head.instance).copied().unwrap_or(head.first);
        self.next.insert(head.instance, past.max(next));
        if head.first > next {
            self.queue.miss(head.first - next);
        }
        if head.first >= next {
            self.queue.push(accepted);
        }
    }
}

enum Step {
    Message(Msg),
    /// Nothing came for a while.
    Quiet,
    Broken,
    Unwanted,
}

enum End {
    Unwanted,
    Broken,
}
