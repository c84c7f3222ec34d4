//! Subscriptions that were refused for now, and when to ask for them again.
//!
//! Times only: what a refusal means is decided by the session, who listens is known to the interests. One
//! entry a pattern, at most as many as there are interests.

use std::collections::HashMap;

use bayeux::Pattern;
use tokio::time::Instant;

use super::backoff::Backoff;

/// One pattern's failures, and when it is due.
#[derive(Default)]
struct Turn {
    backoff: Backoff,
    /// `None` while an answer is awaited.
    due: Option<Instant>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Again {
    turns: HashMap<Pattern, Turn>,
}

impl Again {
    /// The pattern was refused for now; it is due after a pause that grows.
    pub(super) fn on_refused(&mut self, pattern: Pattern, now: Instant) {
        let turn = self.turns.entry(pattern).or_default();
        turn.due = Some(now + turn.backoff.next(now));
    }

    /// The pattern was confirmed, refused for good, or is wanted by nobody any more.
    pub(super) fn forget(&mut self, pattern: &Pattern) {
        self.turns.remove(pattern);
    }

    /// A new wire asks for everything anyway.
    pub(super) fn clear(&mut self) {
        self.turns.clear();
    }

    /// Takes the patterns that are due.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Pattern> {
        let due = self.turns.iter_mut().filter(|(_, turn)| turn.due.is_some_and(|due| due <= now));
        due.map(|(pattern, turn)| {
            turn.due = None;
            pattern.clone()
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_refused_pattern_is_due_once_a_refusal() {
        let (mut again, now) = (Again::default(), Instant::now());
        let later = now + Duration::from_secs(60);
        let pattern = Pattern::parse("/a").unwrap();
        again.on_refused(pattern.clone(), now);
        assert_eq!(again.due(later), std::slice::from_ref(&pattern));
        assert!(again.due(later).is_empty());
        again.on_refused(pattern.clone(), now);
        assert_eq!(again.due(later), std::slice::from_ref(&pattern));
        again.on_refused(pattern.clone(), now);
        again.forget(&pattern);
        assert!(again.due(later).is_empty());
    }
}
