//! A relay between client and server whose connections can be cut, or never answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

/// A relay. Its connections end with it.
pub(crate) struct Proxy {
    address: SocketAddr,
    cut: broadcast::Sender<()>,
    shut: Arc<AtomicBool>,
    refusals: Arc<AtomicUsize>,
    plain: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Begins to relay to `server`.
    pub(crate) async fn to(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, _) = broadcast::channel(4);
        let (cuts, shut) = (cut.clone(), Arc::new(AtomicBool::new(false)));
        let closed = shut.clone();
        let refusals = Arc::new(AtomicUsize::new(0));
        let refused = refusals.clone();
        let plain = Arc::new(AtomicBool::new(false));
        let only_plain = plain.clone();
        let task = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                if closed.load(Ordering::Relaxed) {
                    continue;
                }
                let less = |left: usize| left.checked_sub(1);
                if refused.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
                    tokio::spawn(refuse(client));
                    continue;
                }
                let mut cut = cuts.subscribe();
                let only_plain = only_plain.clone();
                tokio::spawn(async move {
                    if only_plain.load(Ordering::Relaxed) && asks_for_websocket(&client).await {
                        return refuse(client).await;
                    }
                    let mut server = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Proxy { address, cut, shut, refusals, plain, task }
    }

    /// Its address as clients take it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends every connection.
    pub(crate) fn cut(&self) {
        // Without a connection there is nothing to cut.
        let _ = self.cut.send(());
    }

    /// The next so many connections get the answer of a proxy whose server is away.
    pub(crate) fn refuse(&self, connections: usize) {
        self.refusals.store(connections, Ordering::Relaxed);
    }

    /// From here on WebSockets get that answer, as from a proxy that knows only plain HTTP.
    pub(crate) fn refuse_websockets(&self) {
        self.plain.store(true, Ordering::Relaxed);
    }

    /// From here on new connections end at once, or no longer.
    pub(crate) fn shut(&self, shut: bool) {
        self.shut.store(shut, Ordering::Relaxed);
    }
}

/// Whether the first bytes of a connection are the opening of a WebSocket; they stay unread.
async fn asks_for_websocket(client: &TcpStream) -> bool {
    let mut head = [0; 4_096];
    let read = client.peek(&mut head).await.unwrap_or(0);
    head[..read].to_ascii_lowercase().windows(18).any(|part| part == b"upgrade: websocket")
}

async fn refuse(mut client: TcpStream) {
    let _ = client.read(&mut [0; 4_096]).await;
    let answer = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _ = client.write_all(answer).await;
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}
