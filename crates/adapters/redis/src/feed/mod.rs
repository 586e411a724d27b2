//! The live feed: accepted events from each instance to all others, by publishing and subscribing. Nothing is kept in Redis.
//!
//! ```text
//! publish ─▶ queue ─▶ publisher: is anyone subscribed? ─▶ PUBLISH  (over the store's connection, within its limits)
//! next ◀── queue ◀── subscriber, on a connection of its own, while someone listens here
//! ```

mod message;
mod publisher;
mod queue;
mod subscriber;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use footfall_ports::{Accepted, Carried, LiveFeed};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::backoff::Backoff;
use crate::connect::{CONNECT_LIMIT, UrlError, client};
use crate::link::COMMAND_LIMIT;
use crate::store::{RedisOptions, RedisStore};

use publisher::Publisher;
use queue::{Entry, Queue};
use subscriber::{Hearing, Subscriber};

/// Carries events between the instances that share a Redis and a prefix.
pub struct RedisFeed {
    outgoing: Arc<Queue>,
    incoming: Arc<Queue>,
    wanted: watch::Sender<bool>,
    hearing: watch::Receiver<Hearing>,
    tasks: [AbortHandle; 2],
}

impl RedisFeed {
    /// A feed beside the store of the same options. Nothing is connected before something is wanted or published.
    ///
    /// # Errors
    /// [`UrlError`] when the URL can't be used.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(store: &RedisStore, options: &RedisOptions) -> Result<Self, UrlError> {
        let instance = (options.random)();
        let channel = format!("{}:live", options.prefix);
        let (outgoing, incoming) = (Arc::<Queue>::default(), Arc::<Queue>::default());
        let (wanted, is_wanted) = watch::channel(false);
        let (hears, hearing) = watch::channel(Hearing::No);
        let publisher = Publisher {
            link: Arc::clone(&store.inner().link),
            channel: channel.clone(),
            instance,
            queue: Arc::clone(&outgoing),
        };
        let subscriber = Subscriber {
            client: client(&options.url)?,
            channel,
            instance,
            queue: Arc::clone(&incoming),
            wanted: is_wanted,
            hearing: hears,
            backoff: Backoff::new(options.random),
            next: HashMap::new(),
        };
        let tasks =
            [tokio::spawn(publisher.run()).abort_handle(), tokio::spawn(subscriber.run()).abort_handle()];
        Ok(Self { outgoing, incoming, wanted, hearing, tasks })
    }
}

#[async_trait]
impl LiveFeed for RedisFeed {
    fn publish(&self, accepted: &Accepted) {
        self.outgoing.push(accepted.clone());
    }

    fn miss(&self, events: u64) {
        self.outgoing.miss(events);
    }

    async fn listen(&self, is_wanted: bool) {
        self.wanted.send_if_modified(|wanted| std::mem::replace(wanted, is_wanted) != is_wanted);
        // Also until it has stopped: who wants it again at once is not to be told that it goes on.
        let mut hearing = self.hearing.clone();
        let is_settled = hearing.wait_for(|hearing| (*hearing != Hearing::No) == is_wanted);
        let _ = timeout(CONNECT_LIMIT + COMMAND_LIMIT, is_settled).await;
    }

    async fn next(&self) -> Carried {
        match self.incoming.next().await {
            Entry::Events(accepted) => Carried::Events(accepted),
            Entry::Missed(events) => Carried::Missed(events),
        }
    }
}

impl fmt::Debug for RedisFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisFeed").field("hearing", &*self.hearing.borrow()).finish_non_exhaustive()
    }
}

impl Drop for RedisFeed {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}
