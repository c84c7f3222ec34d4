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
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Proxy { address, cut, shut, refusals, task }
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

    /// From here on new connections end at once, or no longer.
    pub(crate) fn shut(&self, shut: bool) {
        self.shut.store(shut, Ordering::Relaxed);
    }
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
