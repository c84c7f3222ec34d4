//! The number of a stay: in which order users came to a roster.
//!
//! Every table of a roster is keyed by it, and it is never used twice within a home. In the crate's own tests it
//! counts how often two of them are compared, which is the work of the ordered tables.

/// Numbers the stays of users on the rosters of one home, ascending.
#[cfg_attr(not(test), derive(PartialOrd, Ord))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seq(pub(super) u64);

#[cfg(test)]
thread_local! {
    pub(super) static COMPARED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
impl Ord for Seq {
    fn cmp(&self, other: &Seq) -> std::cmp::Ordering {
        COMPARED.set(COMPARED.get() + 1);
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
impl PartialOrd for Seq {
    fn partial_cmp(&self, other: &Seq) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
