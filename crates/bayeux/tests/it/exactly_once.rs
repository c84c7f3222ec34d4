//! Clients that confirm what they receive, on wires that break by chance: everything comes once and in order, or the
//! session says that it cannot.

use std::collections::VecDeque;

use bayeux::{Answer, Carrier, Connect, Pushed, Settings, Step, Turn};
use proptest::prelude::*;
use serde_json::Value;

use crate::stage::{CALLBACK, HTTP, Note, Stage, WEBSOCKET, value};

const MAILBOX: usize = 12;
const RETAINED: usize = 6;
const RETAINED_BYTES: usize = 90;
const RECOVERY: usize = 4;

#[derive(Debug, Clone)]
enum Event {
    /// Something is published.
    Push(usize),
    /// Something of the past comes.
    Recover(usize),
    /// The server has a turn: what may leave leaves, as far as these bounds go.
    Turn(usize, usize),
    /// So much of what is on its way arrives.
    Arrive(usize),
    /// The wire breaks, and whatever is on its way is lost.
    Lose,
    /// The client connects; on the WebSocket it has, or on a new one.
    Connect { carrier: Carrier, says: bool, late: bool },
    /// The client opens a new WebSocket and connects on it.
    Reopen { says: bool },
    /// The server gets round to answering a connect that waited.
    AnswerLate,
    /// The client says its count between connects.
    Say,
}

fn events() -> impl Strategy<Value = Event> {
    let carrier = prop_oneof![3 => Just(HTTP), 1 => Just(CALLBACK), 3 => Just(WEBSOCKET)];
    prop_oneof![
        8 => (0_usize..30).prop_map(Event::Push),
        1 => (0_usize..30).prop_map(Event::Recover),
        6 => (1_usize..6, 1_usize..80).prop_map(|(messages, bytes)| Event::Turn(messages, bytes)),
        6 => (0_usize..5).prop_map(Event::Arrive),
        2 => Just(Event::Lose),
        6 => (carrier, prop::bool::weighted(0.8), prop::bool::weighted(0.2))
            .prop_map(|(carrier, says, late)| Event::Connect { carrier, says, late }),
        2 => prop::bool::weighted(0.8).prop_map(|says| Event::Reopen { says }),
        2 => Just(Event::AnswerLate),
        2 => Just(Event::Say),
    ]
}

/// What is on its way to the client.
#[derive(Debug)]
enum Parcel {
    /// One event, on a wire that pushes.
    Event(Note),
    /// An answer, which is read whole or not at all.
    Answer(Vec<Note>, Value),
}

/// How the client confirms.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    Count,
    Acknowledge,
}

struct World {
    stage: Stage,
    manner: Manner,
    /// Everything that was queued, in order.
    pushed: Vec<Note>,
    /// Everything the client has taken in, in order.
    received: Vec<Note>,
    /// The highest number that ever left.
    sent: usize,
    batch: u64,
    /// The client's wire, and what is on its way on it.
    carrier: Option<Carrier>,
    on_the_way: VecDeque<Parcel>,
    attached: bool,
    /// The connect the client waits for, when it is answered late.
    late: Option<Connect>,
    /// Connects the client has given up, still to be answered.
    given_up: Vec<Connect>,
    failed: bool,
}

