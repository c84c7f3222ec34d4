//! Every bound of the application, in count, bytes and time.
//!
//! One struct, one field a bound. The rules read it; nothing else decides how much is too much.

/// The bounds of one chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rooms that are remembered at the same time, empty ones included.
    pub rooms: usize,
    /// People in one room.
    pub members_per_room: usize,
    /// Characters of a person's name.
    pub name_chars: usize,
    /// Characters of a room's name.
    pub room_chars: usize,
    /// Characters of one message.
    pub text_chars: usize,
    /// Messages a room remembers for those who come.
    pub recent_messages: usize,
    /// Bytes of text a room remembers for those who come.
    pub recent_bytes: usize,
    /// Messages of a room by which one that is sent again is recognised.
    pub known_keys: usize,
    /// What one client may ask for at once; joining costs two, the others one.
    pub burst: u32,
    /// How much of it comes back in a second.
    pub calls_per_second: u32,
    /// Calls that wait for their turn.
    pub waiting_calls: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            rooms: 200,
            members_per_room: 500,
            name_chars: 24,
            room_chars: 32,
            text_chars: 2_000,
            recent_messages: 50,
            recent_bytes: 128 << 10,
            known_keys: 500,
            burst: 40,
            calls_per_second: 20,
            waiting_calls: 1_024,
        }
    }
}
