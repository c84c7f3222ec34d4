//! A WebSocket echo on the engine's own connection path, for judges of the framing.
//!
//! `autobahn_echo [ADDRESS]` listens there (any free port of this machine by default), says where on its
//! standard output and answers every message with itself until it is ended. It has no sessions and no pages.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use comet_engine::bayeux::{Channel, Code};
use comet_engine::{Ask, Call, Config, Engine, HandedOver, Host, Later, Limits, Ruling, Who};

/// Lets nobody do anything.
struct Nobody;

impl Host for Nobody {
    fn judge(&self, _: Ask<'_>, _: Later<'_>) -> Option<Ruling> {
        Some(Ruling::deny(Code::HandshakeDenied))
    }

    fn serves(&self, _: &Channel) -> bool {
        false
    }

    fn call(&self, _: Call) {}

    fn session_ended(&self, _: &Arc<Who>, _: Code) {}

    // Dropped, and closed by that.
    fn take_over(&self, _: HandedOver) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address: SocketAddr = std::env::args().nth(1).unwrap_or("127.0.0.1:0".into()).parse()?;
    // The judge asks for the root: every path is the engine's.
    let config = Config {
        listen: vec![address],
        mounts: vec![String::new()],
        echo_path: Some("/".into()),
        // The suite cuts 4 MiB into frames of 64 bytes.
        limits: Limits { fragments: 70_000, ..Limits::default() },
        ..Config::default()
    };
    let engine = Engine::start(config, None, |_| Arc::new(Nobody))?;
    println!("listening on {}", engine.addresses()[0]);
    std::io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}