impl World {
    fn new(manner: Manner) -> World {
        let settings = Settings {
            mailbox_messages: MAILBOX,
            mailbox_bytes: 300,
            retained_messages: RETAINED,
            retained_bytes: RETAINED_BYTES,
            recovery_messages: RECOVERY,
            recovery_bytes: 80,
            early_delivery: true,
            ..Settings::default()
        };
        let ext = if manner == Manner::Count { r#"{"received":true}"# } else { r#"{"ack":true}"# };
        World {
            stage: Stage::asking(ext, settings),
            manner,
            pushed: Vec::new(),
            received: Vec::new(),
            sent: 0,
            batch: 0,
            carrier: None,
            on_the_way: VecDeque::new(),
            attached: false,
            late: None,
            given_up: Vec::new(),
            failed: false,
        }
    }

    fn on(&mut self, event: Event) {
        match event {
            Event::Push(size) | Event::Recover(size) => {
                let note = Note(self.pushed.len() as u64, size);
                let (session, settings) = (&mut self.stage.session, &self.stage.settings);
                let pushed = match event {
                    Event::Push(_) => session.push(note.clone(), settings),
                    _ => session.push_recovered(note.clone(), settings),
                };
                if pushed == Pushed::Queued {
                    self.pushed.push(note);
                }
            }
            Event::Turn(messages, bytes) => self.turn(messages, bytes),
            Event::Arrive(count) => (0..count).for_each(|_| self.arrive()),
            Event::Lose => self.lose(),
            Event::Connect { carrier: WEBSOCKET, says, late } if self.carrier == Some(WEBSOCKET) => {
                // A client of CometD closes a socket on which it has waited in vain.
                if self.manner == Manner::Count || self.on_the_way.is_empty() {
                    self.connect(WEBSOCKET, says, late);
                }
            }
            Event::Connect { carrier: WEBSOCKET, says, .. } | Event::Reopen { says } => {
                self.leave();
                // The server closes the socket that was there, if it has not seen it go.
                self.detach();
                self.stage.session.attach();
                self.attached = true;
                self.connect(WEBSOCKET, says, false);
            }
            Event::Connect { carrier, says, late } => {
                self.leave();
                self.connect(carrier, says, late);
                self.detach();
            }
            Event::AnswerLate => self.answer_late(),
            Event::Say => self.say(),
        }
    }

    /// The client gives up its wire: nothing that is still on its way counts.
    fn leave(&mut self) {
        self.on_the_way.clear();
        self.carrier = None;
        self.given_up.extend(self.late.take());
    }

    fn lose(&mut self) {
        self.leave();
        self.detach();
        if let Some(ticket) = self.stage.session.held_ticket() {
            self.stage.session.abandon(ticket, &self.stage.settings, self.stage.now);
        }
    }

    fn detach(&mut self) {
        if std::mem::take(&mut self.attached) {
            self.stage.session.detach(&self.stage.settings, self.stage.now);
        }
    }

    fn connect(&mut self, carrier: Carrier, says: bool, late: bool) {
        if carrier != WEBSOCKET {
            self.on_the_way.clear();
        }
        self.carrier = Some(carrier);
        let word = match self.manner {
            _ if !says => String::new(),
            Manner::Count => format!(r#""received":{}"#, self.received.len()),
            Manner::Acknowledge => format!(r#""ack":{}"#, self.batch),
        };
        let text = format!(r#"{{"channel":"/meta/connect","clientId":"alice","ext":{{{word}}}}}"#);
        self.stage.lone = !late;
        match self.stage.say_on(carrier, &text) {
            Step::Connect(connect) if connect.answer == Answer::Now && late => {
                self.given_up.extend(self.late.take());
                self.late = Some(connect);
            }
            Step::Connect(connect) if connect.answer == Answer::Now => {
                let turn = connect.turn;
                self.answer(connect.reply, turn, 100, 1_000);
            }
            Step::Connect(connect) => drop(self.stage.hold_connect(connect)),
            Step::End { .. } => self.fail(),
            other => panic!("a true client is refused: {other:?}"),
        }
    }

    /// What the client lacks is really no longer kept.
    fn fail(&mut self) {
        let lacking = &self.pushed[self.received.len()..self.sent];
        let bytes: usize = lacking.iter().map(|note| note.1).sum();
        assert!(lacking.len() > RETAINED || bytes > RETAINED_BYTES, "{lacking:?} would have had room");
        assert!(self.stage.session.has_ended());
        self.failed = true;
    }

    fn answer(&mut self, mut reply: bayeux::Reply, turn: Turn, messages: usize, bytes: usize) {
        let mut events = Vec::new();
        if self.stage.session.may_ride_on_turn(turn) {
            events = self.take(messages, bytes);
            self.stage.session.number_reply(&mut reply);
        }
        let batch = value(&reply)["ext"]["ack"].clone();
        self.on_the_way.push_back(Parcel::Answer(events, batch));
    }

    fn answer_late(&mut self) {
        if let Some(connect) = self.given_up.pop() {
            // Whatever its answer takes along is lost with it.
            let Connect { mut reply, turn, .. } = connect;
            if self.stage.session.may_ride_on_turn(turn) {
                self.take(3, 1_000);
                self.stage.session.number_reply(&mut reply);
            }
        } else if let Some(connect) = self.late.take() {
            let turn = connect.turn;
            self.answer(connect.reply, turn, 3, 1_000);
        }
    }

    fn turn(&mut self, messages: usize, bytes: usize) {
        assert!(!self.stage.session.may_ride_on(HTTP, &self.stage.settings), "only in order");
        if self.attached && self.stage.session.may_push_now() {
            let events = self.take(messages, bytes);
            if self.carrier == Some(WEBSOCKET) {
                self.on_the_way.extend(events.into_iter().map(Parcel::Event));
            }
        } else if self.stage.session.wakes_connect() {
            let (_, mut reply) = self.stage.release().unwrap();
            let events = self.take(messages, bytes);
            self.stage.session.number_reply(&mut reply);
            if self.carrier.is_some() {
                self.on_the_way.push_back(Parcel::Answer(events, value(&reply)["ext"]["ack"].clone()));
            }
        }
    }

    fn take(&mut self, messages: usize, bytes: usize) -> Vec<Note> {
        let taken: Vec<Note> = self.stage.session.take(messages, bytes).collect();
        if let Some(last) = taken.last() {
            self.sent = self.sent.max(last.0 as usize + 1);
        }
        taken
    }

    fn arrive(&mut self) {
        match self.on_the_way.pop_front() {
            Some(Parcel::Event(note)) => self.received.push(note),
            Some(Parcel::Answer(events, batch)) => {
                self.received.extend(events);
                self.batch = batch.as_u64().unwrap_or(self.batch);
            }
            None => {}
        }
    }

    fn say(&mut self) {
        if self.manner == Manner::Count && self.carrier == Some(WEBSOCKET) {
            let text = r#"{"channel":"/meta/received","clientId":"alice","ext":{"received":N}}"#;
            let text = text.replace('N', &self.received.len().to_string());
            assert!(matches!(self.stage.say_on(WEBSOCKET, &text), Step::Received));
        }
    }

    fn check(&self) {
        let session = &self.stage.session;
        assert_eq!(self.received, self.pushed[..self.received.len()], "once and in order");
        assert!(session.unconfirmed() <= RETAINED && session.unconfirmed_bytes() <= RETAINED_BYTES);
        assert!(session.pending() <= MAILBOX + RETAINED + RECOVERY, "{} are queued", session.pending());
        assert!(session.pending_bytes() <= 300 + RETAINED_BYTES + 80);
    }

    /// The network is well again.
    fn finish(&mut self) {
        self.lose();
        while !self.failed && self.received.len() < self.pushed.len() {
            let before = self.received.len();
            self.on(Event::Connect { carrier: HTTP, says: true, late: false });
            self.arrive();
            assert!(self.failed || self.received.len() > before, "every answer brings something");
        }
    }
}

fn tell(manner: Manner, story: Vec<Event>) {
    let mut world = World::new(manner);
    for event in story {
        world.on(event);
        world.check();
        if world.failed {
            return;
        }
    }
    world.finish();
    world.check();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn a_client_that_counts_gets_everything_once_or_is_told(story in prop::collection::vec(events(), 0..120)) {
        tell(Manner::Count, story);
    }

    #[test]
    fn a_client_that_acknowledges_gets_everything_once_or_is_told(
        story in prop::collection::vec(events(), 0..120)
    ) {
        tell(Manner::Acknowledge, story);
    }
}
