//! The inbox: letters from other shards, the host and the control runtime.
//!
//! A bounded number is taken each turn, so that sockets and timers get theirs. Every kind of letter has its
//! own room; here it is only handed there.

use crate::delivery::Delivery;
use crate::inbox::Letter;

use super::Shard;

/// Letters taken in one turn.
const LETTERS_PER_TURN: usize = 4_096;
/// Channels and messages that a home looks at for those who come back before others get their turn.
const RECOVERY_WORK_PER_TURN: usize = 10_000;

impl Shard {
    pub(super) fn on_letters(&mut self) {
        self.inbox.listen();
        self.learn_interest();
        let mut work = 0;
        for _ in 0..LETTERS_PER_TURN {
            if work >= RECOVERY_WORK_PER_TURN {
                break;
            }
            let Some(letter) = self.inbox.take() else {
                self.letters_left = false;
                return;
            };
            match letter {
                Letter::Publish { publish, answer } => self.on_publish(publish, answer),
                Letter::Publication(publication) => self.hand_out(&publication),
                Letter::Published { exchange, reply, outcome } => self.on_published(exchange, reply, outcome),
                Letter::Kept { group, refusals } => self.on_kept(group, refusals),
                Letter::Exists { channel, answer } => {
                    self.learn_interest();
                    // Whoever asked may have stopped waiting.
                    let _ = answer.send(self.home.knows(&channel));
                }
                Letter::Recover(recover) => {
                    let shard = recover.shard;
                    let (recovery, visits) = self.recover(*recover);
                    work += visits + recovery.messages();
                    if shard == self.index {
                        self.on_recovered(recovery);
                    } else {
                        self.peers[shard].post(Letter::Recovered(Box::new(recovery)));
                    }
                }
                Letter::Recovered(recovery) => self.on_recovered(*recovery),
                Letter::CatchUp(question) => {
                    let shard = question.shard;
                    let answer = self.read_on(*question);
                    self.peers[shard].post(Letter::CaughtUp(Box::new(answer)));
                }
                Letter::CaughtUp(answer) => self.on_caught_up(*answer),
                Letter::Arrival(arrival) => {
                    let shard = arrival.shard;
                    let arrived = self.on_arrival(*arrival);
                    self.peers[shard].post(Letter::Arrived(arrived));
                }
                Letter::Arrived(arrived) => self.on_arrived(arrived),
                Letter::Departure(departure) => self.on_departure(&departure),
                Letter::Roster(question) => self.on_roster_question(*question),
                Letter::Past(question) => work += self.on_past_question(*question),
                Letter::Receipt(report) => self.on_report(report),
                Letter::Ruling { exchange, ruling } => self.on_ruling(exchange, ruling),
                Letter::Deliver { session, event } => {
                    if self.seat(session).is_some() {
                        self.push(session, Delivery::direct(event));
                    }
                }
                Letter::Local(ask) => self.on_local(*ask),
                Letter::End { session, code } => self.end_session(session, code),
                Letter::Moved(moved) => self.on_moved(*moved),
                Letter::Drain(order) => self.on_drain(order),
                Letter::Stop => self.stopped = true,
            }
        }
        // More may wait, and the poll was told of it already: come back at once.
        self.letters_left = true;
    }
}
