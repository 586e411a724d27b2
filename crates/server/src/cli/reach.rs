//! How a command gets at the events: through a running server where one answers, else in the configured store itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use clap::Args;
use thiserror::Error;

use super::chain;
use super::client::{Client, ClientError};
use super::trust::Trust;
use crate::config::{Backend, Config};
use crate::wire::{self, Stores};

/// Which server a command is to work through.
#[derive(Args)]
pub(crate) struct ServerArgs {
    /// The server to work through if it answers [default: the configured address]
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The key for it; in the environment others of the machine can't see it
    #[arg(long, value_name = "SECRET", env = "FOOTFALL_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
}

/// The way to the events.
pub(crate) enum Reach {
    /// A server answers.
    Server(Client),
    /// None does, and the store is opened.
    Store(Stores),
}

/// Why there is no way to the events.
#[derive(Debug, Error)]
pub(crate) enum ReachError {
    /// The address or the key can't be used.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nothing answers at the address, and there is nothing to open.
    #[error(
        "no server answers at {server}, and the memory backend has its events inside a running one only: start it with \
         `footfall serve`, or name its address with --server"
    )]
    NoServer {
        /// The address that was tried.
        server: String,
    },
    /// Nothing answers at the address, and this command has no other way.
    #[error(
        "no server answers at {server}: start it with `footfall serve`, or name its address with --server"
    )]
    NotRunning {
        /// The address that was tried.
        server: String,
    },
    /// The configured address is another machine's, or for others to reach.
    #[error("the configured address {server} is not a loopback one: say with --server that it is meant")]
    NotLoopback {
        /// That address.
        server: String,
    },
    /// Nothing answers at the address, and the store can't be opened.
    #[error("no server answers at {server}, and the configured store can't be opened: {why}")]
    Store {
        /// The address that was tried.
        server: String,
        /// Why not.
        why: String,
    },
}

/// Finds the way.
///
/// # Errors
/// [`ReachError`] when there is none.
pub(crate) async fn reach(args: &ServerArgs, config: &Config) -> Result<Reach, ReachError> {
    let address = Address::of(args.server.as_deref(), config);
    let client = Client::new(&address, args.key.as_deref())?;
    if client.is_up().await {
        return Ok(Reach::Server(client));
    }
    let server = address.url;
    if config.storage.backend == Backend::Memory {
        return Err(ReachError::NoServer { server });
    }
    // Said, since a server that was meant and is down would else be left out in silence.
    eprintln!("no server answers at {server}: opening the configured store");
    let unopened = |why| ReachError::Store { server, why };
    wire::open_store(config).await.map(Reach::Store).map_err(|error| unopened(chain(&*error)))
}

/// A running server for generated traffic. Without `--server` only one on a loopback address: made-up events must not land in a
/// store that others rely on because of a setting that was left over.
///
/// # Errors
/// [`ReachError`] when none answers, or it would have to be named.
pub(crate) async fn reach_for_traffic(args: &ServerArgs, config: &Config) -> Result<Client, ReachError> {
    let address = Address::of(args.server.as_deref(), config);
    let configured = config.server.bind.ip();
    if args.server.is_none() && !configured.is_loopback() && !configured.is_unspecified() {
        return Err(ReachError::NotLoopback { server: address.url });
    }
    let client = Client::new(&address, args.key.as_deref())?;
    if client.is_up().await { Ok(client) } else { Err(ReachError::NotRunning { server: address.url }) }
}

/// Where a server is found.
#[derive(Debug)]
pub(crate) struct Address {
    /// Its URL.
    pub(crate) url: String,
    /// Whose word is taken for that it is the one that was meant.
    pub(crate) trust: Trust,
}

impl Address {
    /// That of the server that was named, else of the configured one.
    pub(crate) fn of(named: Option<&str>, config: &Config) -> Self {
        named.map_or_else(|| Self::configured(config), Self::named)
    }

    /// As it was given.
    pub(crate) fn named(url: &str) -> Self {
        Self { url: url.to_owned(), trust: Trust::Authorities }
    }

    fn configured(config: &Config) -> Self {
        let mut address = config.server.bind;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let trust = if address.ip().is_loopback() { Trust::Anyone } else { Trust::Authorities };
        Self { url: format!("{scheme}://{address}"), trust }
    }
}
