//! Who may do what, pattern by pattern.
//!
//! An authorizer stands at a channel or pattern and votes on the operations it is for; here the votes of all that
//! are concerned become one verdict. What they vote is the application's own, or that of a `Rule`; they are asked
//! beside the policy, and both have to agree.

use std::pin::Pin;
use std::sync::Arc;

use bayeux::{Channel, Kind, Pattern};
use comet_engine::Handle;
use serde_json::value::RawValue;

use crate::{Client, Denied, Rule};

/// What a client wants to do with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Publish on a channel, or listen to it by its own name, when it is not there yet: nothing was published on it
    /// lately, and nobody listens to it.
    Create,
    /// Publish on a channel, or call a service.
    Publish,
    /// Listen to a channel or a pattern.
    Subscribe,
}

/// What an authorizer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vote {
    /// It may, unless another denies it.
    Grant,
    /// It may not, whatever others say. The words are for the client's developer.
    Deny(String),
    /// That is for others to say.
    Ignore,
}

/// What an authorizer votes on.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who wants to.
    pub client: Client,
    /// What it wants to do.
    pub operation: Operation,
    /// Where: a channel, or the pattern of a subscription. A pattern may be wider than the authorizer's own: who
    /// grants it there grants only its own part, which does not suffice.
    pub pattern: Pattern,
    /// What it wants to publish, raw JSON.
    pub data: Option<Box<RawValue>>,
}

type Voting = Pin<Box<dyn Future<Output = Vote> + Send>>;

/// The authorizers of one server.
#[derive(Default)]
pub(crate) struct Authorizers {
    entries: Vec<Entry>,
}

struct Entry {
    pattern: Pattern,
    judge: Judge,
}

enum Judge {
    Rule(Rule),
    Code { operations: Vec<Operation>, vote: Arc<dyn Fn(Wish) -> Voting + Send + Sync> },
}

impl Judge {
    fn is_for(&self, operation: Operation) -> bool {
        match self {
            Judge::Rule(rule) => rule.is_for(operation),
            Judge::Code { operations, .. } => operations.contains(&operation),
        }
    }
}

impl Authorizers {
    pub(crate) fn add_rule(&mut self, pattern: Pattern, rule: Rule) {
        self.entries.push(Entry { pattern, judge: Judge::Rule(rule) });
    }

    pub(crate) fn add<V, F>(&mut self, pattern: Pattern, operations: Vec<Operation>, vote: V)
    where
        V: Fn(Wish) -> F + Send + Sync + 'static,
        F: Future<Output = Vote> + Send + 'static,
    {
        let vote = Arc::new(move |wish| Box::pin(vote(wish)) as Voting);
        self.entries.push(Entry { pattern, judge: Judge::Code { operations, vote } });
    }

    /// Whether anybody has a say at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Asks everyone who is concerned, also whether the channel may be created if it is not there.
    pub(crate) async fn admit(
        &self,
        client: &Client,
        operation: Operation,
        pattern: &Pattern,
        data: Option<&RawValue>,
        handle: &Handle,
    ) -> Result<(), Denied> {
        self.poll(client, operation, pattern, data).await?;
        let Ok(channel) = Channel::parse(pattern.as_str()) else { return Ok(()) };
        let creates =
            channel.kind() == Kind::Broadcast && self.concerned(Operation::Create, pattern).count() > 0;
        // A server that is gone has no channel to create, and lets nobody publish.
        if !creates || handle.exists(channel).await.unwrap_or(true) {
            return Ok(());
        }
        self.poll(client, Operation::Create, pattern, data).await
    }

    /// One grant and no denial let it pass; so does it when nobody is concerned.
    async fn poll(
        &self,
        client: &Client,
        operation: Operation,
        pattern: &Pattern,
        data: Option<&RawValue>,
    ) -> Result<(), Denied> {
        let (mut asked, mut granted) = (false, false);
        for entry in self.concerned(operation, pattern) {
            asked = true;
            let vote = match &entry.judge {
                Judge::Rule(rule) => rule.vote(client.identity(), operation, &entry.pattern, pattern),
                Judge::Code { vote, .. } => {
                    let (client, pattern) = (client.clone(), pattern.clone());
                    vote(Wish { client, operation, pattern, data: data.map(RawValue::to_owned) }).await
                }
            };
            match vote {
                Vote::Deny(reason) => return Err(Denied::because(reason)),
                Vote::Grant => granted |= entry.pattern.covers(pattern),
                Vote::Ignore => {}
            }
        }
        if granted || !asked { Ok(()) } else { Err(Denied::because(nobody_grants(operation))) }
    }

    /// Those that have a say on a part of the pattern at least.
    fn concerned(&self, operation: Operation, pattern: &Pattern) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.judge.is_for(operation) && entry.pattern.overlaps(pattern))
    }
}

fn nobody_grants(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "the channel is not there, and creating it is not granted",
        Operation::Publish | Operation::Subscribe => "not granted",
    }
}
