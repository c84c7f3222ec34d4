//! A session on a wire: the connect loop, and commands out.
//!
//! Everything that happens is one event of one loop. What comes in is taken apart in `arrival`; what is asked for
//! listeners is decided in `interest`, what is sent again in `pending`.

use std::time::Duration;

use bayeux::meta;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::interest::Ask;
use super::moment::Moment;
use super::pace::{Beat, Pace};
use super::pending::Publishing;
use super::{Command, Outcome, Session, Waiting, stopped};
use crate::Error;
use crate::message::{Ext, Outgoing, Received, Wish};
use crate::wire::{Arrival, Lane, Wire};

/// How often requests and subscriptions that nobody waits for are forgotten, refused ones asked for again, and the
/// server is told what was received.
const SWEEP: Duration = Duration::from_secs(1);
/// How long an ending session waits for the server's last word.
const FAREWELL: Duration = Duration::from_secs(2);

impl Session {
    /// Runs on a wire until it is lost, left, or all is over.
    pub(super) async fn live(&mut self, mut wire: Wire) -> Outcome {
        let mut pace = Pace::begin();
        let mut fresh = true;
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if let Err(error) = self.on_wire(&wire) {
            return Outcome::Broken(error);
        }
        loop {
            if self.leaves() {
                return Outcome::Switch;
            }
            let stop = self.stop.clone();
            let step = tokio::select! {
                arrival = wire.next() => self.on_arrival(arrival, &wire, &mut pace),
                command = self.commands.recv(), if self.pending.has_room() && !self.is_leaving() => match command {
                    Some(command) => self.on_command(command, &wire),
                    None => return self.part(wire).await,
                },
                beat = pace.beat() => match beat {
                    Beat::Connect => {
                        let at_once = std::mem::take(&mut fresh) || self.interests.is_catching_up();
                        self.send_connect(&wire, &mut pace, at_once)
                    }
                    Beat::Overdue => Err(Outcome::Broken(Error::TimedOut)),
                },
                _ = sweep.tick() => self.sweep(&wire),
                () = stopped(stop) => return self.part(wire).await,
            };
            if let Err(outcome) = step {
                return outcome;
            }
        }
    }

    /// Says on a new wire what the server does not know yet, and what was lost on the wire before.
    fn on_wire(&mut self, wire: &Wire) -> Result<(), Error> {
        self.again.clear();
        self.interests.on_wire();
        if let Some(tally) = &mut self.tally {
            tally.on_wire();
        }
        for ask in self.interests.due(None) {
            self.send_subscribe(wire, ask)?;
        }
        while let Some(publishing) = self.pending.repeat(Moment::now()) {
            self.send_publication(wire, publishing)?;
        }
        Ok(())
    }

    fn on_command(&mut self, command: Command, wire: &Wire) -> Result<(), Outcome> {
        let sent = match command {
            Command::Publish(publishing) => self.send_publication(wire, publishing),
            Command::Call { channel, data, answer } => {
                let message =
                    Outgoing { channel: channel.as_str(), data: Some(&data), ..Outgoing::default() };
                self.request(wire, message, Waiting::Call(answer))
            }
            Command::Subscribe { number, pattern, since, deliver, mailbox, answer } => {
                self.interests.add(number, pattern.clone(), mailbox, (since, deliver), answer);
                self.interests
                    .due(Some(&pattern))
                    .into_iter()
                    .try_for_each(|ask| self.send_subscribe(wire, ask))
            }
            Command::Unsubscribe { number } => self.forget_listener(wire, number),
            Command::Switch { transport, answer } => {
                self.on_switch(transport, wire, answer);
                Ok(())
            }
        };
        sent.map_err(Outcome::Broken)
    }

    fn send_publication(&mut self, wire: &Wire, mut publishing: Box<Publishing>) -> Result<(), Error> {
        let number = self.pending.number();
        let json = publishing.json(number, self.client_id.as_deref());
        publishing.first_sent.get_or_insert_with(Moment::now);
        self.pending.add(number, Waiting::Publish(publishing));
        wire.send(Lane::Command, number, json)
    }

    fn send_subscribe(&mut self, wire: &Wire, ask: Ask) -> Result<(), Error> {
        let Ask { pattern, since, deliver, numbers } = ask;
        let name = pattern.as_str().to_owned();
        let (since, deliver) = (since.as_ref(), deliver.as_ref());
        let ext = (since.is_some() || deliver.is_some()).then(|| Ext { since, deliver, ..Ext::default() });
        let message =
            Outgoing { channel: meta::SUBSCRIBE, subscription: Some(&name), ext, ..Outgoing::default() };
        self.request(wire, message, Waiting::Subscribe(pattern, numbers, Instant::now()))
    }

