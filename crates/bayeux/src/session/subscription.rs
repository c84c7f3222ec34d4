//! Subscribe and unsubscribe.
//!
//! The names of one message are judged here, all before the first takes effect; the lists of who listens to what are
//! the bus's, and whether a person may listen is the policy's. Names come in as text and leave as patterns.

use super::context::BatchContext;
use super::outbound::Delivery;
use super::step::Step;
use super::{Session, Settings};
use crate::code::Code;
use crate::deliver;
use crate::error::Error;
use crate::message::{Message, Subscription};
use crate::name::{Kind, NameError};
use crate::pattern::Pattern;
use crate::reply::Reply;
use crate::since;

impl<D: Delivery> Session<D> {
    pub(super) fn on_subscribe(
        &mut self,
        message: Message,
        context: BatchContext<'_>,
        settings: &Settings,
    ) -> Step {
        let patterns = match read(&message, settings) {
            Ok(patterns) => patterns,
            Err(error) => return Step::Reply(Reply::refuse(&message, error)),
        };
        let added = patterns.iter().filter(|pattern| !(context.is_subscribed)(pattern.as_str())).count();
        if added > settings.subscriptions.saturating_sub(context.subscriptions) {
            return Step::Reply(Reply::refuse(&message, Code::SubscriptionsTooMany));
        }
        let since = match since::read(message.ext.as_deref(), &patterns) {
            Ok(since) => since,
            Err(error) => return Step::Reply(Reply::refuse(&message, error)),
        };
        // Some clients of Salesforce ask for replay only here.
        self.rendering.replay_ids |= since::asks_replay(message.ext.as_deref());
        let deliver = match deliver::read(message.ext.as_deref()) {
            Ok(deliver) => deliver,
            Err(error) => return Step::Reply(Reply::refuse(&message, error)),
        };
        let reply = Reply::accept(&message);
        if patterns.is_empty() {
            Step::Reply(reply)
        } else {
            Step::Subscribe { patterns, since, deliver, ext: message.ext, reply }
        }
    }

    pub(super) fn on_unsubscribe(&mut self, message: Message, settings: &Settings) -> Step {
        match read(&message, settings) {
            Ok(patterns) if patterns.is_empty() => Step::Reply(Reply::accept(&message)),
            Ok(patterns) => Step::Unsubscribe { patterns, reply: Reply::accept(&message) },
            Err(error) => Step::Reply(Reply::refuse(&message, error)),
        }
    }
}

/// The broadcast patterns of a message, each once. Service names are accepted and mean nothing: clients of other
/// servers subscribe to them before a call.
fn read(message: &Message, settings: &Settings) -> Result<Vec<Pattern>, Error> {
    let names = message.subscription.as_ref().map(Subscription::names).unwrap_or_default();
    if names.is_empty() {
        return Err(Code::SubscriptionMissing.into());
    }
    if names.len() > settings.subscription_names_per_message {
        return Err(Code::SubscriptionsTooMany.into());
    }
    let mut patterns: Vec<Pattern> = Vec::with_capacity(names.len());
    for name in names {
        let pattern = Pattern::parse(name).map_err(|error| Error::new(name_code(error), name))?;
        match pattern.kind() {
            Kind::Meta => return Err(Error::new(Code::SubscribeDenied, name)),
            Kind::Service => {}
            Kind::Broadcast if patterns.contains(&pattern) => {}
            Kind::Broadcast => patterns.push(pattern),
        }
    }
    Ok(patterns)
}

fn name_code(error: NameError) -> Code {
    match error {
        NameError::Reserved => Code::SubscribeDenied,
        NameError::MisplacedWildcard => Code::ChannelInvalid,
        _ => Code::SubscriptionInvalid,
    }
}
