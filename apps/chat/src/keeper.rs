//! The one task that keeps the rooms.
//!
//! Calls of clients and endings of sessions come in through a [`Desk`], from any thread, and are dealt with one
//! after the other: so the news leave in the order in which things happened. The rules are in `rooms`; the time
//! is read here.

use std::time::{SystemTime, UNIX_EPOCH};

use comet::{Call, Client, Code, Publisher, Refusal, Reply};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::limits::Limits;
use crate::refused::Refused;
use crate::rooms::Rooms;

type Answer = Result<Reply, Refusal>;

/// Where calls and endings are handed in. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    calls: mpsc::Sender<(Call, oneshot::Sender<Answer>)>,
    /// Not bounded: there is one for each session, and those are.
    endings: mpsc::UnboundedSender<Client>,
}

/// Keeps the rooms.
pub(crate) struct Keeper {
    rooms: Rooms<Client>,
    calls: mpsc::Receiver<(Call, oneshot::Sender<Answer>)>,
    endings: mpsc::UnboundedReceiver<Client>,
}

/// A desk and the keeper behind it.
pub(crate) fn open(limits: Limits) -> (Desk, Keeper) {
    let (calls, calls_in) = mpsc::channel(limits.waiting_calls);
    let (endings, endings_in) = mpsc::unbounded_channel();
    let rooms = Rooms::new(limits, now_ms());
    (Desk { calls, endings }, Keeper { rooms, calls: calls_in, endings: endings_in })
}

impl Desk {
    /// Hands a call in and waits for its answer. When too many wait already it is refused.
    pub(crate) async fn call(self, call: Call) -> Answer {
        let (sender, answer) = oneshot::channel();
        hand_in(&self.calls, (call, sender))?;
        answer.await.unwrap_or_else(|_| Err(closing()))
    }

    /// Hands in the end of a client's session.
    pub(crate) fn end(&self, client: &Client) {
        // A keeper that is gone has nobody in its rooms.
        let _ = self.endings.send(client.clone());
    }
}

impl Keeper {
    /// Works until the server, and with it every desk, is gone.
    pub(crate) async fn run(mut self, publisher: Publisher) {
        loop {
            let answer = tokio::select! {
                biased;
                Some(client) = self.endings.recv() => {
                    self.rooms.on_end(&client, now_ms());
                    None
                }
                Some((call, sender)) = self.calls.recv() => Some((self.on_call(&call), sender)),
                else => return,
            };
            for news in self.rooms.take_news() {
                // What cannot be published leaves a gap in the numbers, and pages ask for what they miss.
                if let Err(error) = publisher.publish(&news.channel(), &news.event).await {
                    tracing::debug!(%error, "news of the chat are lost");
                }
            }
            if let Some((answer, sender)) = answer {
                // A caller that has given up needs no answer.
                let _ = sender.send(answer);
            }
        }
    }

    fn on_call(&mut self, call: &Call) -> Answer {
        let (client, rooms, now_ms) = (&call.client, &mut self.rooms, now_ms());
        // Its end may have been dealt with before this call; then nobody would ever take it out of a room.
        if client.has_ended() {
            return Err(Refused::NotHere.into());
        }
        match call.channel.as_str() {
            "/service/chat/join" => Reply::json(&rooms.on_join(client, call.data()?, now_ms)?),
            "/service/chat/say" => Reply::json(&rooms.on_say(client, call.data()?, now_ms)?),
            "/service/chat/typing" => {
                rooms.on_typing(client, call.data()?, now_ms)?;
                Ok(Reply::none())
            }
            "/service/chat/leave" => {
                rooms.on_leave(client, now_ms)?;
                Reply::json(&())
            }
            "/service/chat/rooms" => Reply::json(&rooms.on_list(client, now_ms)?),
            _ => Err(Refusal::new(Code::ServiceUnknown, "The chat has no such service.")),
        }
    }
}

/// Hands something in, if there is room for it to wait.
fn hand_in<T>(desk: &mpsc::Sender<T>, wish: T) -> Result<(), Refusal> {
    desk.try_send(wish).map_err(|error| match error {
        TrySendError::Full(_) => Refusal::new(Code::Overloaded, "Too many people are talking."),
        TrySendError::Closed(_) => closing(),
    })
}

fn closing() -> Refusal {
    Refusal::new(Code::Draining, "The chat is closing.")
}

fn now_ms() -> u64 {
    // A clock before 1970 is taken for 1970.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_wait_is_refused_and_can_be_tried_again() {
        let limits = Limits { waiting_calls: 2, ..Limits::default() };
        let (desk, mut keeper) = mpsc::channel(limits.waiting_calls);
        assert_eq!(hand_in(&desk, 1), Ok(()));
        assert_eq!(hand_in(&desk, 2), Ok(()));
        assert_eq!(hand_in(&desk, 3).map_err(|refusal| refusal.code), Err(Code::Overloaded));
        assert_eq!(keeper.try_recv(), Ok(1));
        assert_eq!(hand_in(&desk, 3), Ok(()));
        drop(keeper);
        assert_eq!(hand_in(&desk, 4).map_err(|refusal| refusal.code), Err(Code::Draining));
    }
}
