//! Names of people and of rooms.
//!
//! A value of these types has been checked; nothing else makes one. Names of people are shown to others, so
//! nothing that hides or turns text gets in; names of rooms are parts of channel names and of addresses.

use serde::Serialize;

use crate::limits::Limits;
use crate::refused::Refused;

/// What a person is called in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct MemberName(String);

impl MemberName {
    /// Checks a name; runs of spaces become one.
    pub(crate) fn parse(name: &str, limits: &Limits) -> Result<MemberName, Refused> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let length = name.chars().count();
        if length == 0 || length > limits.name_chars || name.chars().any(is_hidden) {
            return Err(Refused::Name(limits.name_chars));
        }
        Ok(MemberName(name))
    }

    /// The form in which two names of one room have to differ.
    pub(crate) fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl AsRef<str> for MemberName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// What a room is called: lower case letters, digits and single hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct RoomName(String);

impl RoomName {
    /// Checks a name.
    pub(crate) fn parse(name: &str, limits: &Limits) -> Result<RoomName, Refused> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let hyphens = name.starts_with('-') || name.ends_with('-') || name.contains("--");
        if name.is_empty() || name.len() > limits.room_chars || hyphens || !name.bytes().all(plain) {
            return Err(Refused::Room(limits.room_chars));
        }
        Ok(RoomName(name.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character is invisible, or changes how its neighbours are read.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Result<String, Refused> {
        MemberName::parse(name, &Limits::default()).map(|name| name.0)
    }

    #[test]
    fn a_name_is_one_to_24_characters_without_spare_spaces() {
        assert_eq!(member("  Ada \t Lovelace "), Ok("Ada Lovelace".into()));
        assert_eq!(Limits::default().name_chars, 24);
        assert_eq!(member(&"ä".repeat(24)), Ok("ä".repeat(24)));
        assert_eq!(member(&"ä".repeat(25)), Err(Refused::Name(24)));
        assert_eq!(member(" \u{3000} "), Err(Refused::Name(24)));
    }

    #[test]
    fn nothing_that_hides_or_turns_text_is_part_of_a_name() {
        for character in ['\u{0}', '\u{1b}', '\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{e0041}'] {
            assert_eq!(member(&format!("A{character}a")), Err(Refused::Name(24)), "{character:?}");
        }
    }

    #[test]
    fn case_does_not_make_another_name() {
        let folded = |name| MemberName::parse(name, &Limits::default()).unwrap().folded();
        assert_eq!(folded("ÅSA"), folded("åsa"));
    }

    #[test]
    fn a_room_is_named_so_that_it_fits_an_address_and_a_channel() {
        let limits = Limits { room_chars: 8, ..Limits::default() };
        for good in ["lobby", "a", "room-9", "12345678"] {
            assert!(RoomName::parse(good, &limits).is_ok(), "{good}");
        }
        for bad in ["", "Lobby", "a b", "a/b", "*", "-a", "a-", "a--b", "ä", "123456789"] {
            assert_eq!(RoomName::parse(bad, &limits), Err(Refused::Room(8)), "{bad}");
        }
    }
}
