//! The stage of the stories: one session named `alice`, a clock moved by hand, and words to read what happens.

use bayeux::json::{BatchLimits, decode_batch};
use bayeux::{
    Answer, BatchContext, Carrier, Connect, Delivery, Message, Millis, Pushed, Reply, Session, Settings,
    Step, Ticket, Unidentified,
};
use serde_json::Value;

pub(crate) const HTTP: Carrier = Carrier::Http { connect_only: false };
pub(crate) const CALLBACK: Carrier = Carrier::Http { connect_only: true };
pub(crate) const WEBSOCKET: Carrier = Carrier::WebSocket;

/// A numbered delivery of a given size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note(pub(crate) u64, pub(crate) usize);

impl Delivery for Note {
    fn size_bytes(&self) -> usize {
        self.1
    }
}

pub(crate) struct Stage {
    pub(crate) session: Session<Note>,
    pub(crate) settings: Settings,
    pub(crate) now: Millis,
    pub(crate) subscribed: Vec<String>,
    pub(crate) other_polls: bool,
    pub(crate) lone: bool,
    next_ticket: u64,
}

impl Stage {
    /// A session fresh from its handshake at time 1000.
    pub(crate) fn handshaken() -> Stage {
        Stage::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Stage {
        Stage::asking("{}", settings)
    }

    /// A session whose client has asked for something in the `ext` of its handshake.
    pub(crate) fn asking(ext: &str, settings: Settings) -> Stage {
        let handshake = format!(r#"{{"channel":"/meta/handshake","ext":{ext}}}"#);
        let request = Unidentified.on_message(message(&handshake), &settings).unwrap();
        let (session, _) = request.accept("alice".into(), &settings, 1_000);
        Stage {
            session,
            settings,
            now: 1_000,
            subscribed: Vec::new(),
            other_polls: false,
            lone: true,
            next_ticket: 0,
        }
    }

    /// A session whose first connect over `carrier` was answered and written.
    pub(crate) fn connected(carrier: Carrier) -> Stage {
        let mut stage = Stage::handshaken();
        if carrier == WEBSOCKET {
            stage.session.attach();
        }
        let first = stage.connect(carrier);
        assert_eq!(first.answer, Answer::Now);
        stage.session.on_connect_written(&stage.settings, stage.now);
        stage
    }

    /// A connected session with a held connect.
    pub(crate) fn holding(carrier: Carrier) -> (Stage, Ticket) {
        let mut stage = Stage::connected(carrier);
        let ticket = stage.hold(carrier);
        (stage, ticket)
    }

    pub(crate) fn say_on(&mut self, carrier: Carrier, text: &str) -> Step {
        let subscribed = &self.subscribed;
        let context = BatchContext {
            carrier,
            lone: self.lone,
            other_polls_of_browser: self.other_polls,
            subscriptions: subscribed.len(),
            is_subscribed: &|name| subscribed.iter().any(|known| known == name),
        };
        self.session.on_message(message(text), context, &self.settings, self.now)
    }

    pub(crate) fn say(&mut self, text: &str) -> Step {
        self.say_on(HTTP, text)
    }

    pub(crate) fn connect_as(&mut self, carrier: Carrier, text: &str) -> Connect {
        match self.say_on(carrier, text) {
            Step::Connect(connect) => connect,
            other => panic!("expected a connect, got {other:?}"),
        }
    }

    pub(crate) fn connect(&mut self, carrier: Carrier) -> Connect {
        self.connect_as(carrier, r#"{"channel":"/meta/connect","clientId":"alice","id":"c"}"#)
    }

    /// A connect with these fields in its `ext`.
    pub(crate) fn connect_saying(&mut self, carrier: Carrier, ext: &str) -> Connect {
        let text = format!(r#"{{"channel":"/meta/connect","clientId":"alice","ext":{ext}}}"#);
        self.connect_as(carrier, &text)
    }

    /// The numbers that leave with a connect that is answered at once, and its `ext.ack`.
    pub(crate) fn answer(&mut self, mut connect: Connect) -> (Vec<u64>, Value) {
        assert_eq!(connect.answer, Answer::Now, "{connect:?}");
        let rides = self.session.may_ride_on_turn(connect.turn);
        let taken = if rides { self.take_all() } else { Vec::new() };
        if rides {
            self.session.number_reply(&mut connect.reply);
        }
        self.session.on_connect_written(&self.settings, self.now);
        (taken, value(&connect.reply)["ext"]["ack"].clone())
    }

    pub(crate) fn hold(&mut self, carrier: Carrier) -> Ticket {
        let connect = self.connect(carrier);
        assert!(matches!(connect.answer, Answer::Hold { .. }), "not held: {connect:?}");
        self.hold_connect(connect)
    }

    pub(crate) fn hold_connect(&mut self, connect: Connect) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.session.hold(connect, ticket, self.now);
        ticket
    }

    pub(crate) fn release(&mut self) -> Option<(Ticket, Reply)> {
        self.session.release(&self.settings, self.now)
    }

    pub(crate) fn push(&mut self, number: u64) {
        assert_eq!(self.session.push(Note(number, 10), &self.settings), Pushed::Queued);
    }

    pub(crate) fn take_all(&mut self) -> Vec<u64> {
        self.session.take(usize::MAX, usize::MAX).map(|note| note.0).collect()
    }

    pub(crate) fn wait(&mut self, span: Millis) -> bayeux::Due {
        self.now += span;
        self.session.on_deadline(self.now)
    }

    /// What the server replies to a message that needs no further step.
    pub(crate) fn reply_to(&mut self, text: &str) -> Value {
        match self.say(text) {
            Step::Reply(reply) => value(&reply),
            other => panic!("expected a reply, got {other:?}"),
        }
    }

    pub(crate) fn error_of(&mut self, text: &str) -> String {
        error(&self.reply_to(text))
    }
}

pub(crate) fn message(text: &str) -> Message {
    decode_batch(text.as_bytes(), &BatchLimits::default()).unwrap().remove(0)
}

pub(crate) fn value(reply: &Reply) -> Value {
    let mut out = Vec::new();
    reply.write(&mut out);
    serde_json::from_slice(&out).unwrap()
}

pub(crate) fn error(reply: &Value) -> String {
    assert_eq!(reply["successful"], false, "{reply}");
    reply["error"].as_str().unwrap().to_owned()
}
