//! Looking at a server from where a client is: what passes through whatever stands between, and how fast.
//!
//! A probe reaches the server as clients do and tries one thing after the other; here is what it is asked and in which
//! order it looks. Lines to the server are `line`'s, a message there and back `talk`'s, what is said of clocks and silence
//! has a file each. Findings go to whoever runs it; nothing is printed here.

mod clock;
mod hello;
mod line;
mod silence;
mod stream;
mod talk;

use std::fmt;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::address::Address;
use crate::builder::Options;
use crate::wire::Caller;
use crate::{Builder, Error, random};

use hello::Hello;
use talk::Talk;

/// Silence is not tried for longer.
const MOST_SILENCE: Duration = Duration::from_secs(600);
/// Bytes of an answer.
const MOST_BYTES: usize = 4 << 20;

/// What one look has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// Worth knowing.
    Doubtful,
    /// Clients will have trouble.
    Broken,
    /// It could not be looked at, or was not to be.
    Skipped,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Fine => "ok",
            Verdict::Doubtful => "doubtful",
            Verdict::Broken => "broken",
            Verdict::Skipped => "skipped",
        })
    }
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was looked at: `reach`, `handshake`, `version`, `clock`, the name of a transport, `buffering` or `idle`.
    pub name: String,
    /// What it means.
    pub verdict: Verdict,
    /// How long it took, where that says something.
    pub took: Option<Duration>,
    /// For people.
    pub words: String,
}

impl Finding {
    fn new(name: impl Into<String>, verdict: Verdict, words: impl Into<String>) -> Finding {
        Finding { name: name.into(), verdict, took: None, words: words.into() }
    }

    fn took(mut self, took: Duration) -> Finding {
        self.took = Some(took);
        self
    }
}

/// What is to be looked at.
#[derive(Clone, Debug)]
#[must_use]
pub struct Probe {
    address: String,
    token: Option<String>,
    key: Option<String>,
    channel: Option<String>,
    idle: Option<Duration>,
    patience: Duration,
    prompt: Duration,
}

/// What every look needs.
struct Place {
    address: Address,
    caller: Caller,
    options: Options,
    channel: String,
    patience: Duration,
}

impl Probe {
    /// A probe of the server at this address, as [`crate::Client::builder`] takes it.
    pub fn new(address: impl Into<String>) -> Probe {
        Probe {
            address: address.into(),
            token: None,
            key: None,
            channel: None,
            idle: None,
            patience: Duration::from_secs(10),
            prompt: Duration::from_secs(2),
        }
    }

    /// Sends this as `ext.token` of every handshake.
    pub fn token(mut self, token: impl Into<String>) -> Probe {
        self.token = Some(token.into());
        self
    }

    /// Sends `Authorization: Bearer` with this key on every request.
    pub fn key(mut self, key: impl Into<String>) -> Probe {
        self.key = Some(key.into());
        self
    }

    /// Sends its messages on this channel; one of its own below `/doctor/` unless told.
    pub fn channel(mut self, channel: impl Into<String>) -> Probe {
        self.channel = Some(channel.into());
        self
    }

    /// Tries how long a connection may be silent, up to so long and up to what the server holds.
    pub fn idle(mut self, most: Duration) -> Probe {
        self.idle = Some(most.min(MOST_SILENCE));
        self
    }

    /// How long any one answer may take; 10 seconds unless told.
    pub fn patience(mut self, patience: Duration) -> Probe {
        self.patience = patience;
        self
    }

    /// A message that takes longer there and back is held by something; 2 seconds unless told.
    pub fn prompt(mut self, prompt: Duration) -> Probe {
        self.prompt = prompt;
        self
    }

