//! How many requests a client may make: so many a second for each key, and for each address that sends none.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use quick_cache::sync::Cache;

use crate::access::{InQuery, Keys, secret_of};
use crate::problem::Problem;
use crate::proxies::TrustedProxies;

/// The limit, shared by all workers.
#[derive(Clone)]
pub struct RateLimit(Arc<Shared>);

struct Shared {
    limiter: Limiter<MonotonicClock>,
    keys: Option<Keys>,
    proxies: TrustedProxies,
}

/// Whom a request counts for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Client {
    /// Who has that key.
    Key(u8),
    V4(Ipv4Addr),
    /// Whoever has one IPv6 address usually has its /64.
    V6([u8; 8]),
    /// A peer without an address.
    Unknown,
}

impl RateLimit {
    /// Lets each client make `per_second` requests a second, and as many at once when it made none for a second. At most about
    /// `clients` are remembered: of more, those go that came once or least. Who goes starts anew.
    pub fn new(per_second: NonZeroU32, clients: usize, keys: Option<Keys>, proxies: TrustedProxies) -> Self {
        let limiter = Limiter::new(per_second, clients, MonotonicClock);
        Self(Arc::new(Shared { limiter, keys, proxies }))
    }

    /// Whom the request counts for: its key, if that is one, else the address that it comes from. So guessing keys counts.
    pub(crate) fn client(&self, request: &HttpRequest) -> Client {
        let holder = self.0.keys.as_ref().and_then(|keys| {
            let secret = secret_of(request, InQuery::Allowed)?;
            keys.holder_of(&secret)
        });
        match (holder, request.peer_addr()) {
            (Some(holder), _) => Client::Key(holder),
            (None, Some(peer)) => self.0.proxies.client(peer.ip(), request.headers()).into(),
            (None, None) => Client::Unknown,
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// 429, when it is one too many.
    pub(crate) fn count(&self, client: Client) -> Result<(), Problem> {
        self.0.limiter.count(client).map_err(Problem::too_many_requests)
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").finish_non_exhaustive()
    }
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let mut network = [0; 8];
                network.copy_from_slice(&address.octets()[..8]);
                Self::V6(network)
            }
        }
    }
}

/// The limit by a clock.
struct Limiter<C: Clock>(RateLimiter<Client, Recent, C, NoOpMiddleware<C::Instant>>);

impl<C: Clock> Limiter<C> {
    fn new(per_second: NonZeroU32, clients: usize, clock: C) -> Self {
        Self(RateLimiter::new(Quota::per_second(per_second), Recent(Cache::new(clients)), clock))
    }

    /// Says, when it is one too many, after how long it isn't.
    fn count(&self, client: Client) -> Result<(), Duration> {
        self.0.check_key(&client).map_err(|refused| refused.wait_time_from(self.0.clock().now()))
    }
}

/// What recent clients have used of theirs. A client that did nothing for a second has all of its own again, so forgetting one of
/// those changes nothing; and those that come often stay, however many come once.
struct Recent(Cache<Client, Arc<InMemoryState>>);

impl StateStore for Recent {
    type Key = Client;

    fn measure_and_replace<T, F, E>(&self, client: &Client, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let new = || Ok::<_, E>(Arc::default());
        self.0.get_or_insert_with(client, new)?.measure_and_replace(&NotKeyed::NonKey, measure)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use governor::clock::FakeRelativeClock;

    use super::*;

    const PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();

    fn address(text: &str) -> Client {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_seconds_worth_is_free_at_once_and_then_comes_back_evenly() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::new(PER_SECOND, 1_000, clock.clone());
        let (ann, bob) = (address("192.0.2.1"), Client::Key(0));
        let free = |client| (0..100).take_while(|_| limiter.count(client).is_ok()).count();
        assert_eq!((free(ann), free(bob)), (5, 5));
        assert_eq!(limiter.count(ann), Err(Duration::from_millis(200)));
        clock.advance(Duration::from_millis(400));
        assert_eq!(free(ann), 2);
        clock.advance(Duration::from_mins(1));
        assert_eq!(free(ann), 5);
    }

    #[test]
    fn strangers_without_number_take_no_more_room_and_forgive_nobody_who_comes_often() {
        let limiter = Limiter::new(PER_SECOND, 1_000, FakeRelativeClock::default());
        let often = Client::Key(0);
        while limiter.count(often).is_ok() {}
        for number in 0..50_000_u32 {
            assert_eq!(limiter.count(Client::V4(number.into())), Ok(()));
            assert!(limiter.count(often).is_err());
        }
        assert!(limiter.0.into_state_store().0.len() <= 1_100);
    }

    #[test]
    fn a_request_counts_for_its_key_or_its_address() {
        let keys = ["site:ingest:one", "site:ingest:next", "board:read:two"].map(str::to_owned);
        let proxies = TrustedProxies::parse(&["10.0.0.0/8".to_owned()]).unwrap();
        let limit = RateLimit::new(PER_SECOND, 1_000, Some(Keys::parse(&keys).unwrap()), proxies);
        let from = |peer: &str| TestRequest::default().peer_addr(format!("{peer}:9").parse().unwrap());
        let client = |request: TestRequest| limit.client(&request.to_http_request());
        let with = |key: &'static str| client(from("192.0.2.1").insert_header(("X-Api-Key", key)));
        assert_eq!((with("one"), with("two")), (Client::Key(0), Client::Key(2)));
        assert_eq!(with("next"), with("one"), "both are the site's");
        assert_eq!(with("guessed"), address("192.0.2.1"));
        assert_eq!(client(from("192.0.2.1").uri("/events?key=two")), Client::Key(2));
        assert_eq!(client(from("192.0.2.1")), address("192.0.2.1"));
        let behind = from("10.1.1.1").insert_header(("X-Forwarded-For", "192.0.2.2"));
        assert_eq!(client(behind), address("192.0.2.2"));
        assert_eq!(client(from("[2001:db8:1:2::3]")), address("2001:db8:1:2:ffff::9"));
        assert_ne!(client(from("[2001:db8:1:2::3]")), address("2001:db8:1:3::3"));
    }
}
