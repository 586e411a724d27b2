//! Taking connections, and answering them by HTTP/1.1, over TLS or not.
//!
//! With actix-web's own `HttpServer` HTTP/2 would come with TLS, for a crate beneath has it switched on; and there neither heads are
//! bounded, nor what waits of answers that nobody takes, nor are connections ended at a stop. Whoever needs it has a proxy in front.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_http::body::{BoxBody, MessageBody};
use actix_http::h1::{ExpectHandler, UpgradeHandler};
use actix_http::{HttpServiceBuilder, Request, Response};
use actix_server::{GracefulShutdownSignal, Server, ServerBuilder};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, map_config};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use rustls::ServerConfig;
use socket2::{Domain, SockRef, Socket, Type};

/// How long a connection may take to close after the last answer.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a peer may take nothing of what is sent to it.
const STALL_MAX: Duration = Duration::from_mins(1);
/// Connections that the system holds until they are taken.
const BACKLOG: i32 = 1_024;

/// How connections are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connections {
    pub(crate) workers: usize,
    /// Most of them at a time; more wait.
    pub(crate) max: usize,
    /// How long one that asks nothing stays open.
    pub(crate) keep_alive: Duration,
    /// How long the first head may take.
    pub(crate) head_timeout: Duration,
    /// How long what is in flight may take at a stop.
    pub(crate) time_to_finish: Duration,
}

/// Serves what `app` makes for each worker, at that address. Also says which it became.
///
/// # Errors
/// When it can't be bound.
pub(crate) fn listen<F, I, S, B>(
    bind: SocketAddr,
    tls: Option<ServerConfig>,
    connections: Connections,
    app: F,
) -> io::Result<(Server, SocketAddr)>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Error = actix_web::Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let socket = Socket::new(Domain::for_address(bind), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&bind.into())?;
    socket.listen(BACKLOG)?;
    let listener = std::net::TcpListener::from(socket);
    let address = listener.local_addr()?;
    let builder = ServerBuilder::new()
        .workers(connections.workers)
        .max_concurrent_connections(connections.max.div_ceil(connections.workers))
        .shutdown_timeout(connections.time_to_finish.as_secs().max(1))
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let app = move || {
        map_config(app().into_factory().map_err(|error| error.error_response()), |()| AppConfig::default())
    };
    let service = match tls {
        None => builder.listen("http", listener, move || {
            let http = http(connections, stopping.clone());
            http.on_connect_ext(|stream, _| prepare(stream)).h1(app()).tcp()
        }),
        Some(mut tls) => {
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            builder.listen("https", listener, move || {
                let http = http(connections, stopping.clone());
                let encrypted = |stream: &TlsStream<TcpStream>, _: &mut _| prepare(stream.get_ref().0);
                http.on_connect_ext(encrypted).h1(app()).rustls_0_23(tls.clone())
            })
        }
    };
    Ok((service?.run(), address))
}

fn http<T, S>(
    connections: Connections,
    stopping: GracefulShutdownSignal,
) -> HttpServiceBuilder<T, S, ExpectHandler, UpgradeHandler>
where
    S: ServiceFactory<Request, Config = ()>,
    S::Error: Into<Response<BoxBody>> + 'static,
    S::InitError: fmt::Debug,
    <S::Service as Service<Request>>::Future: 'static,
{
    HttpServiceBuilder::default()
        .keep_alive(connections.keep_alive)
        .client_request_timeout(connections.head_timeout)
        .client_disconnect_timeout(CLOSE_PATIENCE)
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
}

/// Has the system break a connection whose peer takes nothing of what is sent for so long: a listener that is stuck, or gone
/// without a word. Where that can't be set it is left to the system's own, longer time.
fn prepare(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(STALL_MAX));
}
