//! A forwarder between clients and a server, for what networks do.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Forwards the connections to a port of its own to another, which may change; cuts them, or holds back what they carry.
/// While its target takes no connections, clients are disconnected as soon as they are connected.
#[derive(Debug)]
pub struct Forwarder {
    shared: Arc<Shared>,
    port: u16,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told when nothing is held any longer, and when connections are cut.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    target: u16,
    held: bool,
    ended: bool,
    /// Both ends of each connection that is not cut; at first only the client's.
    connections: HashMap<u64, Vec<TcpStream>>,
}

impl Forwarder {
    /// Starts one, to a port of the loopback.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let own = listener.local_addr().expect("it is bound").port();
        let state = Mutex::new(State { target: port, ..State::default() });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { shared, port: own, acceptor: Some(acceptor) }
    }

    /// The port that it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections. New ones are taken.
    pub fn cut(&self) {
        cut(&mut self.shared.state());
        self.shared.changed.notify_all();
    }

    /// Forwards new connections to another port. Those that are there stay where they are until they are cut.
    pub fn retarget(&self, port: u16) {
        self.shared.state().target = port;
    }

    /// Goes on to take connections, and passes nothing on: neither of new ones, nor of those that are there.
    pub fn hold(&self) {
        self.shared.state().held = true;
    }

    /// Passes on what was held, and what comes.
    pub fn let_through(&self) {
        self.shared.state().held = false;
        self.shared.changed.notify_all();
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.ended = true;
        cut(&mut state);
        drop(state);
        self.shared.changed.notify_all();
        let woken = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            acceptor.join().ok();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state once nothing is held; none when the connection was cut.
    fn let_through(&self, connection: u64) -> Option<MutexGuard<'_, State>> {
        let held = |state: &mut State| state.held && state.connections.contains_key(&connection);
        let state = self.changed.wait_while(self.state(), held).unwrap_or_else(PoisonError::into_inner);
        state.connections.contains_key(&connection).then_some(state)
    }
}

fn cut(state: &mut State) {
    for stream in state.connections.drain().flat_map(|(_, ends)| ends) {
        // One that is closed already is not connected.
        stream.shutdown(Shutdown::Both).ok();
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in 0.. {
        let accepted = listener.accept();
        let mut state = shared.state();
        if state.ended {
            return;
        }
        let Ok((client, _)) = accepted else { continue };
        state.connections.insert(connection, vec![clone(&client)]);
        drop(state);
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            forward(&client, connection, &shared);
            shared.state().connections.remove(&connection);
        });
    }
}

/// Until both directions have ended, or the connection is cut.
fn forward(client: &TcpStream, connection: u64, shared: &Shared) {
    let Some(target) = shared.let_through(connection).map(|state| state.target) else { return };
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, target));
    let Ok(server) = TcpStream::connect_timeout(&target, Duration::from_secs(10)) else { return };
    {
        let mut state = shared.state();
        let Some(ends) = state.connections.get_mut(&connection) else { return };
        ends.push(clone(&server));
    }
    for stream in [client, &server] {
        stream.set_nodelay(true).ok();
    }
    thread::scope(|scope| {
        scope.spawn(|| pass_on(client, &server, connection, shared));
        pass_on(&server, client, connection, shared);
    });
}

fn pass_on(mut from: &TcpStream, mut to: &TcpStream, connection: u64, shared: &Shared) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer);
        if shared.let_through(connection).is_none() {
            return;
        }
        match read {
            Ok(0) => return drop(to.shutdown(Shutdown::Write)),
            Ok(length) if to.write_all(&buffer[..length]).is_ok() => {}
            _ => {
                from.shutdown(Shutdown::Both).ok();
                to.shutdown(Shutdown::Both).ok();
                return;
            }
        }
    }
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a connection can be shared")
}
