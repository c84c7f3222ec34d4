//! What a shard counts.
//!
//! One writer each, the shard itself, so a count is a plain load and store; any thread may read. Nothing
//! here is labelled by channel, session or address. The program's metrics page is made from [`Snapshot`]s.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bayeux::Code;

/// A count with one writer.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// The counts of one shard.
        pub(crate) struct Counters {
            $(pub(crate) $name: Count,)+
            endings: Vec<Count>,
        }

        impl Default for Counters {
            fn default() -> Counters {
                let endings = std::iter::repeat_with(Count::default).take(Code::ALL.len()).collect();
                Counters { $($name: Count::default(),)+ endings }
            }
        }

        /// The counts of all shards at one moment, added up.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Snapshot {
            $($(#[doc = $doc])+ pub $name: u64,)+
            /// Refusals, drops and endings by code, those that happened.
            pub endings: Vec<(Code, u64)>,
        }

        impl Snapshot {
            /// Adds the counts of one shard.
            pub(crate) fn add(&mut self, counters: &Counters) {
                $(self.$name += counters.$name.read();)+
                for (code, count) in Code::ALL.iter().zip(&counters.endings) {
                    let n = count.read();
                    match self.endings.iter_mut().find(|(known, _)| known == code) {
                        Some((_, sum)) => *sum += n,
                        None if n > 0 => self.endings.push((*code, n)),
                        None => {}
                    }
                }
            }

            /// The plain counts by name, for a metrics page.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc,)+).trim_start(), self.$name),)+].into_iter()
            }
        }
    };
}

counters! {
    /// Connections that are open now on a shard.
    connections_open,
    /// Connections accepted.
    connections_accepted,
    /// WebSockets opened.
    websockets_opened,
    /// One-way streams opened.
    streams_opened,
    /// XMLSockets opened over plain TCP.
    xml_sockets_opened,
    /// Players of Flash told who may connect.
    policies_told,
    /// Sessions alive now.
    sessions_open,
    /// Sessions made by a handshake.
    sessions_made,
    /// Requests that carried a batch.
    requests,
    /// Bayeux messages received.
    messages_received,
    /// Messages accepted on a channel, counted at its home.
    publications,
    /// Publications handed to sessions.
    deliveries,
    /// Times a session fell behind because its queue was full.
    sessions_behind,
    /// Publications not queued for sessions that had fallen behind, to be read from the history later.
    messages_withheld,
    /// Publications of these that the history did not have any more.
    messages_lost,
    /// Publications that gave way, where the oldest do, or where too many keys wait.
    messages_dropped,
    /// Publications that gave way to newer ones with their keys.
    messages_conflated,
    /// Messages that were no picture to show, once for each image element that did not show it.
    images_skipped,
    /// Publications that sessions did not get because they had expired while they waited.
    messages_expired,
    /// Sessions on channels with presence, those included whose leaving is still to be told.
    presence_sessions,
    /// Joins and leaves told.
    presence_changes,
    /// Bytes handed to the system for sending.
    sent_bytes,
    /// Sends that did not take everything at once.
    sends_short,
    /// Connections moved to the shard of their session.
    connections_moved,
    /// Connections handed to the control runtime.
    connections_handed_over,
    /// Held connects.
    connects_held,
    /// Channels counted at their home.
    channels,
    /// Messages that are numbered and wait for the journal.
    publications_waiting,
    /// Shards whose journal has failed: their durable channels take nothing.
    journal_failed,
    /// Entries that the journal has carried out.
    journal_entries,
    /// Groups of entries that the journal has written.
    journal_groups,
    /// Groups for which the journal waited for the device.
    journal_syncs,
    /// Entries that wait for the journal now.
    journal_waiting,
}

impl Counters {
    /// Counts an ending, refusal or drop.
    pub(crate) fn ending(&self, code: Code) {
        if let Some(at) = Code::ALL.iter().position(|known| *known == code) {
            self.endings[at].add(1);
        }
    }
}
