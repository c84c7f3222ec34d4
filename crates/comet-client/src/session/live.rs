//! A session on a wire: the connect loop, commands out, answers and events in.
//!
//! Everything that happens is one event of one loop; a message is looked at once and goes to the caller or
//! the mailbox it is for.

use std::time::Duration;

use bayeux::{Pattern, meta};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::interest::Settled;
use super::pace::{Beat, Pace};
use super::{Command, Outcome, Session, Waiting, stopped};
use crate::message::{Incoming, Outgoing, Reconnect, Wish};
use crate::wire::{Arrival, Lane, Wire};
use crate::{Error, Event};

/// How often requests and subscriptions that nobody waits for are forgotten, and refused ones asked for again.
const SWEEP: Duration = Duration::from_secs(1);
/// How long an ending session waits for the server's last word.
const FAREWELL: Duration = Duration::from_secs(2);
/// The error number of a server that does not know the session.
const SESSION_UNKNOWN: u16 = 402;

impl Session {
    /// Runs on a wire until it is lost or all is over.
    pub(super) async fn live(&mut self, mut wire: Wire) -> Outcome {
        let mut pace = Pace::begin();
        let mut fresh = true;
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.again.clear();
        // What was confirmed on an older wire may be a session ago; to say it twice does no harm.
        for pattern in self.interests.patterns() {
            if let Err(error) = self.send_subscribe(&wire, pattern) {
                return Outcome::Broken(error);
            }
        }
        loop {
            let stop = self.stop.clone();
            let step = tokio::select! {
                arrival = wire.next() => self.on_arrival(arrival, &mut pace),
                command = self.commands.recv(), if self.pending.has_room() => match command {
                    Some(command) => self.on_command(command, &wire),
                    None => return self.part(wire).await,
                },
                beat = pace.beat() => match beat {
                    Beat::Connect => self.send_connect(&wire, &mut pace, std::mem::take(&mut fresh)),
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

    fn on_arrival(&mut self, arrival: Arrival, pace: &mut Pace) -> Result<(), Outcome> {
        match arrival {
            Arrival::Batch(batch) => batch.into_iter().try_for_each(|message| self.on_message(message, pace)),
            Arrival::Unanswered { requests, error } => {
                for number in requests {
                    match self.pending.take(number) {
                        Some(Waiting::Subscribe(pattern)) => self.settle(pattern, Err(error.clone())),
                        Some(waiting) => waiting.fail(error.clone()),
                        None => {}
                    }
                }
                Ok(())
            }
            Arrival::Lost(error) => Err(Outcome::Broken(error)),
        }
    }

    fn on_message(&mut self, message: Incoming, pace: &mut Pace) -> Result<(), Outcome> {
        if let Some(fields) = &message.advice {
            self.advice.follow(fields);
        }
        match message.channel.as_str() {
            meta::CONNECT => self.on_connected(&message, pace),
            // An answer comes only to a session that ends itself; anything else is the server's farewell.
            meta::DISCONNECT => match self.advice.reconnect {
                Reconnect::Never => Err(Outcome::Over(Some(reason(&message)))),
                _ => Err(Outcome::Forgotten),
            },
            _ if message.data.is_some() => {
                self.on_event(message);
                Ok(())
            }
            _ => self.on_reply(&message),
        }
    }

    fn on_connected(&mut self, reply: &Incoming, pace: &mut Pace) -> Result<(), Outcome> {
        if reply.successful == Some(true) {
            self.backoff.reset();
        }
        match self.advice.reconnect {
            Reconnect::Retry => {
                pace.on_answered(self.advice.interval);
                Ok(())
            }
            Reconnect::Handshake => Err(Outcome::Forgotten),
            Reconnect::Never => Err(Outcome::Over(Some(reason(reply)))),
        }
    }

    /// A message with data: the answer to a call, or an event.
    fn on_event(&mut self, message: Incoming) {
        let number = message.request();
        if let Some(number) = number
            && matches!(self.pending.find(number), Some(Waiting::Call(_)))
            && let Some(Waiting::Call(answer)) = self.pending.take(number)
        {
            let refused = message.successful == Some(false);
            let data = message.data.filter(|_| !refused);
            // Who gave up waiting is told nothing.
            let _ = answer.send(data.ok_or_else(|| Error::refused(message.error.as_deref())));
            return;
        }
        let Some(data) = &message.data else { return };
        self.interests.deliver(&message.channel, |channel| Event {
            channel,
            data: data.clone(),
            ext: message.ext.clone(),
        });
    }

    /// A message without data: whether a request was accepted.
    fn on_reply(&mut self, reply: &Incoming) -> Result<(), Outcome> {
        let Some(number) = reply.request() else { return Ok(()) };
        let accepted = reply.successful == Some(true);
        // A call that was accepted goes on waiting for its answer.
        if accepted && matches!(self.pending.find(number), Some(Waiting::Call(_))) {
            return Ok(());
        }
        let outcome = if accepted { Ok(()) } else { Err(Error::refused(reply.error.as_deref())) };
        let forgotten = matches!(outcome, Err(Error::Refused { code: SESSION_UNKNOWN, .. }));
        match self.pending.take(number) {
            // Not the subscription was refused, but the session; the next one asks again.
            Some(Waiting::Subscribe(_)) if forgotten => {}
            Some(Waiting::Subscribe(pattern)) => self.settle(pattern, outcome),
            Some(Waiting::Publish(answer)) => drop(answer.send(outcome)),
            Some(waiting) => waiting.fail(outcome.err().unwrap_or(Error::Ended)),
            None => {}
        }
        if forgotten { Err(Outcome::Forgotten) } else { Ok(()) }
    }

    /// A subscription was confirmed or refused. One that was confirmed before and is refused for now is kept.
    fn settle(&mut self, pattern: Pattern, outcome: Result<(), Error>) {
        match self.interests.settle(&pattern, outcome) {
            Settled::AskAgain => self.again.on_refused(pattern, Instant::now()),
            Settled::Done => self.again.forget(&pattern),
        }
    }

    fn on_command(&mut self, command: Command, wire: &Wire) -> Result<(), Outcome> {
        let sent = match command {
            Command::Publish { channel, data, answer } => {
                let message =
                    Outgoing { channel: channel.as_str(), data: Some(&data), ..Outgoing::default() };
                self.request(wire, message, Waiting::Publish(answer))
            }
            Command::Call { channel, data, answer } => {
                let message =
                    Outgoing { channel: channel.as_str(), data: Some(&data), ..Outgoing::default() };
                self.request(wire, message, Waiting::Call(answer))
            }
            Command::Subscribe { number, pattern, mailbox, answer } => {
                match self.interests.add(number, pattern.clone(), mailbox, answer) {
                    true => self.send_subscribe(wire, pattern),
                    false => Ok(()),
                }
            }
            Command::Unsubscribe { number } => self.forget(wire, number),
        };
        sent.map_err(Outcome::Broken)
    }

    fn send_subscribe(&mut self, wire: &Wire, pattern: Pattern) -> Result<(), Error> {
        let name = pattern.as_str().to_owned();
        let message = Outgoing { channel: meta::SUBSCRIBE, subscription: Some(&name), ..Outgoing::default() };
        self.request(wire, message, Waiting::Subscribe(pattern))
    }

    fn forget(&mut self, wire: &Wire, number: u64) -> Result<(), Error> {
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

    fn send_connect(&mut self, wire: &Wire, pace: &mut Pace, at_once: bool) -> Result<(), Outcome> {
        let number = self.pending.number();
        let message = Outgoing {
            id: number.to_string(),
            channel: meta::CONNECT,
            client_id: self.client_id.as_deref(),
            connection_type: Some(wire.connection_type()),
            // The first answer on a wire shows that it works; only later ones are held.
            advice: at_once.then_some(Wish { timeout: 0 }),
            ..Outgoing::default()
        };
        let held = if at_once { Duration::ZERO } else { self.advice.timeout };
        pace.on_sent(held + self.options.network_delay);
        wire.send(Lane::Connect, number, message.json()).map_err(Outcome::Broken)
    }

    fn sweep(&mut self, wire: &Wire) -> Result<(), Outcome> {
        self.pending.sweep();
        for number in self.interests.abandoned() {
            self.forget(wire, number).map_err(Outcome::Broken)?;
        }
        for pattern in self.again.due(Instant::now()) {
            self.send_subscribe(wire, pattern).map_err(Outcome::Broken)?;
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

/// Why the server ends a session.
fn reason(message: &Incoming) -> Error {
    message.error.as_deref().map_or(Error::Ended, |error| Error::refused(Some(error)))
}
