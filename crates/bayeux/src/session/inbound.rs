//! The rules for one message of a client.
//!
//! Here a message is checked in order (readable, of this session, to a place there is) and becomes a [`Step`]. Connects,
//! subscriptions and publications have files of their own; who may do what is asked by the caller.

use super::context::BatchContext;
use super::outbound::Delivery;
use super::publish::on_publish;
use super::step::Step;
use super::{Session, Settings};
use crate::Millis;
use crate::channel::Channel;
use crate::code::Code;
use crate::error::Error;
use crate::message::Message;
use crate::meta;
use crate::name::NameError;
use crate::reply::Reply;

impl<D: Delivery> Session<D> {
    /// Applies the rules to one message of a batch. Messages are given in the order of the batch, and each step is
    /// carried out before the next message is given.
    pub fn on_message(
        &mut self,
        message: Message,
        context: BatchContext<'_>,
        settings: &Settings,
        now: Millis,
    ) -> Step {
        if let Err(error) = self.admit(&message) {
            return Step::Reply(settings.refuse(&message, error));
        }
        self.on_contact(settings, now);
        self.on_activity(&message, now);
        match message.channel.as_deref().unwrap_or_default() {
            meta::CONNECT => self.on_connect(message, context, settings, now),
            meta::SUBSCRIBE => self.on_subscribe(message, context, settings),
            meta::UNSUBSCRIBE => self.on_unsubscribe(message, settings),
            meta::DISCONNECT => self.on_disconnect(message, settings),
            meta::RECEIVED => self.on_received(&message, context),
            name => match Channel::parse(name) {
                Ok(channel) => on_publish(message, channel),
                Err(error) => Step::Reply(Reply::refuse(&message, channel_error(name, error))),
            },
        }
    }

    fn admit(&self, message: &Message) -> Result<(), Code> {
        if let Some(code) = message.invalid {
            return Err(code);
        }
        match message.channel.as_deref() {
            None => Err(Code::ChannelMissing),
            Some(meta::HANDSHAKE) => Err(Code::HandshakeMisplaced),
            Some(_) if self.ended || message.client_id.as_deref() != Some(&self.client_id) => {
                Err(Code::SessionUnknown)
            }
            Some(_) => Ok(()),
        }
    }

    fn on_disconnect(&mut self, message: Message, settings: &Settings) -> Step {
        let held = self.end(Code::Disconnected, settings);
        Step::Disconnect { reply: Reply::accept(&message), held }
    }
}

fn channel_error(name: &str, error: NameError) -> Error {
    let code = match error {
        NameError::MisplacedWildcard => Code::ChannelWildcard,
        NameError::Reserved => Code::MetaUnknown,
        _ => Code::ChannelInvalid,
    };
    Error::new(code, name)
}
