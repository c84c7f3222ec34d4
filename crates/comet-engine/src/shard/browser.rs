//! Browsers: the cookie by which several sessions of one browser are known as such.
//!
//! A browser allows few connections to a host, so only so many of its sessions may hold a poll at a time. The
//! cookie names the shard on which all of them live; it is no secret and gives no right. Who holds a poll is
//! looked up, never counted, so that no path can miscount.

use std::ptr;
use std::rc::Rc;

use bayeux::Carrier;

use crate::browser::{Browser, ByCookie};
use crate::client_id::random_bytes;
use crate::connection::{Answering, Protocol};
use crate::exchange::Exchange;
use crate::key::SessionKey;

use super::Shard;

/// The name that clients of other servers already know.
pub(super) const COOKIE: &str = "BAYEUX_BROWSER";
const COOKIE_CHARACTERS: usize = 34;
/// Sessions of one browser; a cookie that more of them claim counts as none.
const SESSIONS: usize = 64;

/// The shard that a cookie names, if it is one of ours.
pub(super) fn shard_of_cookie(cookie: &str, shards: usize) -> Option<usize> {
    let ours = cookie.len() == COOKIE_CHARACTERS && cookie.bytes().all(|byte| byte.is_ascii_hexdigit());
    let shard = ours.then(|| usize::from_str_radix(&cookie[..2], 16).ok()).flatten()?;
    (shard < shards).then_some(shard)
}

impl Shard {
    /// Whether as many other sessions of the same browser as may hold a poll or a stream over HTTP now.
    pub(super) fn other_polls_of_browser(&self, session: SessionKey) -> bool {
        let Some(seat) = self.sessions.get(session.slot as usize) else { return false };
        let Some(browser) = &seat.browser else { return false };
        let holds = |slot: &&u32| {
            **slot != session.slot
                && self.sessions.get(**slot as usize).is_some_and(|other| match other.attached {
                    None => other.session.held_ticket().is_some(),
                    Some(wire) => self.is_stream(wire),
                })
        };
        let most = self.config.limits.polls_per_browser;
        browser.slots.borrow().iter().filter(holds).take(most).count() == most
    }

    /// A session whose cookie was never sent back is one of the browser that this cookie names.
    pub(super) fn rebind_browser(&mut self, key: SessionKey, cookie: &str) {
        let browser = self.join_browser(cookie, key.slot);
        let Some(seat) = self.seat(key) else { return };
        seat.cookie_proven = true;
        if let Some(before) = seat.browser.replace(browser) {
            self.leave_browser(&before, key);
        }
    }

    /// A session becomes one of the browser of this cookie, as long as that has not too many.
    pub(super) fn join_browser(&mut self, cookie: &str, slot: u32) -> Rc<Browser> {
        let browser = match self.browsers.get(cookie) {
            Some(ByCookie(known)) => known.clone(),
            None => {
                let new = Rc::new(Browser::new(cookie));
                self.browsers.insert(ByCookie(new.clone()));
                new
            }
        };
        let mut slots = browser.slots.borrow_mut();
        if slots.len() < SESSIONS {
            slots.push(slot);
        }
        drop(slots);
        browser
    }

    /// A session is no more one of this browser.
    pub(super) fn leave_browser(&mut self, browser: &Browser, key: SessionKey) {
        let mut slots = browser.slots.borrow_mut();
        slots.retain(|slot| *slot != key.slot);
        let known = self.browsers.get(browser.cookie());
        if slots.is_empty() && known.is_some_and(|ByCookie(known)| ptr::eq(&**known, browser)) {
            self.browsers.remove(browser.cookie());
        }
    }

    /// The cookie of a new session: the one it has come with, or a new one that the answer tells of.
    pub(super) fn cookie_for(&mut self, exchange: &Exchange) -> Option<Box<str>> {
        if exchange.carrier == Carrier::WebSocket || exchange.feed.is_some() {
            return None;
        }
        if let Some(cookie) = &exchange.cookie
            && shard_of_cookie(cookie, self.peers.len()) == Some(self.index)
        {
            let full = |known: &ByCookie| known.0.slots.borrow().len() >= SESSIONS;
            return (!self.browsers.get(&**cookie).is_some_and(full)).then(|| (**cookie).into());
        }
        let cookie = format!("{:02x}{:032x}", self.index, u128::from_be_bytes(random_bytes()));
        let field = format!("{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax");
        let connection = self.connection(exchange.connection)?;
        let Protocol::Answering(Answering { special, .. }) = &mut connection.protocol else { return None };
        if special.as_ref().is_some_and(|special| special.callback.is_some()) {
            // A script's answer sets no cookie, so the client could never show it.
            return None;
        }
        special.get_or_insert_default().cookie = Some(field.into());
        Some(cookie.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_names_its_shard_or_nothing() {
        let cookie = format!("03{:032x}", 7);
        assert_eq!(shard_of_cookie(&cookie, 4), Some(3));
        assert_eq!(shard_of_cookie(&cookie, 3), None);
        for foreign in ["", "3", "zz", "0abc", &"é".repeat(17), &"x".repeat(34)] {
            assert_eq!(shard_of_cookie(foreign, 4), None, "{foreign}");
        }
    }
}
