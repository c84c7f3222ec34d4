//! What people say.
//!
//! A [`Text`] has been cleaned and measured. It is plain text: the page shows it as such, and nothing here looks
//! for meaning in it.

use serde::Serialize;

use crate::limits::Limits;
use crate::name::is_hidden;
use crate::refused::Refused;

/// The text of one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Text(String);

impl Text {
    /// Takes away what cannot be seen at the end and what no text needs; line breaks and tabs stay.
    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Text, Refused> {
        let kept = |character: &char| {
            matches!(character, '\n' | '\t') || joins(*character) || !is_hidden(*character)
        };
        let text: String = text.chars().filter(kept).collect();
        let text = text.trim_end().trim_start_matches('\n');
        if text.trim_matches(|character: char| character.is_whitespace() || joins(character)).is_empty() {
            return Err(Refused::Silence);
        }
        if text.chars().count() > limits.text_chars {
            return Err(Refused::Text(limits.text_chars));
        }
        Ok(Text(text.into()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The joiners that some scripts and many emoji are written with, and the tags of a few flags.
fn joins(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<String, Refused> {
        let limits = Limits { text_chars: 10, ..Limits::default() };
        Text::parse(text, &limits).map(|text| text.0)
    }

    #[test]
    fn lines_and_indents_stay_and_the_end_is_cut() {
        assert_eq!(text("\n  a\r\n\tb \n "), Ok("  a\n\tb".into()));
    }

    #[test]
    fn joined_emoji_stay_whole_and_turned_text_does_not_stay_turned() {
        assert_eq!(text("👩\u{200d}🚀"), Ok("👩\u{200d}🚀".into()));
        assert_eq!(text("a\u{202e}b\u{0}"), Ok("ab".into()));
    }

    #[test]
    fn silence_is_not_said() {
        for silence in ["", " \n\t", "\u{200b}", "\u{200d}\u{200c} "] {
            assert_eq!(text(silence), Err(Refused::Silence), "{silence:?}");
        }
    }

    #[test]
    fn the_length_is_counted_in_characters() {
        assert!(text(&"ä".repeat(10)).is_ok());
        assert_eq!(text(&"ä".repeat(11)), Err(Refused::Text(10)));
    }
}
