//! Somebody who has nothing to do with the fault under test, and must not feel it.
//!
//! A witness listens on a channel of its own over a connection of its own, and compares what it hears with
//! what was published, message by message.

use std::time::{Duration, Instant};

use crate::{TestServer, WebSocketClient};

/// How long a publication may take to the witness while somebody else misbehaves. Far more than it takes;
/// far less than any time-out a stuck server would hide behind.
const MOST_DELAY: Duration = Duration::from_secs(5);

/// A witness.
pub struct Witness {
    client: WebSocketClient,
    heard: u64,
}

impl Witness {
    /// Comes and listens.
    pub fn beside(server: &TestServer) -> Witness {
        let mut client = WebSocketClient::connected(server);
        client.subscribe("/witness");
        Witness { client, heard: 0 }
    }

    /// Ten publications reach the witness, each once, in order and soon.
    pub fn still_hears(&mut self, server: &TestServer) {
        for _ in 0..10 {
            self.heard += 1;
            let since = Instant::now();
            server.publish("/witness", &self.heard);
            self.client.expect_event("/witness", self.heard);
            assert!(since.elapsed() < MOST_DELAY, "the witness waited for {:?}", since.elapsed());
        }
    }
}
