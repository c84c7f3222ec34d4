//! A browser as a shard knows it: a cookie, and the sessions that came with it.
//!
//! Each session leads to its browser, because each poll asks for the others; who comes with a cookie finds the
//! browser in a set. What a browser may do is decided in `shard::browser`.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use smallvec::SmallVec;

/// The sessions of one cookie.
pub(crate) struct Browser {
    cookie: Box<str>,
    /// Where its sessions live in the shard.
    pub(crate) slots: RefCell<SmallVec<[u32; 2]>>,
}

impl Browser {
    /// One that no session has come from yet.
    pub(crate) fn new(cookie: &str) -> Browser {
        Browser { cookie: cookie.into(), slots: RefCell::default() }
    }

    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }
}

/// A browser in the set of those that are known, found by its cookie.
pub(crate) struct ByCookie(pub(crate) Rc<Browser>);

impl Borrow<str> for ByCookie {
    fn borrow(&self) -> &str {
        &self.0.cookie
    }
}

impl Hash for ByCookie {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.cookie.hash(state);
    }
}

impl PartialEq for ByCookie {
    fn eq(&self, other: &ByCookie) -> bool {
        self.0.cookie == other.0.cookie
    }
}

impl Eq for ByCookie {}
