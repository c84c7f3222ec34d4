//! The extension fields of a reply.
//!
//! Several parts add to one reply: the session counts, the home of a channel tells positions, the engine tells the time.
//! Each adds its own field here, once, and the fields leave as one JSON object behind everything else in the reply.

use crate::deliver::Deliver;
use crate::json::write::Object;

/// Extension fields, in the order they were added. Without any there is no `ext`, and nothing is allocated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyExt {
    /// An object without its closing brace; empty when there is no field.
    text: Vec<u8>,
}

impl ReplyExt {
    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// `ack: true` in a handshake reply: connect replies carry the number of their batch.
    pub fn acknowledges(&mut self) {
        self.object().truth("ack", true);
    }

    /// `ack: <batch>` in a connect reply.
    pub fn ack(&mut self, batch: u64) {
        self.object().number("ack", batch);
    }

    /// `received: true` in a handshake reply: what is sent is kept until the client has counted it.
    pub fn received(&mut self) {
        self.object().truth("received", true);
    }

    /// `replay: true` in a handshake reply: subscriptions may ask for events by their ids.
    pub fn replay(&mut self) {
        self.object().truth("replay", true);
    }

    /// `position: {"epoch":..,"offset":..}` in a publish reply.
    pub fn position(&mut self, epoch: &str, offset: u64) {
        write_position(self.object().key("position"), epoch, offset);
    }

    /// `durability: ".."` in a publish reply: where the publication is kept.
    pub fn durability(&mut self, durability: &str) {
        self.object().text("durability", durability);
    }

    /// `recovered: true` in a subscribe reply: what was asked for of the past comes, without a gap.
    pub fn recovered(&mut self) {
        self.object().truth("recovered", true);
    }

    /// `recovered: false` and `gaps` in a subscribe reply: channels of which something is missing, each with the head
    /// from which live messages follow, as epoch and offset.
    pub fn gaps<'a>(&mut self, heads: impl IntoIterator<Item = (&'a str, &'a str, u64)>) {
        let mut object = self.object();
        object.truth("recovered", false);
        let mut gaps = Object::open(object.key("gaps"));
        for (channel, epoch, offset) in heads {
            write_position(gaps.key(channel), epoch, offset);
        }
        gaps.close();
    }

    /// `cached: {"/price/gold":true}` in a subscribe reply: of which channels that keep their newest message it comes, and
    /// of which there was none.
    pub fn cached<'a>(&mut self, channels: impl IntoIterator<Item = (&'a str, bool)>) {
        let mut object = self.object();
        let mut cached = Object::open(object.key("cached"));
        channels.into_iter().for_each(|(channel, comes)| cached.truth(channel, comes));
        cached.close();
    }

    /// `deliver: ..` in a subscribe reply: the manner in which messages come from now on; of several subscriptions, by
    /// their names.
    pub fn deliver(&mut self, manners: &[(&str, Deliver)]) {
        let mut object = self.object();
        let out = object.key("deliver");
        if let [(_, only)] = manners {
            return only.write(out);
        }
        let mut named = Object::open(out);
        manners.iter().for_each(|(name, deliver)| deliver.write(named.key(name)));
        named.close();
    }

    /// `time: <unix ms>`: everything older on the client's channels has been sent.
    pub fn time_ms(&mut self, time_ms: u64) {
        self.object().number("time", time_ms);
    }

    /// A field whose value is already JSON.
    pub fn raw(&mut self, name: &str, json: &str) {
        self.object().raw(name, json);
    }

    /// Writes the fields as a JSON object.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.text.is_empty() { b"{" } else { &self.text });
        out.push(b'}');
    }

    fn object(&mut self) -> Object<'_> {
        Object::reopen(&mut self.text)
    }
}

fn write_position(out: &mut Vec<u8>, epoch: &str, offset: u64) {
    let mut object = Object::open(out);
    object.text("epoch", epoch);
    object.number("offset", offset);
    object.close();
}
