//! Accepts, shakes hands, serves, drains.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::http::Paths;

/// A served port with its connections.
#[derive(Debug)]
pub(crate) struct Server {
    stop: Arc<Notify>,
    draining: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Accepts nothing more, lets what has begun come to its end, and waits for it, but not for ever.
    pub(crate) async fn shutdown(self) {
        self.draining.store(true, Ordering::Relaxed);
        self.stop.notify_one();
        // The task ends by itself within its own limit; it panics in no case we know of.
        let _ = self.accepting.await;
    }
}

/// A port that is ours, not yet served.
pub(crate) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Takes the port. Nothing is served before [`Listening::serve`].
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `paths` over TLS.
    pub(crate) fn serve(self, config: ServerConfig, paths: Paths) -> Server {
        let stop = Arc::new(Notify::new());
        let draining = paths.draining();
        let accept = Accept {
            listener: self.listener,
            tls: TlsAcceptor::from(Arc::new(config)),
            paths: Arc::new(paths),
            slots: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
        };
        let stopped = Arc::clone(&stop);
        let accepting = tokio::spawn(async move { accept.run(&stopped).await });
        Server {
            stop,
            draining,
            accepting,
        }
    }
}

struct Accept {
    listener: TcpListener,
    tls: TlsAcceptor,
    paths: Arc<Paths>,
    slots: Arc<Semaphore>,
}

impl Accept {
    async fn run(self, stop: &Notify) {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.notified() => break,
                accepted = self.next() => {
                    let Some((stream, slot)) = accepted else { continue };
                    let (tls, paths) = (self.tls.clone(), Arc::clone(&self.paths));
                    connections.spawn(serve(stream, tls, paths, graceful.watcher(), slot));
                }
                // Finished connections are taken out, or the set would grow for ever.
                Some(_) = connections.join_next() => {}
            }
        }
        drop(self.listener);
        let drained = async {
            graceful.shutdown().await;
            while connections.join_next().await.is_some() {}
        };
        // Whoever is not done by then is cut off when the set is dropped.
        let _ = tokio::time::timeout(DRAIN, drained).await;
    }

    async fn next(&self) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((stream, _)) => Some((stream, slot)),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                // Out of file descriptors: give the others a moment to finish instead of spinning.
                tokio::time::sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    tls: TlsAcceptor,
    paths: Arc<Paths>,
    watcher: Watcher,
    slot: OwnedSemaphorePermit,
) {
    let _slot = slot;
    // Without it an answer waits for the acknowledgement of the one before (Nagle, 40 ms).
    if stream.set_nodelay(true).is_err() {
        return;
    }
    // A port scan or a plain-text client is no event worth a log line above debug.
    let stream = match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => return tracing::debug!("TLS handshake took too long"),
    };
    let service = service_fn(move |request| {
        let paths = Arc::clone(&paths);
        async move { Ok::<_, std::convert::Infallible>(paths.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_headers(64)
        .max_buf_size(MOST_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "connection ended");
    }
}

/// An API server keeps about ten connections to a webhook (9 for 700 reviews, measured).
const MOST_CONNECTIONS: usize = 1_024;
const MOST_HEADER_BYTES: usize = 64 << 10;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Also how long a connection may rest between two requests; Go's transport keeps idle ones for 90 s.
const IDLE: Duration = Duration::from_secs(120);
/// Longer than the longest timeout a webhook configuration can have (30 s).
const DRAIN: Duration = Duration::from_secs(35);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
