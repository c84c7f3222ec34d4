//! Many sends in one go.
//!
//! A [`Sender`] takes a list of sockets with the bytes for each, tries each once without blocking, and
//! says of each how many bytes it took. It keeps nothing: what was not taken stays with the caller. Where
//! the system lets it, the whole list is one system call (`uring`); elsewhere it is one `send` each.

use std::io::{self, Write};

use mio::net::TcpStream;

/// The most sends that one call takes: the size of the submission ring.
pub(crate) const BATCH: usize = 256;

/// Bytes for one socket.
pub(crate) struct Outgoing<'a> {
    pub(crate) stream: &'a TcpStream,
    pub(crate) bytes: &'a [u8],
}

/// Sends batches, by io_uring where the system lets it.
pub(crate) enum Sender {
    #[cfg(target_os = "linux")]
    Ring(Box<crate::uring::Ring>),
    Plain,
}

impl Sender {
    /// Probes once whether io_uring is there; containers often refuse it.
    pub(crate) fn new(io_uring: bool) -> Sender {
        #[cfg(target_os = "linux")]
        if io_uring {
            match crate::uring::Ring::new(BATCH) {
                Ok(ring) => return Sender::Ring(Box::new(ring)),
                Err(error) => tracing::info!(%error, "io_uring is refused here, sends go out one by one"),
            }
        }
        let _ = io_uring;
        Sender::Plain
    }

    /// Tries each send once. `taken` receives, in order, the bytes the kernel took, or the error.
    pub(crate) fn send(&mut self, outgoing: &[Outgoing<'_>], taken: &mut Vec<io::Result<usize>>) {
        taken.clear();
        match self {
            // One socket needs no ring.
            #[cfg(target_os = "linux")]
            Sender::Ring(ring) if outgoing.len() > 1 => {
                for part in outgoing.chunks(BATCH) {
                    ring.send(part, taken);
                }
            }
            _ => {
                let each = outgoing.iter().map(|Outgoing { stream, bytes }| {
                    let mut stream: &TcpStream = stream;
                    stream.write(bytes)
                });
                taken.extend(each);
            }
        }
    }
}
