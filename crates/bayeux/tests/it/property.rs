//! A session driven by chance: whatever clients, buses and clocks do, the promises hold.

use bayeux::{Answer, Carrier, Connect, Due, Message, Millis, Pushed, Reply, Settings, Step, Ticket};
use proptest::prelude::*;

use crate::stage::{CALLBACK, HTTP, Note, Stage, WEBSOCKET, message};

#[derive(Debug, Clone)]
enum Event {
    Message { text: String, carrier: Carrier, lone: bool, other_polls: bool },
    Push(usize),
    Take(usize, usize),
    Release,
    Abandon(u64),
    Written,
    Contact,
    Attach,
    Detach,
    Wait(Millis),
    ConnectOnly(bool),
    End,
}

fn texts() -> impl Strategy<Value = String> {
    let channel = prop_oneof![
        8 => Just("\"/meta/connect\""),
        2 => Just("\"/meta/subscribe\""),
        1 => Just("\"/meta/unsubscribe\""),
        1 => Just("\"/meta/disconnect\""),
        1 => Just("\"/meta/handshake\""),
        1 => Just("\"/meta/what\""),
        1 => Just("\"/meta/received\""),
        2 => Just("\"/chat/a\""),
        1 => Just("\"/service/a\""),
        1 => Just("\"/chat/*\""),
        1 => Just("null"),
        1 => Just("7"),
    ];
    let client =
        prop_oneof![9 => Just("\"alice\""), 1 => Just("\"bob\""), 1 => Just("null"), 1 => Just("{}")];
    let extra = prop_oneof![
        4 => Just(""),
        1 => Just(r#","connectionType":"long-polling""#),
        1 => Just(r#","connectionType":"websocket""#),
        1 => Just(r#","connectionType":"eventsource""#),
        1 => Just(r#","connectionType":"http-streaming""#),
        1 => Just(r#","connectionType":"callback-polling""#),
        1 => Just(r#","connectionType":"polling""#),
        1 => Just(r#","connectionType":"x""#),
        1 => Just(r#","advice":{"timeout":0}"#),
        1 => Just(r#","advice":{"timeout":3000,"interval":70000}"#),
        1 => Just(r#","subscription":"/a/*","data":1"#),
        1 => Just(r#","subscription":["/a","b"],"data":null"#),
        1 => Just(r#","data":{}"#),
        1 => Just(r#","id":[]"#),
    ];
    (channel, client, extra)
        .prop_map(|(channel, client, extra)| format!(r#"{{"channel":{channel},"clientId":{client}{extra}}}"#))
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (texts(), prop_oneof![Just(HTTP), Just(CALLBACK), Just(WEBSOCKET)], any::<bool>(), any::<bool>())
            .prop_map(|(text, carrier, lone, other_polls)| Event::Message { text, carrier, lone, other_polls }),
        6 => (0_usize..60).prop_map(Event::Push),
        2 => (0_usize..4, 0_usize..100).prop_map(|(messages, bytes)| Event::Take(messages, bytes)),
        2 => Just(Event::Release),
        1 => (0_u64..20).prop_map(Event::Abandon),
        2 => Just(Event::Written),
        1 => Just(Event::Contact),
        1 => Just(Event::Attach),
        1 => Just(Event::Detach),
        4 => prop_oneof![0_u64..100, 0_u64..40_000].prop_map(Event::Wait),
        1 => any::<bool>().prop_map(Event::ConnectOnly),
        1 => Just(Event::End),
    ]
}

/// The world around the session, remembering what it must have kept.
struct World {
    stage: Stage,
    queued: Vec<Note>,
    next: u64,
    /// Held connects that still wait for their end.
    open: Vec<Ticket>,
    attached: u32,
}

impl World {
    fn new() -> World {
        let settings = Settings { mailbox_messages: 5, mailbox_bytes: 150, ..Settings::default() };
        World { stage: Stage::with(settings), queued: Vec::new(), next: 0, open: Vec::new(), attached: 0 }
    }

    fn on(&mut self, event: Event) {
        let now = self.stage.now;
        match event {
            Event::Message { text, carrier, lone, other_polls } => {
                self.stage.lone = lone;
                self.stage.other_polls = other_polls;
                let sent = message(&text);
                let step = self.stage.say_on(carrier, &text);
                self.on_step(step, &sent, carrier);
            }
            Event::Push(size) => self.push(size),
            Event::Take(messages, bytes) => self.take(messages, bytes),
            Event::Release => {
                let released = self.stage.release();
                self.close(released);
            }
            Event::Abandon(number) => {
                let ticket = Ticket(number);
                self.stage.session.abandon(ticket, &self.stage.settings, now);
                self.open.retain(|open| *open != ticket);
            }
            Event::Written => self.stage.session.on_connect_written(&self.stage.settings, now),
            Event::Contact => {
                let before = self.stage.session.deadline();
                self.stage.session.on_contact(&self.stage.settings, now);
                assert!(self.stage.session.deadline() >= before, "contact never makes a deadline earlier");
            }
            Event::Attach => {
                self.attached += 1;
                self.stage.session.attach();
            }
            Event::Detach => {
                self.attached = self.attached.saturating_sub(1);
                self.stage.session.detach(&self.stage.settings, now);
            }
            Event::Wait(span) => {
                if self.stage.wait(span) == Due::AnswerConnect {
                    let released = self.stage.release();
                    assert!(released.is_some(), "a due connect can be answered");
                    self.close(released);
                }
            }
            Event::ConnectOnly(on) => self.stage.session.set_connect_only(on),
            Event::End => {
                let ended = self.stage.session.end(bayeux::Code::Draining, &self.stage.settings);
                self.close(ended);
            }
        }
    }

    fn on_step(&mut self, step: Step, sent: &Message, carrier: Carrier) {
        let allowed = sent.invalid.is_none() && sent.client_id.as_deref() == Some("alice");
        match step {
            Step::Reply(reply) => self.check_reply(&reply, sent),
            Step::Subscribe { reply, patterns, .. } | Step::Unsubscribe { reply, patterns } => {
                assert!(allowed && !patterns.is_empty());
                self.check_reply(&reply, sent);
            }
            Step::Publish { reply, .. } | Step::Call { reply, .. } => {
                assert!(allowed && reply.is_successful());
                self.check_reply(&reply, sent);
            }
            Step::Received | Step::End { .. } => {
                panic!("the client neither counts nor acknowledges")
            }
            Step::Connect(connect) => {
                assert!(allowed);
                self.on_connect(connect, sent, carrier);
            }
            Step::Disconnect { reply, held } => {
                assert!(allowed);
                self.check_reply(&reply, sent);
                self.close(held);
                assert!(self.stage.session.has_ended());
            }
        }
    }

    fn on_connect(&mut self, connect: Connect, sent: &Message, carrier: Carrier) {
        self.check_reply(&connect.reply, sent);
        assert_eq!(
            connect.superseded,
            self.open.pop(),
            "the older connect is named exactly when there is one"
        );
        assert_eq!(self.stage.session.held_ticket(), None);
        match connect.answer {
            Answer::Now => {}
            Answer::Stream => {
                assert!(self.stage.lone && carrier == HTTP, "a stream is the answer to one message");
                self.attached += 1;
                let until = self.stage.now + 25_000;
                self.stage.session.attach_stream(&self.stage.settings, until);
            }
            Answer::Hold { until } => {
                assert!(until > self.stage.now && until <= self.stage.now + self.stage.settings.timeout_ms);
                assert!(self.stage.lone || carrier == WEBSOCKET, "no connect in an HTTP batch is held");
                assert!(
                    self.queued.is_empty() || self.stage.session.may_push_now(),
                    "nothing waits behind a hold"
                );
                let ticket = self.stage.hold_connect(connect);
                self.open.push(ticket);
            }
        }
    }

    fn check_reply(&self, reply: &Reply, sent: &Message) {
        assert_eq!(reply.channel, sent.channel);
        assert_eq!(reply.id.as_ref().map(|id| id.get()), sent.id.as_ref().map(|id| id.get()));
        assert!(reply.client_id.is_none(), "only a handshake reply names the session");
        let connect = sent.channel.as_deref() == Some("/meta/connect");
        assert!(!connect || reply.is_successful() || reply.advice.is_some(), "failed connects carry advice");
        let handshake = reply.advice.is_some_and(|advice| advice.reconnect == bayeux::Reconnect::Handshake);
        assert!(!(handshake && reply.is_successful()));
    }

    fn close(&mut self, answered: Option<(Ticket, Reply)>) {
        assert_eq!(
            answered.map(|(ticket, _)| ticket),
            self.open.pop(),
            "exactly the held connect is answered"
        );
    }

    fn push(&mut self, size: usize) {
        let note = Note(self.next, size);
        self.next += 1;
        let bytes: usize = self.queued.iter().map(|note| note.1).sum();
        let fits = self.queued.len() < 5 && bytes + size <= 150;
        let pushed = self.stage.session.push(note.clone(), &self.stage.settings);
        assert_eq!(pushed, if fits { Pushed::Queued } else { Pushed::Overflow });
        if fits {
            self.queued.push(note);
        }
    }

    fn take(&mut self, messages: usize, bytes: usize) {
        let taken: Vec<_> = self.stage.session.take(messages, bytes).collect();
        let rest = self.queued.split_off(taken.len());
        assert_eq!(taken, self.queued, "in order and complete");
        self.queued = rest;
        let size: usize = taken.iter().map(|note| note.1).sum();
        assert!(taken.len() <= messages && (size <= bytes || taken.len() == 1));
        assert!(!taken.is_empty() || messages == 0 || self.queued.is_empty(), "a take moves on");
    }

    fn check(&self) {
        let session = &self.stage.session;
        assert_eq!(session.held_ticket(), self.open.last().copied());
        assert!(self.open.len() <= 1, "never two holds");
        assert_eq!(session.pending(), self.queued.len());
        assert_eq!(session.pending_bytes(), self.queued.iter().map(|note| note.1).sum::<usize>());
        assert_eq!(session.is_attached(), self.attached > 0);
        let longest = 25_000 + 60_000 + 10_000;
        assert!(session.deadline() <= self.stage.now + longest, "no session lives for ever unseen");
        assert!(
            !(session.may_push_now()
                && (session.wakes_connect() || session.may_ride_on(HTTP, &self.stage.settings))),
            "one way out"
        );
        assert!(session.may_push_now() || session.may_ride_on_connect(), "always a way out");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_promises_of_a_session_hold_whatever_happens(story in prop::collection::vec(events(), 0..80)) {
        let mut world = World::new();
        for event in story {
            world.on(event);
            world.check();
        }
        // Left alone, the session comes to its end.
        while world.attached > 0 {
            world.on(Event::Detach);
        }
        world.on(Event::Wait(100_000));
        world.on(Event::Wait(100_000));
        prop_assert_eq!(world.stage.session.on_deadline(world.stage.now), Due::Expired);
    }
}
