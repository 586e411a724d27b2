//! The service, its store and Redis, and the ways in which they go away and come back.

use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use footfall_test_services::{Postgres, Redis, free_port};

use super::options::Options;
use crate::load::{Failure, servers};

const STOP_LIMIT: Duration = Duration::from_mins(1);

/// What goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outage {
    /// The service is killed with SIGKILL, and started again.
    ServiceKilled,
    /// The service is asked to stop with SIGTERM, and started again.
    ServiceStopped,
    /// The database is stopped as an operator does.
    DatabaseStopped,
    /// All processes of the database are killed.
    DatabaseKilled,
    /// Redis is killed; it keeps nothing.
    RedisKilled,
}

impl Outage {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ServiceKilled => "service killed",
            Self::ServiceStopped => "service stopped",
            Self::DatabaseStopped => "database stopped",
            Self::DatabaseKilled => "database killed",
            Self::RedisKilled => "Redis killed",
        }
    }

    /// How long it is left away, before it is started again.
    pub(super) const fn length(self) -> Duration {
        match self {
            Self::ServiceKilled | Self::ServiceStopped => Duration::ZERO,
            Self::DatabaseStopped | Self::DatabaseKilled => Duration::from_secs(3),
            Self::RedisKilled => Duration::from_secs(5),
        }
    }
}

/// What of it there is: of the embedded store, that the service is the store.
pub(super) fn outages_of(backend: &str) -> &'static [Outage] {
    if backend == "postgres" {
        &[Outage::DatabaseStopped, Outage::RedisKilled, Outage::DatabaseKilled, Outage::ServiceKilled]
    } else {
        &[Outage::ServiceKilled, Outage::RedisKilled, Outage::ServiceStopped]
    }
}

/// All that runs beside the clients. Dropping it ends all of it and removes what it kept.
pub(super) struct Stores {
    options: Options,
    children: servers::Children,
    address: SocketAddr,
    service: Mutex<Option<Child>>,
    folder: Option<PathBuf>,
    postgres: Option<(Postgres, String)>,
    redis: Redis,
}

impl Stores {
    pub(super) fn start(options: &Options, children: &servers::Children) -> Result<Self, Failure> {
        let postgres = (options.backend == "postgres").then(|| {
            let server = servers::database_server(&options.footfall);
            let database = server.database();
            (server, database)
        });
        let folder =
            if postgres.is_some() { None } else { Some(servers::fresh_directory(&options.footfall)?) };
        let stores = Self {
            options: options.clone(),
            children: children.clone(),
            address: (Ipv4Addr::LOCALHOST, free_port()).into(),
            service: Mutex::new(None),
            folder,
            postgres,
            redis: Redis::start(),
        };
        stores.start_service()?;
        Ok(stores)
    }

    /// Where the service is, also after it was started again.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process of the service, while there is one.
    pub(super) fn process(&self) -> Option<u32> {
        self.service().as_ref().map(Child::id)
    }

    /// Bytes of the store's files.
    pub(super) fn disk_bytes(&self) -> u64 {
        let folder = self.folder.as_deref().or(self.postgres.as_ref().map(|(server, _)| server.folder()));
        let listed = folder.and_then(|folder| Command::new("du").arg("-sb").arg(folder).output().ok());
        let text = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// Makes it go away.
    pub(super) fn take_away(&self, outage: Outage) -> Result<(), Failure> {
        match (outage, &self.postgres) {
            (Outage::ServiceKilled, _) => self.end_service("KILL"),
            (Outage::ServiceStopped, _) => self.end_service("TERM"),
            (Outage::RedisKilled, _) => {
                self.redis.kill();
                Ok(())
            }
            (Outage::DatabaseStopped, Some((server, _))) => {
                server.stop();
                Ok(())
            }
            (Outage::DatabaseKilled, Some((server, _))) => {
                server.kill();
                Ok(())
            }
            (Outage::DatabaseStopped | Outage::DatabaseKilled, None) => Ok(()),
        }
    }

    /// Brings it back.
    pub(super) fn bring_back(&self, outage: Outage) -> Result<(), Failure> {
        match (outage, &self.postgres) {
            (Outage::ServiceKilled | Outage::ServiceStopped, _) => self.start_service()?,
            (Outage::RedisKilled, _) => self.redis.start_again(),
            (_, Some((server, _))) => server.start_again(),
            (_, None) => {}
        }
        Ok(())
    }

    fn start_service(&self) -> Result<(), Failure> {
        let mut command = Command::new(&self.options.footfall);
        command.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped());
        command.env("FOOTFALL__SERVER__BIND", self.address.to_string());
        command.env("FOOTFALL__STORAGE__BACKEND", &self.options.backend);
        command.env("FOOTFALL__REDIS__URL", self.redis.url());
        if env::var_os("FOOTFALL__LOG__LEVEL").is_none() {
            // That Redis and the database go away is what this is for.
            command.env("FOOTFALL__LOG__LEVEL", "error");
        }
        if let Some(retention) = self.options.retention {
            command.env("FOOTFALL__STORAGE__RETENTION", format!("{}s", retention.as_secs()));
        }
        if let Some(folder) = &self.folder {
            command.env("FOOTFALL__EMBEDDED__DIR", folder);
        }
        if let Some((_, database)) = &self.postgres {
            command.env("FOOTFALL__POSTGRES__URL", database);
        }
        let mut child =
            command.spawn().map_err(|error| format!("{}: {error}", self.options.footfall.display()))?;
        self.children.add(child.id());
        let output = child.stdout.take().ok_or("no standard output")?;
        *self.service() = Some(child);
        let address =
            servers::listening(output).map_err(|error| format!("the service did not start: {error}"))?;
        if address == self.address { Ok(()) } else { Err(format!("it listens on {address}").into()) }
    }

    /// Sends the signal and waits until the process is gone.
    ///
    /// # Errors
    /// When it takes too long, or ends with an error though it was only asked to stop.
    pub(super) fn end_service(&self, signal: &str) -> Result<(), Failure> {
        let Some(mut child) = self.service().take() else { return Ok(()) };
        if signal == "KILL" {
            child.kill()?;
        } else {
            servers::terminate(child.id());
        }
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if begin.elapsed() > STOP_LIMIT {
                child.kill()?;
                child.wait()?;
                self.children.remove(child.id());
                return Err(format!("still running {STOP_LIMIT:?} after SIG{signal}").into());
            }
            thread::sleep(Duration::from_millis(5));
        };
        self.children.remove(child.id());
        if signal == "KILL" || status.success() {
            Ok(())
        } else {
            Err(format!("it ended with {status}").into())
        }
    }

    fn service(&self) -> MutexGuard<'_, Option<Child>> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        if let Err(error) = self.end_service("TERM") {
            eprintln!("stopping the service: {error}");
        }
        if let Some(folder) = self.folder.take()
            && let Err(error) = std::fs::remove_dir_all(&folder)
        {
            eprintln!("{}: {error}", folder.display());
        }
    }
}
