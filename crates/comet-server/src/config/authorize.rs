//! Who may publish, listen and create, by pattern: the section `[authorize]` and its tables.
//!
//! The words of the file become rules of the library here; `[authorize]` itself speaks for every channel, a table
//! `[authorize."/chat/**"]` for the channels of its pattern. What comes of several rules is the library's business.

use comet::{Operation, Pattern, Rule, Whom};

use super::text::texts;
use super::value::Value;

/// The word of a key that says nothing.
const UNSAID: &str = "unsaid";
/// The word that denies an operation to all.
const NOBODY: &str = "nobody";
/// The pattern of all channels.
const ALL: &str = "/**";

/// What the sections say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Authorize {
    /// For every channel.
    pub(super) all: Words,
    /// For the channels of a pattern.
    pub(super) rules: Vec<(Pattern, Words)>,
}

/// What one section says.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    /// To whom an operation is granted.
    granted: Vec<(Operation, Vec<String>)>,
    /// To whom it is denied.
    denied: Vec<(Operation, Vec<String>)>,
}

impl Authorize {
    /// The rules, each with its pattern.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&str, Rule)> {
        let all = std::iter::once((ALL, &self.all));
        let each = all.chain(self.rules.iter().map(|(pattern, words)| (pattern.as_str(), words)));
        each.map(|(pattern, words)| (pattern, words.rule())).filter(|(_, rule)| !rule.is_empty())
    }
}

impl Words {
    fn rule(&self) -> Rule {
        let whom = |texts: &[String]| texts.iter().filter_map(|text| Whom::parse(text)).collect::<Vec<_>>();
        let mut rule = Rule::default();
        for (operation, texts) in &self.granted {
            rule = if texts.iter().any(|text| text == NOBODY) {
                rule.deny(*operation, [Whom::Everyone])
            } else {
                rule.grant(*operation, whom(texts))
            };
        }
        self.denied.iter().fold(rule, |rule, (operation, texts)| rule.deny(*operation, whom(texts)))
    }

    pub(super) fn granted(&self, operation: Operation) -> Value {
        Value::List(of(&self.granted, operation).unwrap_or_else(|| vec![UNSAID.into()]))
    }

    pub(super) fn denied(&self, operation: Operation) -> Value {
        Value::List(of(&self.denied, operation).unwrap_or_default())
    }

    pub(super) fn grant(&mut self, operation: Operation, value: Value) -> Result<(), String> {
        let texts = texts(value)?;
        let alone = texts.iter().find(|text| [UNSAID, NOBODY].contains(&text.as_str()));
        if let (Some(word), true) = (alone, texts.len() > 1) {
            return Err(format!("has {word:?} beside others"));
        }
        if alone.is_none() {
            check(&texts)?;
        }
        self.granted.retain(|(known, _)| *known != operation);
        if alone.is_none_or(|word| word != UNSAID) {
            self.granted.push((operation, texts));
        }
        Ok(())
    }

    pub(super) fn deny(&mut self, operation: Operation, value: Value) -> Result<(), String> {
        let texts = texts(value)?;
        check(&texts)?;
        self.denied.retain(|(known, _)| *known != operation);
        if !texts.is_empty() {
            self.denied.push((operation, texts));
        }
        Ok(())
    }
}

fn check(texts: &[String]) -> Result<(), String> {
    match texts.iter().find(|text| Whom::parse(text).is_none()) {
        None => Ok(()),
        Some(bad) => Err(format!(
            "has {bad:?}, which is none of \"everyone\", \"authenticated\", \"owner\", \"subject:alice\", \"subject:staff-*\""
        )),
    }
}

fn of(all: &[(Operation, Vec<String>)], operation: Operation) -> Option<Vec<String>> {
    all.iter().find(|(known, _)| *known == operation).map(|(_, texts)| texts.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Value {
        Value::List(texts.iter().map(|text| text.to_string()).collect())
    }

    #[test]
    fn nobody_is_denied_to_all_and_an_empty_list_only_grants_nothing() {
        let mut words = Words::default();
        assert!(words.rule().is_empty());
        words.grant(Operation::Publish, list(&["nobody"])).unwrap();
        words.grant(Operation::Subscribe, list(&[])).unwrap();
        let rule = words.rule();
        assert_eq!(rule.denied(Operation::Publish), [Whom::Everyone]);
        assert!(rule.denied(Operation::Subscribe).is_empty() && !rule.is_empty());
        words.grant(Operation::Publish, list(&["unsaid"])).unwrap();
        assert!(words.rule().denied(Operation::Publish).is_empty());
    }

    #[test]
    fn a_word_that_names_nobody_is_refused() {
        let mut words = Words::default();
        for bad in [&["alice"][..], &["subject:"], &["nobody", "everyone"], &["unsaid", "owner"]] {
            assert!(words.grant(Operation::Publish, list(bad)).is_err(), "{bad:?}");
        }
        for bad in ["nobody", "unsaid", "*"] {
            assert!(words.deny(Operation::Publish, list(&[bad])).is_err(), "{bad}");
        }
    }
}
