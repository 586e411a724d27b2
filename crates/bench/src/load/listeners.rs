//! Those who listen to the live stream while events are sent, half of them over WebSocket, the others over Server-Sent Events.

use std::{
    cell::RefCell,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::{
    net::TcpStream as AsyncStream,
    runtime::Builder,
    task::{LocalSet, yield_now},
    time::sleep,
};

use super::{Failure, http::BlockingConnection};

/// How long what is on its way may take to arrive once nothing is sent any more.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Listeners, requests and what a process has open anyway.
const OPEN_FILES: u64 = 4_096;
/// Room for what one socket is read at once.
const READ_BYTES: usize = 256 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// So many, each asking for the events of a user of its own that has none.
    Idle(u64),
    /// So many that ask for every event and read as fast as they can.
    Active(u64),
}

/// What the server says of its live stream in `/metrics`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Who listens now.
    pub listeners: u64,
    /// Events written as JSON.
    pub written: u64,
    /// Events put into listeners' buffers.
    pub delivered: u64,
    /// Events that listeners were told they missed.
    pub left_out: u64,
}

impl Counts {
    /// Asks for them.
    ///
    /// # Errors
    /// When the server can't be reached or doesn't say.
    pub fn ask(address: SocketAddr) -> Result<Self, Failure> {
        let mut connection = BlockingConnection::open(address)?;
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let answer = connection.exchange(request.as_bytes())?;
        let text = String::from_utf8_lossy(answer.body);
        let value = |name: &str| {
            let found =
                text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
            found.ok_or_else(|| format!("/metrics has no {name}"))
        };
        let events = |what: &str| value(&format!("footfall_live_events_total{{what=\"{what}\"}}"));
        Ok(Self {
            listeners: value("footfall_live_listeners")?,
            written: events("written")?,
            delivered: events("delivered")?,
            left_out: events("left_out")?,
        })
    }
}

/// Open connections that events are told of over. Dropping it ends them.
#[derive(Debug)]
pub struct Listeners {
    audience: Audience,
    /// Those that nobody reads: nothing comes.
    idle: Vec<TcpStream>,
    heard: Arc<Heard>,
    reader: Option<JoinHandle<()>>,
}

/// What the readers have got so far.
#[derive(Debug, Default)]
struct Heard {
    is_over: AtomicBool,
    /// Events and events said to have been left out, over WebSocket.
    told: AtomicU64,
    /// Connections that broke.
    broken: AtomicU64,
}

impl Listeners {
    /// Connects them, and returns when the server says that all listen.
    ///
    /// # Errors
    /// When one can't connect.
    pub fn connect(address: SocketAddr, audience: Audience) -> Result<Self, Failure> {
        let (Audience::Idle(count) | Audience::Active(count)) = audience;
        let mut streams = Vec::new();
        for number in 0..count {
            let filter = match audience {
                Audience::Idle(_) => format!("?user_id=nobody-{number}"),
                Audience::Active(_) => String::new(),
            };
            let stream = open(address, number % 2 == 0, &filter);
            streams.push(stream.map_err(|error| format!("listener {number}: {error}"))?);
        }
        let listening = Counts::ask(address)?.listeners;
        if listening != count {
            return Err(format!("{listening} listen instead of {count}").into());
        }
        let mut listeners = Self { audience, idle: Vec::new(), heard: Arc::default(), reader: None };
        match audience {
            Audience::Idle(_) => listeners.idle = streams,
            Audience::Active(_) => {
                let heard = Arc::clone(&listeners.heard);
                listeners.reader = Some(thread::spawn(move || read(streams, &heard)));
            }
        }
        Ok(listeners)
    }

    /// Waits until they have got whatever is told of `accepted` events, and returns what the server says then and what is
    /// wrong with it.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub fn conclude(self, address: SocketAddr, accepted: u64) -> Result<(Counts, Vec<String>), Failure> {
        let (listeners, each) = match self.audience {
            Audience::Idle(count) => (count, 0),
            Audience::Active(count) => (count, accepted),
        };
        let over_websocket = if each == 0 { 0 } else { listeners.div_ceil(2) * each };
        let begin = Instant::now();
        let (counts, told) = loop {
            let counts = Counts::ask(address)?;
            let told = self.heard.told.load(Ordering::Relaxed);
            let is_complete =
                counts.delivered + counts.left_out >= listeners * each && told >= over_websocket;
            if is_complete || begin.elapsed() > ARRIVAL_LIMIT {
                break (counts, told);
            }
            thread::sleep(POLL_INTERVAL);
        };
        let mut problems = Vec::new();
        let mut expect = |is_right: bool, what: String| {
            if !is_right {
                problems.push(what);
            }
        };
        let Counts { written, delivered, left_out, .. } = counts;
        expect(
            counts.listeners == listeners,
            format!("of {listeners} listeners {} are left", counts.listeners),
        );
        expect(written <= each, format!("{written} times an event was written, of {each} events"));
        let (sum, all) = (delivered + left_out, listeners * each);
        expect(
            sum == all,
            format!("{delivered} delivered and {left_out} left out are {sum} instead of {all}"),
        );
        expect(
            told == over_websocket,
            format!("{told} were told over WebSocket instead of {over_websocket}"),
        );
        let broken = self.heard.broken.load(Ordering::Relaxed);
        expect(broken == 0, format!("{broken} listeners lost their connection"));
        Ok((counts, problems))
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.heard.is_over.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take()
            && reader.join().is_err()
        {
            eprintln!("the listeners' reader panicked");
        }
    }
}

