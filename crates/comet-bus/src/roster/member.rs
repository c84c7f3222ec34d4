//! One user on one channel, as others see it.
//!
//! The three texts of a member and how they are written as JSON live here; which sessions stand behind it does
//! not. The texts come from the session that joins, bounded by the caller, and go out in pages and changes.

use std::fmt;
use std::sync::Arc;

/// A user on a channel: an id that is no secret, the user's name if it has one, and what it says about itself.
///
/// All texts share one allocation, so that a crowd stays small and a clone costs a reference.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    text: Arc<str>,
    id_end: u32,
    user_end: u32,
}

impl Member {
    /// A member as a session introduces it. `id` is the public id of that session; `user` is the subject it is
    /// signed in as, `None` or empty for an anonymous one; `info` is raw JSON without line breaks, `None` or
    /// empty for nothing.
    ///
    /// # Panics
    /// When the texts together reach 4 GiB; what a wire lets in is bounded far below.
    pub fn new(id: &str, user: Option<&str>, info: Option<&str>) -> Member {
        let (user, info) = (user.unwrap_or_default(), info.unwrap_or_default());
        let text: Arc<str> = [id, user, info].concat().into();
        u32::try_from(text.len()).expect("the wire bounds the texts of a member");
        Member { text, id_end: id.len() as u32, user_end: (id.len() + user.len()) as u32 }
    }

    /// The same user with other info.
    pub(super) fn with_info(&self, info: Option<&str>) -> Member {
        if self.info() == info { self.clone() } else { Member::new(self.id(), self.user(), info) }
    }

    /// The public id of the session that brought the user in. It stays while the user stays, also when that
    /// session leaves before the user's others.
    pub fn id(&self) -> &str {
        &self.text[..self.id_end as usize]
    }

    /// The subject, unless the user is anonymous.
    pub fn user(&self) -> Option<&str> {
        Some(&self.text[self.id_end as usize..self.user_end as usize]).filter(|user| !user.is_empty())
    }

    /// What the user says about itself: raw JSON.
    pub fn info(&self) -> Option<&str> {
        Some(&self.text[self.user_end as usize..]).filter(|info| !info.is_empty())
    }

    /// What makes the user the same user: whether it has a name, and the name or else the id.
    pub(super) fn key(&self) -> (bool, &str) {
        self.user().map_or_else(|| (false, self.id()), |user| (true, user))
    }

    /// The length of all texts in bytes, before any escaping.
    pub(super) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Writes `{"id":..[,"user":..][,"info":..]}`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        self.write(self.info(), out);
    }

    /// Writes `{"id":..[,"user":..]}`: who it was.
    pub(super) fn write_name(&self, out: &mut Vec<u8>) {
        self.write(None, out);
    }

    fn write(&self, info: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        write_text(self.id(), out);
        if let Some(user) = self.user() {
            out.extend_from_slice(b",\"user\":");
            write_text(user, out);
        }
        if let Some(info) = info {
            out.extend_from_slice(b",\"info\":");
            out.extend_from_slice(info.as_bytes());
        }
        out.push(b'}');
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({:?}, {:?}, {:?})", self.id(), self.user(), self.info())
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("text can always be written to memory");
}
