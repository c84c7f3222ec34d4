//! The one publisher: publications by POST on one kept-alive connection, several of them in one write.
//! What is published comes from the `ledger`; the answers are only checked and counted.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use mio::net::TcpStream;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::payload::Payload;
use crate::protocol::{CHANNEL, Fault, request, response};
use crate::script::Speech;

/// The connection of the publisher.
pub(super) struct Publisher {
    pub(super) stream: TcpStream,
    speech: Speech,
    unread: Vec<u8>,
    unanswered: usize,
    /// The last answer.
    answer: Vec<u8>,
}

impl Publisher {
    pub(super) fn open(address: SocketAddr, speech: Speech) -> io::Result<Publisher> {
        let stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Publisher {
            stream: TcpStream::from_std(stream),
            speech,
            unread: Vec::new(),
            unanswered: 0,
            answer: Vec::new(),
        })
    }

    /// Publications whose answer is still to come.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Where the last publication stands in its channel, as JSON. Bayeux servers say it; they may be told later to
    /// send what came after it.
    pub(super) fn position(&self) -> Result<Rc<str>, Fault> {
        #[derive(Deserialize)]
        struct Answer<'a> {
            #[serde(borrow)]
            position: &'a RawValue,
        }
        let answer: Answer<'_> = serde_json::from_slice(&self.answer)
            .map_err(|error| Fault::new(format!("publication answered without a position: {error}")))?;
        Ok(answer.position.get().into())
    }

    /// Sends all publications in one write.
    pub(super) fn publish(&mut self, payloads: &[Payload]) -> Result<(), Fault> {
        let mut out = Vec::new();
        for payload in payloads {
            let mut body = Vec::new();
            let path = match self.speech {
                Speech::Bare => {
                    payload.write(&mut body);
                    "/pub"
                }
                Speech::Bayeux => {
                    body.extend_from_slice(format!(r#"{{"channel":"{CHANNEL}","data":"#).as_bytes());
                    payload.write(&mut body);
                    body.push(b'}');
                    "/api/publish"
                }
            };
            request::write_post(path, &body, &mut out);
        }
        self.unanswered += payloads.len();
        // A few kilobytes on an idle connection: less than any send buffer.
        match self.stream.write(&out) {
            Ok(count) if count == out.len() => Ok(()),
            Ok(count) => Err(Fault::new(format!("publisher wrote {count} of {} bytes", out.len()))),
            Err(error) => Err(Fault::new(format!("publisher: {error}"))),
        }
    }

    /// Takes the answers that have come.
    pub(super) fn on_readable(&mut self, buffer: &mut [u8]) -> Result<(), Fault> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(Fault::new("publisher's connection closed by the server")),
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::new(format!("publisher: {error}"))),
            }
        }
        while let Some(answer) = response::parse(&self.unread)? {
            if answer.status != 200 || self.unanswered == 0 {
                let body = String::from_utf8_lossy(&answer.body);
                return Err(Fault::new(format!("publication answered {}: {body:.200}", answer.status)));
            }
            self.unanswered -= 1;
            let length = answer.length;
            self.answer.clear();
            self.answer.extend_from_slice(&answer.body);
            self.unread.drain(..length);
        }
        Ok(())
    }
}
