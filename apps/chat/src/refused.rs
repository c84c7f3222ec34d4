//! Why the rules say no.
//!
//! Each refusal in the words that the person at the other end reads, and with the code of Comet's table that
//! tells the page what to do.

use comet::{Code, Refusal};

/// A no of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("A name has 1 to {0} visible characters.")]
    Name(usize),
    #[error("Somebody here has that name already.")]
    NameTaken,
    #[error("A room is named with up to {0} small letters, digits and hyphens.")]
    Room(usize),
    #[error("The room is full.")]
    RoomFull,
    #[error("There are too many rooms; join one of those.")]
    TooManyRooms,
    #[error("You are not in this room.")]
    NotHere,
    #[error("There is nothing to say.")]
    Silence,
    #[error("A message has at most {0} characters.")]
    Text(usize),
    #[error("A key has 16 to 64 letters and digits.")]
    Key,
    #[error("Not so fast.")]
    TooFast,
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Refusal {
        let code = match refused {
            Refused::NotHere => Code::PublishDenied,
            Refused::TooFast => Code::RateLimited,
            _ => Code::ServiceRefused,
        };
        Refusal::new(code, refused.to_string())
    }
}
