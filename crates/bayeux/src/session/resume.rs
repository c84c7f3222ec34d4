//! What a client says it has received.
//!
//! Two manners of saying it are read here: the count of a client that counts, and the batch of CometD's ack extension.
//! It comes with connects and with `/meta/received`; what is confirmed leaves the store in `retained`, and what was lost
//! on the way goes back to the front of the queue.

use serde_json::value::RawValue;

use super::context::{BatchContext, Carrier};
use super::outbound::Delivery;
use super::retained::{Batches, Manner, Resumed};
use super::step::Step;
use super::{Session, Settings};
use crate::code::Code;
use crate::error::Error;
use crate::message::Message;
use crate::reply::Reply;

/// The fields of `ext` that are read here.
#[derive(Default, serde::Deserialize)]
struct Ext<'a> {
    #[serde(borrow)]
    received: Option<&'a RawValue>,
    #[serde(borrow)]
    ack: Option<&'a RawValue>,
}

impl<D> Session<D> {
    /// Whether the client counts what it receives: it asked for that with `ext.received` in its handshake.
    pub fn counts(&self) -> bool {
        self.retained.as_ref().is_some_and(|retained| matches!(retained.manner, Manner::Count(_)))
    }

    /// Whether the client acknowledges connect replies: it asked for that with `ext.ack` in its handshake.
    pub fn acknowledges(&self) -> bool {
        self.retained.as_ref().is_some_and(|retained| matches!(retained.manner, Manner::Batch(_)))
    }

    /// Whether the client says in any manner what it has received.
    pub fn confirms(&self) -> bool {
        self.retained.is_some()
    }

    /// How many deliveries have left for a client that confirms, those not counted that will leave once more.
    pub fn sent(&self) -> Option<u64> {
        self.retained.as_ref().map(|retained| retained.sent())
    }

    /// How many deliveries the client has confirmed, if it does.
    pub(super) fn confirmed(&self) -> Option<u64> {
        self.retained.as_ref().map(|retained| retained.confirmed())
    }

    /// How many deliveries have left and are kept until the client confirms them.
    pub fn unconfirmed(&self) -> usize {
        self.retained.as_ref().map_or(0, |retained| retained.len())
    }

    /// How many bytes are kept until the client confirms them.
    pub fn unconfirmed_bytes(&self) -> usize {
        self.retained.as_ref().map_or(0, |retained| retained.bytes())
    }

    /// The deliveries that leave with the reply to the newest connect are taken: in a session that acknowledges, the
    /// reply gets its number. Call it for every connect reply that may carry deliveries, after [`Session::take`].
    pub fn number_reply(&mut self, reply: &mut Reply) {
        let Some(retained) = &mut self.retained else { return };
        let sent = retained.sent();
        if let Manner::Batch(batches) = &mut retained.manner
            && batches.named
        {
            reply.ext.ack(batches.close(sent));
        }
    }

    /// Whether deliveries may leave on the attached wire: a client that confirms has to say its count on it first.
    pub(super) fn resumed_here(&self) -> bool {
        self.retained.as_ref().is_none_or(|retained| match &retained.manner {
            Manner::Count(resumed) => *resumed == Resumed::Attached,
            Manner::Batch(_) => false,
        })
    }

    /// Whether deliveries may leave with connect replies: a client that confirms has to say with its connect what it has.
    /// Without that, what was lost would stay behind what is new.
    pub(super) fn resumed_somewhere(&self) -> bool {
        self.retained.as_ref().is_none_or(|retained| match &retained.manner {
            Manner::Count(resumed) => *resumed != Resumed::Nowhere,
            Manner::Batch(batches) => batches.named,
        })
    }

    /// The attached wire is another one: what was said on the older does not hold for it.
    pub(super) fn await_count(&mut self) {
        if let Some(retained) = &mut self.retained
            && let Manner::Count(resumed @ Resumed::Attached) = &mut retained.manner
        {
            *resumed = Resumed::Nowhere;
        }
    }
}

impl<D: Delivery> Session<D> {
    /// A connect came: forgets what it confirms, and queues again what it says was lost. `streams` says that its answer
    /// is a wire of its own.
    ///
    /// # Errors
    ///
    /// `message_invalid` when it confirms what was never sent, and `resume_failed` when what was lost is no longer kept.
    pub(super) fn on_confirmation(
        &mut self,
        message: &Message,
        carrier: Carrier,
        streams: bool,
        settings: &Settings,
    ) -> Result<(), Error> {
        let Some(retained) = &mut self.retained else { return Ok(()) };
        retained.bound(settings);
        match &mut retained.manner {
            Manner::Count(_) => self.on_count(count_of(message)?, carrier, streams),
            Manner::Batch(batches) => {
                let batch = batch_of(message);
                batches.named = batch.is_some();
                batch.map_or(Ok(()), |batch| self.on_batch(batch))
            }
        }
    }

