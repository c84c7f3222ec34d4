//! A clock moved by hand, and a session that lives by it.
//!
//! Stories about timers should not wait. The rules of a session take the time as an argument, so a
//! [`Rehearsal`] plays hours of a session's life at once; a whole server reads the machine's clock, and its
//! tests use short limits instead.

use bayeux::json::{BatchLimits, decode_batch};
use bayeux::{
    BatchContext, Carrier, Delivery, Due, Millis, Pushed, Reply, Session, Settings, Step, Ticket,
    Unidentified,
};
use serde_json::Value;

/// A clock that stands still until it is moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ManualClock {
    now: Millis,
}

impl ManualClock {
    /// A clock that shows this time, in milliseconds.
    pub fn at(now: Millis) -> ManualClock {
        ManualClock { now }
    }

    /// The time it shows.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Moves it forward.
    pub fn advance(&mut self, span_ms: Millis) {
        self.now += span_ms;
    }
}

/// What is queued for a rehearsed session: a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered(pub u64);

impl Delivery for Numbered {
    fn size_bytes(&self) -> usize {
        8
    }
}

/// One session without a server, under a clock moved by hand.
pub struct Rehearsal {
    /// The clock.
    pub clock: ManualClock,
    /// The session.
    pub session: Session<Numbered>,
    settings: Settings,
    carrier: Carrier,
    subscriptions: Vec<String>,
    tickets: u64,
}

impl Rehearsal {
    /// A session named `alice`, fresh from its handshake.
    pub fn begin(settings: Settings, carrier: Carrier) -> Rehearsal {
        let clock = ManualClock::at(1_000);
        let hello = decode(r#"{"channel":"/meta/handshake"}"#);
        let request = Unidentified.on_message(hello, &settings).expect("a handshake was sent");
        let (mut session, _) = request.accept("alice".into(), &settings, clock.now());
        if carrier == Carrier::WebSocket {
            session.attach();
        }
        Rehearsal { clock, session, settings, carrier, subscriptions: Vec::new(), tickets: 0 }
    }

    /// The client says this message; carried out are connects and subscriptions.
    pub fn says(&mut self, message: &str) -> Step {
        let subscriptions = &self.subscriptions;
        let context = BatchContext {
            carrier: self.carrier,
            lone: true,
            other_polls_of_browser: false,
            subscriptions: subscriptions.len(),
            is_subscribed: &|name| subscriptions.iter().any(|known| known == name),
        };
        let step = self.session.on_message(decode(message), context, &self.settings, self.clock.now());
        if let Step::Subscribe { patterns, .. } = &step {
            self.subscriptions.extend(patterns.iter().map(|pattern| pattern.as_str().to_owned()));
        }
        step
    }

    /// The client connects; the reply when it is answered at once, `None` when it is held.
    pub fn connects(&mut self) -> Option<Value> {
        let step = self.says(r#"{"channel":"/meta/connect","clientId":"alice","id":"c"}"#);
        let Step::Connect(connect) = step else { panic!("a connect is answered otherwise: {step:?}") };
        if connect.answer == bayeux::Answer::Now {
            let reply = connect.reply;
            self.session.on_connect_written(&self.settings, self.clock.now());
            return Some(value(&reply));
        }
        self.tickets += 1;
        self.session.hold(connect, Ticket(self.tickets), self.clock.now());
        None
    }

    /// Time passes; what is due then.
    pub fn waits(&mut self, span_ms: Millis) -> Due {
        self.clock.advance(span_ms);
        self.session.on_deadline(self.clock.now())
    }

    /// A delivery comes for the session.
    pub fn gets(&mut self, number: u64) -> Pushed {
        self.session.push(Numbered(number), &self.settings)
    }

    /// Answers the held connect, as a server does when there is reason to: the reply and what leaves with it.
    pub fn answers(&mut self) -> Option<(Value, Vec<u64>)> {
        let (_, reply) = self.session.release(&self.settings, self.clock.now())?;
        let taken = self.session.take(usize::MAX, usize::MAX).map(|delivery| delivery.0).collect();
        self.session.on_connect_written(&self.settings, self.clock.now());
        Some((value(&reply), taken))
    }
}

fn decode(text: &str) -> bayeux::Message {
    let batch = decode_batch(text.as_bytes(), &BatchLimits::default());
    batch.expect("the story's messages are good").remove(0)
}

fn value(reply: &Reply) -> Value {
    let mut out = Vec::new();
    reply.write(&mut out);
    serde_json::from_slice(&out).expect("replies are JSON")
}