    fn forget_listener(&mut self, wire: &Wire, number: u64) -> Result<(), Error> {
        let Some(pattern) = self.interests.remove(number) else { return Ok(()) };
        self.again.forget(&pattern);
        let id = self.pending.number();
        let message = Outgoing {
            id: id.to_string(),
            channel: meta::UNSUBSCRIBE,
            client_id: self.client_id.as_deref(),
            subscription: Some(pattern.as_str()),
            ..Outgoing::default()
        };
        wire.send(Lane::Command, id, message.json())
    }

    fn request(&mut self, wire: &Wire, message: Outgoing<'_>, waiting: Waiting) -> Result<(), Error> {
        let number = self.pending.number();
        let message = Outgoing { id: number.to_string(), client_id: self.client_id.as_deref(), ..message };
        let json = message.json();
        self.pending.add(number, waiting);
        wire.send(Lane::Command, number, json)
    }

    pub(super) fn send_connect(
        &mut self,
        wire: &Wire,
        pace: &mut Pace,
        at_once: bool,
    ) -> Result<(), Outcome> {
        let number = self.pending.number();
        self.last_connect = (number, self.interests.accepted());
        self.connects += 1;
        // A WebSocket goes on where it was; what is said on it once holds for as long as it lives.
        let received = self.tally.as_mut().map(|tally| Received::Count(tally.say()));
        let connect = received.is_some().then_some(self.connects);
        let ext = received.is_some().then(|| Ext { received, connect, ..Ext::default() });
        let message = Outgoing {
            id: number.to_string(),
            channel: meta::CONNECT,
            client_id: self.client_id.as_deref(),
            connection_type: Some(wire.connection_type()),
            // The first answer on a wire shows that it works; only later ones are held.
            advice: at_once.then_some(Wish { timeout: 0 }),
            ext,
            ..Outgoing::default()
        };
        let held = if at_once { Duration::ZERO } else { self.advice.timeout };
        pace.on_sent(held + self.options.network_delay);
        wire.send(Lane::Connect, number, message.json()).map_err(Outcome::Broken)
    }

    /// Tells the server between two connects what was received, so that it need not keep it.
    pub(super) fn send_received(&mut self, wire: &Wire) -> Result<(), Outcome> {
        let Some(received) = self.tally.as_mut().map(|tally| Received::Count(tally.say())) else {
            return Ok(());
        };
        let number = self.pending.number();
        let message = Outgoing {
            id: number.to_string(),
            channel: meta::RECEIVED,
            client_id: self.client_id.as_deref(),
            ext: Some(Ext { received: Some(received), ..Ext::default() }),
            ..Outgoing::default()
        };
        wire.send(Lane::Command, number, message.json()).map_err(Outcome::Broken)
    }

    fn sweep(&mut self, wire: &Wire) -> Result<(), Outcome> {
        let now = Instant::now();
        self.pending.sweep();
        for number in self.interests.abandoned() {
            self.forget_listener(wire, number).map_err(Outcome::Broken)?;
        }
        for pattern in self.again.due(now) {
            for ask in self.interests.due(Some(&pattern)) {
                self.send_subscribe(wire, ask).map_err(Outcome::Broken)?;
            }
        }
        if wire.is_websocket() && self.tally.as_mut().is_some_and(|tally| tally.is_due(now)) {
            self.send_received(wire)?;
        }
        Ok(())
    }

    /// Ends the session politely.
    async fn part(&mut self, mut wire: Wire) -> Outcome {
        let number = self.pending.number();
        let message = Outgoing {
            id: number.to_string(),
            channel: meta::DISCONNECT,
            client_id: self.client_id.as_deref(),
            ..Outgoing::default()
        };
        if wire.send(Lane::Command, number, message.json()).is_ok() {
            let last_word = async {
                while let Arrival::Batch(batch) = wire.next().await {
                    if batch.iter().any(|message| message.channel == meta::DISCONNECT) {
                        break;
                    }
                }
            };
            // A server that does not answer forgets the session by itself.
            let _ = timeout(FAREWELL, last_word).await;
        }
        Outcome::Over(None)
    }
}
