//! What the caller has to do after a message.
//!
//! The effects a session can ask for stand here; they are made in the other files of this room and carried out by the
//! caller. Every step but `Received`
//! holds exactly one reply, or a connect that becomes one.

use serde_json::value::RawValue;

use super::connect::{Connect, Ticket};
use crate::channel::Channel;
use crate::code::Code;
use crate::deliver::DeliverRequest;
use crate::pattern::Pattern;
use crate::reply::Reply;
use crate::since::SinceRequest;

/// The effect of one message.
#[derive(Debug)]
pub enum Step {
    /// Send the reply; nothing else is to be done.
    Reply(Reply),
    /// Ask the policy about every pattern, then subscribe to all of them and send the reply; or to none and send
    /// `reply.deny(..)`. Patterns are valid, distinct and of broadcast kind.
    Subscribe {
        /// What to subscribe to.
        patterns: Vec<Pattern>,
        /// What is asked of the past.
        since: Option<SinceRequest>,
        /// In which manner messages are to come; `None` leaves it as it is.
        deliver: Option<DeliverRequest>,
        /// Extension fields of the request.
        ext: Option<Box<RawValue>>,
        /// The reply when all is well.
        reply: Reply,
    },
    /// Take the subscriptions away, known or not, and send the reply.
    Unsubscribe {
        /// What to unsubscribe from.
        patterns: Vec<Pattern>,
        /// The reply.
        reply: Reply,
    },
    /// Ask the policy, publish, and send the reply.
    Publish {
        /// A broadcast channel.
        channel: Channel,
        /// The payload as raw JSON.
        data: Box<RawValue>,
        /// Extension fields that travel with the publication.
        ext: Option<Box<RawValue>>,
        /// What makes the publication one and the same when it comes again: 1 to 64 bytes.
        key: Option<Box<str>>,
        /// Which older message of its channel it stands for, where those give way to newer ones: up to 64 bytes.
        conflate: Option<Box<str>>,
        /// Whether the session gets its own publication.
        echo: bool,
        /// The age at which it loses its meaning, in milliseconds, above 0.
        expires_ms: Option<u64>,
        /// Whether the session wants to hear how many have received it: see [`crate::event::write_receipt`].
        receipt: bool,
        /// The acknowledgement.
        reply: Reply,
    },
    /// Ask the policy, call the service, and send the reply. The service's own answer is an event: see
    /// [`crate::event::write_answer`].
    Call {
        /// A service channel.
        channel: Channel,
        /// The payload as raw JSON.
        data: Box<RawValue>,
        /// Extension fields of the call.
        ext: Option<Box<RawValue>>,
        /// The id of the call, for the answer.
        id: Option<Box<RawValue>>,
        /// The acknowledgement.
        reply: Reply,
    },
    /// Answer the connect now or hold it.
    Connect(Connect),
    /// The client has said what it received: nothing is to be done, and there is no reply.
    Received,
    /// The session has ended with this connect: end the older one as that of [`Connect::superseded`], send the reply, then
    /// close the wires for the reason given.
    End {
        /// Why: `resume_failed` when what the client has not received is no longer kept, or `session_inactive`.
        code: Code,
        /// The refusal of the connect.
        reply: Reply,
        /// An older connect that was held until now.
        superseded: Option<Ticket>,
    },
    /// The session has ended: answer the held connect first, then send the reply, then close the wires.
    Disconnect {
        /// The reply to the disconnect.
        reply: Reply,
        /// The held connect and its answer.
        held: Option<(Ticket, Reply)>,
    },
}