    fn on_count(&mut self, received: Option<u64>, carrier: Carrier, streams: bool) -> Result<(), Error> {
        let Some(retained) = &mut self.retained else { return Ok(()) };
        let socket = carrier == Carrier::WebSocket;
        let here = if socket || streams { Resumed::Attached } else { Resumed::Http };
        let new_wire = !socket || !matches!(retained.manner, Manner::Count(Resumed::Attached));
        let Some(received) = received else {
            if new_wire {
                retained.manner = Manner::Count(Resumed::Nowhere);
            }
            return Ok(());
        };
        if received > retained.sent() + self.mailbox.again() as u64 {
            return Err(beyond());
        }
        if !new_wire {
            retained.confirm(received, &mut self.mailbox);
        } else if retained.reaches(received) {
            retained.manner = Manner::Count(here);
            retained.confirm(received, &mut self.mailbox);
            retained.requeue(&mut self.mailbox);
        } else {
            return Err(Code::ResumeFailed.into());
        }
        Ok(())
    }

    /// The stream is opened for which the last connect got a ticket. Without a count the client has everything that was
    /// sent to it, with the answer to that connect and before; with one it has lost a stream since. When it succeeds, the
    /// stream is attached.
    ///
    /// # Errors
    ///
    /// `message_invalid` when it confirms what was never sent, and `resume_failed` when what was lost is no longer kept.
    pub fn resume_stream(&mut self, received: Option<u64>, settings: &Settings) -> Result<(), Error> {
        let Some(retained) = &mut self.retained else { return Ok(()) };
        retained.bound(settings);
        let Manner::Count(resumed) = &mut retained.manner else { return Ok(()) };
        let received = match received {
            None if *resumed != Resumed::Http => {
                *resumed = Resumed::Nowhere;
                return Ok(());
            }
            None => retained.sent(),
            Some(received) if received > retained.sent() + self.mailbox.again() as u64 => {
                return Err(beyond());
            }
            Some(received) if !retained.reaches(received) => return Err(Code::ResumeFailed.into()),
            Some(received) => received,
        };
        // Nothing is forgotten for it: a connect of the client that is still on its way may know of less.
        retained.manner = Manner::Count(Resumed::Attached);
        retained.go_on_behind(received, &mut self.mailbox);
        Ok(())
    }

    fn on_batch(&mut self, batch: u64) -> Result<(), Error> {
        let Some(retained) = &mut self.retained else { return Ok(()) };
        let confirmed = retained.confirmed();
        let Manner::Batch(batches) = &mut retained.manner else { return Ok(()) };
        if batch > batches.last {
            return Err(Error::new(Code::MessageInvalid, "ext.ack names a reply that was never sent"));
        }
        let received = batches.sent_with(batch).unwrap_or(confirmed).max(confirmed);
        if !retained.reaches(received) {
            return Err(Code::ResumeFailed.into());
        }
        retained.confirm(received, &mut self.mailbox);
        retained.requeue(&mut self.mailbox);
        Ok(())
    }

    /// `/meta/received`: a client that counts says its count between two connects.
    pub(super) fn on_received(&mut self, message: &Message, context: BatchContext<'_>) -> Step {
        let Some(retained) = self.retained.as_mut().filter(|kept| matches!(kept.manner, Manner::Count(_)))
        else {
            let name = message.channel.as_deref().unwrap_or_default();
            return Step::Reply(Reply::refuse(message, Error::new(Code::MetaUnknown, name)));
        };
        let received = count_of(message).and_then(|count| {
            count.ok_or_else(|| Error::new(Code::MessageInvalid, "ext.received is missing"))
        });
        match received {
            Ok(received) if received <= retained.sent() + self.mailbox.again() as u64 => {
                retained.confirm(received, &mut self.mailbox);
                match context.carrier {
                    Carrier::WebSocket => Step::Received,
                    // A response without any message would look like a fault of the server.
                    Carrier::Http { .. } => Step::Reply(Reply::accept(message)),
                }
            }
            Ok(_) => Step::Reply(Reply::refuse(message, beyond())),
            Err(error) => Step::Reply(Reply::refuse(message, error)),
        }
    }
}

impl Manner {
    /// How the client of this handshake wants to confirm what it receives, if it does.
    pub(super) fn of(message: &Message) -> Option<Manner> {
        let ext = read(message).ok()?;
        let says = |field: Option<&RawValue>| field.is_some_and(|value| value.get() == "true");
        if says(ext.received) {
            Some(Manner::Count(Resumed::Nowhere))
        } else {
            says(ext.ack).then(|| Manner::Batch(Batches::default()))
        }
    }
}

fn read(message: &Message) -> Result<Ext<'_>, Error> {
    let Some(ext) = &message.ext else { return Ok(Ext::default()) };
    serde_json::from_str(ext.get()).map_err(|_| Error::new(Code::MessageInvalid, "ext gives a field twice"))
}

fn count_of(message: &Message) -> Result<Option<u64>, Error> {
    let Some(count) = read(message)?.received else { return Ok(None) };
    serde_json::from_str(count.get())
        .map(Some)
        .map_err(|_| Error::new(Code::MessageInvalid, "ext.received is no count"))
}

/// The batch a connect names. Clients of CometD that have switched the extension off send no number, or one below 0.
fn batch_of(message: &Message) -> Option<u64> {
    let batch: i64 = serde_json::from_str(read(message).ok()?.ack?.get()).ok()?;
    u64::try_from(batch).ok()
}

fn beyond() -> Error {
    Error::new(Code::MessageInvalid, "ext.received is more than was sent")
}