    /// Looks at everything, and tells each finding as soon as it is made. When nobody is there, that is the one
    /// finding.
    ///
    /// # Errors
    /// [`Error::Address`] when that is no address.
    pub async fn run(self, mut tell: impl FnMut(Finding)) -> Result<(), Error> {
        let place = self.place()?;
        let (reached, finding) = place.reach().await;
        tell(finding);
        let Some(connecting) = reached else { return Ok(()) };
        let hello = match Hello::say(&place).await {
            Ok(hello) => hello,
            Err(error) => {
                let words = format!("no handshake under {}: {error}", place.address.path());
                tell(Finding::new("handshake", Verdict::Broken, words));
                return Ok(());
            }
        };
        tell(hello.finding());
        tell(place.version().await);
        tell(clock::finding(&hello));
        let mut slowest: Option<(&'static str, Duration)> = None;
        for name in talk::TRANSPORTS {
            if !hello.types.iter().any(|announced| announced == name) {
                tell(Finding::new(name, Verdict::Skipped, "the server does not announce it"));
                continue;
            }
            let talk = talk::talk(&place, name).await;
            if let Ok(Talk { there_and_back: Some(took), .. }) = &talk
                && slowest.is_none_or(|(_, slow)| slow < *took)
            {
                slowest = Some((name, *took));
            }
            tell(talk::finding(name, talk));
        }
        for name in hello.types.iter().filter(|name| !talk::TRANSPORTS.contains(&name.as_str())) {
            tell(Finding::new(name, Verdict::Skipped, "announced; this doctor does not know it"));
        }
        tell(buffering(slowest, connecting, self.prompt));
        tell(match self.idle {
            Some(most) => silence::finding(&place, &hello, most).await,
            None => Finding::new("idle", Verdict::Skipped, "not asked for (--idle 30s tries it)"),
        });
        Ok(())
    }

    fn place(&self) -> Result<Place, Error> {
        let address = Address::parse(&self.address)?;
        let mut builder = Builder::new(self.address.as_str()).patience(self.patience);
        if let Some(token) = &self.token {
            builder = builder.token(token);
        }
        if let Some(key) = &self.key {
            builder = builder.key(key);
        }
        let options = builder.into_options();
        let caller = Caller::new(options.authorization.clone(), MOST_BYTES);
        let own = || format!("/doctor/{:016x}", u64::from_be_bytes(random::bytes()));
        let channel = self.channel.clone().unwrap_or_else(own);
        Ok(Place { address, caller, options, channel, patience: self.patience })
    }
}

impl Place {
    /// Looks the name up and connects; how long connecting took.
    async fn reach(&self) -> (Option<Duration>, Finding) {
        let (host, port) = self.address.socket();
        let broken = |words: String| (None, Finding::new("reach", Verdict::Broken, words));
        let found = timeout(self.patience, tokio::net::lookup_host((host, port))).await;
        let addresses: Vec<_> = match found {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(error)) => return broken(format!("{host} cannot be looked up: {error}")),
            Err(_) => return broken(format!("{host} cannot be looked up in time")),
        };
        let began = Instant::now();
        match timeout(self.patience, TcpStream::connect(&addresses[..])).await {
            Ok(Ok(stream)) => {
                let took = began.elapsed();
                let peer = stream.peer_addr().map_or_else(|_| host.to_owned(), |peer| peer.to_string());
                let words = format!("{peer} accepts connections");
                (Some(took), Finding::new("reach", Verdict::Fine, words).took(took))
            }
            Ok(Err(error)) => broken(format!("{host}:{port} cannot be reached: {error}")),
            Err(_) => broken(format!("{host}:{port} does not answer in time")),
        }
    }

    /// The version of the server, where its API tells.
    async fn version(&self) -> Finding {
        let answer = self.caller.post(&self.address.at("/api/info"), String::new(), self.patience).await;
        let told = answer.ok().filter(|(status, _)| status.is_success());
        let info = told.and_then(|(_, body)| serde_json::from_slice::<serde_json::Value>(&body).ok());
        let version = info.as_ref().and_then(|info| info["version"].as_str());
        match version {
            Some(version) if version == env!("CARGO_PKG_VERSION") => {
                Finding::new("version", Verdict::Fine, format!("comet {version}"))
            }
            Some(version) => {
                let own = env!("CARGO_PKG_VERSION");
                Finding::new("version", Verdict::Fine, format!("comet {version}; this is {own}"))
            }
            None => {
                Finding::new("version", Verdict::Skipped, "unknown: the HTTP API does not tell it from here")
            }
        }
    }
}

/// Whether what is sent arrives at once.
fn buffering(slowest: Option<(&'static str, Duration)>, connecting: Duration, prompt: Duration) -> Finding {
    match slowest {
        None => Finding::new("buffering", Verdict::Skipped, "no message has come through"),
        Some((name, took)) if took > prompt && took > 10 * connecting => {
            let words = format!(
                "a message by {name} takes {:.1} s there and back, connecting {:.3} s: something holds it",
                took.as_secs_f64(),
                connecting.as_secs_f64()
            );
            Finding::new("buffering", Verdict::Broken, words).took(took)
        }
        Some((_, took)) => {
            Finding::new("buffering", Verdict::Fine, "held answers arrive as soon as there is something")
                .took(took)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_server_is_slow_and_holds_nothing() {
        let ms = Duration::from_millis;
        let verdict = |took, connecting| buffering(Some(("websocket", took)), connecting, ms(2_000)).verdict;
        assert_eq!(verdict(ms(1_900), ms(1)), Verdict::Fine);
        assert_eq!(verdict(ms(2_900), ms(1)), Verdict::Broken);
        assert_eq!(verdict(ms(2_900), ms(600)), Verdict::Fine);
        assert_eq!(buffering(None, ms(1), ms(2_000)).verdict, Verdict::Skipped);
    }
}