/// Raises the limit of open files for this process and those it starts. The `prlimit` program spares the unsafe call.
pub fn raise_open_files() {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse::<u64>().ok());
    if soft.is_some_and(|soft| soft < OPEN_FILES) {
        let arguments = [format!("--pid={}", std::process::id()), format!("--nofile={OPEN_FILES}:")];
        if !Command::new("prlimit").args(arguments).status().is_ok_and(|status| status.success()) {
            eprintln!("listeners need {OPEN_FILES} open files: ulimit -n {OPEN_FILES}");
        }
    }
}

/// Connects and reads the answer's head. Nothing follows it yet but the first line of a stream.
fn open(address: SocketAddr, is_websocket: bool, filter: &str) -> Result<TcpStream, Failure> {
    let (request, status) = if is_websocket {
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
        (format!("GET /ws/events{filter} HTTP/1.1\r\nHost: {address}\r\n{upgrade}\r\n"), "HTTP/1.1 101 ")
    } else {
        (format!("GET /events/stream{filter} HTTP/1.1\r\nHost: {address}\r\n\r\n"), "HTTP/1.1 200 ")
    };
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
    stream.set_read_timeout(Some(CONNECT_TIMEOUT))?;
    stream.write_all(request.as_bytes())?;
    // A byte at a time: what follows the head is not for here.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    if !head.starts_with(status.as_bytes()) {
        return Err(format!("not {status}but {}", String::from_utf8_lossy(&head)).into());
    }
    Ok(stream)
}

/// Reads all of them on this thread until it is over.
fn read(streams: Vec<TcpStream>, heard: &Arc<Heard>) {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build();
    let Ok(runtime) = runtime else {
        heard.broken.fetch_add(streams.len() as u64, Ordering::Relaxed);
        return;
    };
    let tasks = LocalSet::new();
    // One buffer for all: it stays in the processor's cache.
    let buffer = Rc::new(RefCell::new(vec![0; READ_BYTES]));
    for (number, stream) in streams.into_iter().enumerate() {
        let (heard, buffer) = (Arc::clone(heard), Rc::clone(&buffer));
        tasks.spawn_local(async move {
            if read_one(stream, number % 2 == 0, &heard, &buffer).await.is_err() {
                heard.broken.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tasks.block_on(&runtime, async {
        while !heard.is_over.load(Ordering::Relaxed) {
            sleep(POLL_INTERVAL).await;
        }
    });
}

async fn read_one(
    stream: TcpStream,
    is_websocket: bool,
    heard: &Heard,
    buffer: &RefCell<Vec<u8>>,
) -> Result<(), Failure> {
    stream.set_nonblocking(true)?;
    let stream = AsyncStream::from_std(stream)?;
    let mut messages = Messages::default();
    loop {
        stream.readable().await?;
        let read = stream.try_read(&mut buffer.borrow_mut());
        match read {
            Ok(0) => return Err("the server closed the connection".into()),
            // The others are not looked into: there chunks stand between the events.
            Ok(count) if is_websocket => {
                let before = messages.told;
                messages.take(&buffer.borrow()[..count]);
                heard.told.fetch_add(messages.told - before, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        yield_now().await;
    }
}

/// Counts the messages of a server over WebSocket (RFC 6455 §5.2), hardly reading them.
#[derive(Debug, Default)]
struct Messages {
    /// Events, and events that were said to have been left out.
    told: u64,
    /// So many bytes of the present one are still to come.
    rest: usize,
    /// The beginning of the next one, while it is too short to tell its kind and length.
    begun: Vec<u8>,
}

impl Messages {
    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let passed = self.rest.min(bytes.len());
            self.rest -= passed;
            bytes = &bytes[passed..];
            if self.begun.is_empty() {
                let Some((message_bytes, told)) = message(bytes) else {
                    self.begun.extend_from_slice(bytes);
                    return;
                };
                self.told += told;
                self.rest = message_bytes;
            } else if let [first, others @ ..] = bytes {
                self.begun.push(*first);
                bytes = others;
                if let Some((message_bytes, told)) = message(&self.begun) {
                    self.told += told;
                    self.rest = message_bytes - self.begun.len();
                    self.begun.clear();
                }
            }
        }
    }
}

/// The length of the message that begins here, and how many events it tells of; nothing while that can't be told.
fn message(bytes: &[u8]) -> Option<(usize, u64)> {
    let (&[kind, length], rest) = bytes.split_first_chunk()?;
    let (head_bytes, content_bytes) = match length {
        126 => (4, u16::from_be_bytes(*rest.first_chunk()?).into()),
        127 => (10, u64::from_be_bytes(*rest.first_chunk()?) as usize),
        short => (2, usize::from(short)),
    };
    let whole = head_bytes + content_bytes;
    if kind & 15 != 1 {
        return Some((whole, 0));
    }
    if head_bytes > 2 {
        // An event is never shorter, and how many were left out never longer.
        return Some((whole, 1));
    }
    let content = bytes.get(2..whole)?;
    let number = content.strip_prefix(b"{\"lagged\":").and_then(|rest| rest.strip_suffix(b"}"));
    Some((whole, number.and_then(|number| str::from_utf8(number).ok()?.parse().ok()).unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_however_they_are_cut() {
        let long = [&[0x81, 126, 1, 0][..], &[b'x'; 256]].concat();
        let longer = [&[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0][..], &vec![b'x'; 65_536]].concat();
        let all =
            [&long[..], b"\x89\x00", b"\x81\x0d{\"lagged\":40}", &longer, b"\x81\x02{}", &long].concat();
        for piece_bytes in [1, 2, 3, 7, 255, 260, all.len()] {
            let mut messages = Messages::default();
            all.chunks(piece_bytes).for_each(|piece| messages.take(piece));
            assert_eq!(messages.told, 44, "{piece_bytes}");
            assert_eq!((messages.rest, messages.begun.len()), (0, 0));
        }
    }
}
