//! Joins and leaves of users, gathered into batches for listeners.
//!
//! What a batch holds, how large it grows and how it is written are decided here; when users come and go is the
//! roster's business. Batches become the data of ordinary events, and folding them in order gives the roster.

use super::{Count, Member, Roster, Seq};

/// The bounds of one batch of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangesLimits {
    /// The most entries, joined and left together; at least one is always taken.
    pub entries: usize,
    /// The most bytes of ids, users and info, before they are escaped; an entry that is longer goes alone.
    pub text_bytes: usize,
}

impl Default for ChangesLimits {
    fn default() -> ChangesLimits {
        ChangesLimits { entries: 256, text_bytes: 64 * 1024 }
    }
}

/// What changed since the batch before. A user is in one of the two lists at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Who came, and who is there already with new info: an entry replaces what was known of the user.
    pub joined: Vec<Member>,
    /// Who is gone. To be applied before `joined`.
    pub left: Vec<Member>,
    /// How many are there now, those included whom a later batch tells of.
    pub count: Count,
}

impl Changes {
    /// How many entries there are.
    pub fn entries(&self) -> usize {
        self.joined.len() + self.left.len()
    }

    /// Writes the data of an event:
    /// `{"joined":[{"id":..,"user":..,"info":..}],"left":[{"id":..,"user":..}],"users":n,"sessions":m}`. An
    /// anonymous user has no `user`, and who says nothing of itself no `info`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"joined\":[");
        write_list(&self.joined, Member::write_json, out);
        out.extend_from_slice(b"],\"left\":[");
        write_list(&self.left, Member::write_name, out);
        out.extend_from_slice(b"],");
        self.count.write_fields(out);
        out.push(b'}');
    }

    /// The same as text, as a publication takes it.
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write_json(&mut out);
        String::from_utf8(out).expect("JSON made of texts is a text")
    }
}

fn write_list(members: &[Member], write: impl Fn(&Member, &mut Vec<u8>), out: &mut Vec<u8>) {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(member, out);
    }
}

impl Roster {
    /// When there is something to tell, in the caller's milliseconds; `None` while there is nothing.
    pub fn due_at(&self) -> Option<u64> {
        self.untold.due()
    }

    /// Whether there is something to tell at `now_ms`: the window of gathering is over, or the clock was set back.
    pub fn is_due(&self, now_ms: u64) -> bool {
        self.untold.is_due(now_ms)
    }

    /// What is due cannot be told now, and is due from `now_ms` on.
    pub fn put_off(&mut self, now_ms: u64) {
        self.untold.on_told(now_ms);
    }

    /// The next batch of changes, if one is due. What does not fit is due at once.
    ///
    /// Departures come first: nobody is announced while listeners believe in somebody who is gone. So listeners
    /// never believe in more users than were there at once, and no more departures than that can wait.
    pub fn take_changes(&mut self, now_ms: u64, limits: &ChangesLimits) -> Option<Changes> {
        if !self.is_due(now_ms) {
            return None;
        }
        let mut room = Room { entries: limits.entries, text_bytes: limits.text_bytes, taken: false };
        let mut left = Vec::new();
        while let Some(first) = self.untold.departed.first_entry() {
            if !room.take(first.get()) {
                break;
            }
            let (seq, member) = first.remove_entry();
            self.users.remove(&member, seq);
            left.push(member);
        }
        let mut joined = Vec::new();
        if self.untold.fresh > 0 {
            for (seq, present) in self.members.range(Seq(self.untold.announced)..) {
                if !room.take(&present.member) {
                    break;
                }
                joined.push(present.member.clone());
                self.untold.announced = seq.0 + 1;
                self.untold.fresh -= 1;
            }
        }
        while let Some(first) = self.untold.renewed.first_entry() {
            let present = self.members.get(first.key()).expect("only who is there has new info");
            if !room.take(&present.member) {
                break;
            }
            first.remove();
            joined.push(present.member.clone());
        }
        self.untold.on_told(now_ms);
        Some(Changes { joined, left, count: self.count() })
    }
}

/// What still fits into a batch.
struct Room {
    entries: usize,
    text_bytes: usize,
    taken: bool,
}

impl Room {
    /// Whether one more fits, which is then taken; the first always fits. After one that does not, nothing does:
    /// a short join must not overtake a long departure.
    fn take(&mut self, member: &Member) -> bool {
        let bytes = member.text_bytes();
        if self.taken && (self.entries == 0 || self.text_bytes < bytes) {
            self.entries = 0;
            return false;
        }
        self.taken = true;
        self.entries = self.entries.saturating_sub(1);
        self.text_bytes = self.text_bytes.saturating_sub(bytes);
        true
    }
}
