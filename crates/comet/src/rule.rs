//! Who may do what, in words.
//!
//! A [`Rule`] is an authorizer without code, for configurations and for the usual cases: it grants operations to
//! some and denies them to others, by who they are. Which rules are asked and what comes of their votes is
//! `authorizer`'s.

use bayeux::Pattern;
use comet_engine::Identity;

use crate::{Operation, Vote};

/// Whom a rule means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// All clients.
    Everyone,
    /// Clients whose subject the policy knows.
    Authenticated,
    /// Clients of this subject; with a star at its end, of all subjects that begin so.
    Subject(String),
    /// The client whose subject is the first segment below the rule's pattern: at `/user/**`, alice of
    /// `/user/alice/notes`.
    Owner,
}

impl Whom {
    /// Reads `everyone`, `authenticated`, `owner`, `subject:alice` or `subject:staff-*`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Whom> {
        match (text, text.strip_prefix("subject:")) {
            ("everyone", _) => Some(Whom::Everyone),
            ("authenticated", _) => Some(Whom::Authenticated),
            ("owner", _) => Some(Whom::Owner),
            (_, Some(subject)) if !subject.is_empty() => Some(Whom::Subject(subject.into())),
            _ => None,
        }
    }

    fn is(&self, identity: &Identity, own: &Pattern, wanted: &Pattern) -> bool {
        let subject = identity.subject.as_str();
        match self {
            Whom::Everyone => true,
            Whom::Authenticated => !subject.is_empty(),
            Whom::Subject(named) => match named.strip_suffix('*') {
                Some(beginning) => !subject.is_empty() && subject.starts_with(beginning),
                None => subject == named,
            },
            Whom::Owner => {
                let parent = own.as_str().trim_end_matches('*');
                let segment = wanted.as_str().strip_prefix(parent).and_then(|below| below.split('/').next());
                !subject.is_empty() && !subject.contains('*') && segment == Some(subject)
            }
        }
    }
}

impl std::fmt::Display for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Whom::Everyone => f.write_str("everyone"),
            Whom::Authenticated => f.write_str("authenticated"),
            Whom::Subject(subject) => write!(f, "subject:{subject}"),
            Whom::Owner => f.write_str("owner"),
        }
    }
}

/// Grants and denies operations by who a client is. On an operation it does not name it has no say.
///
/// ```
/// use comet::{Operation, Rule, Whom};
///
/// let staff = Whom::parse("subject:staff-*").ok_or("these are the words")?;
/// let rule = Rule::default()
///     .grant(Operation::Subscribe, [Whom::Everyone])
///     .grant(Operation::Publish, [staff])
///     .deny(Operation::Publish, [Whom::Subject("staff-trainee".into())]);
/// let builder = comet::Comet::builder().authorize("/news/**", rule);
/// # Ok::<_, &str>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    granted: Vec<(Operation, Vec<Whom>)>,
    denied: Vec<(Operation, Vec<Whom>)>,
}

impl Rule {
    /// Grants an operation to these. To all others it is not granted by this rule, but may be by another.
    #[must_use]
    pub fn grant(mut self, operation: Operation, to: impl IntoIterator<Item = Whom>) -> Rule {
        add(&mut self.granted, operation, to);
        self
    }

    /// Denies an operation to these, whatever other rules grant.
    #[must_use]
    pub fn deny(mut self, operation: Operation, to: impl IntoIterator<Item = Whom>) -> Rule {
        add(&mut self.denied, operation, to);
        self
    }

    /// To whom an operation is granted.
    pub fn granted(&self, operation: Operation) -> &[Whom] {
        of(&self.granted, operation).unwrap_or_default()
    }

    /// To whom an operation is denied.
    pub fn denied(&self, operation: Operation) -> &[Whom] {
        of(&self.denied, operation).unwrap_or_default()
    }

    /// Whether it has a say on any operation.
    pub fn is_empty(&self) -> bool {
        self.granted.is_empty() && self.denied.is_empty()
    }

    pub(crate) fn is_for(&self, operation: Operation) -> bool {
        of(&self.granted, operation).is_some() || of(&self.denied, operation).is_some()
    }

    /// What the rule of the pattern `own` says when the client wants `wanted`.
    pub(crate) fn vote(&self, who: &Identity, operation: Operation, own: &Pattern, wanted: &Pattern) -> Vote {
        let means = |whom: &Whom| whom.is(who, own, wanted);
        if self.denied(operation).iter().any(means) {
            Vote::Deny("denied".into())
        } else if self.granted(operation).iter().any(means) {
            Vote::Grant
        } else {
            Vote::Ignore
        }
    }
}

fn add(all: &mut Vec<(Operation, Vec<Whom>)>, operation: Operation, whom: impl IntoIterator<Item = Whom>) {
    match all.iter_mut().find(|(known, _)| *known == operation) {
        Some((_, known)) => known.extend(whom),
        None => all.push((operation, whom.into_iter().collect())),
    }
}

fn of(all: &[(Operation, Vec<Whom>)], operation: Operation) -> Option<&[Whom]> {
    all.iter().find(|(known, _)| *known == operation).map(|(_, whom)| &**whom)
}
