//! CometD's timesync extension: how a client measures the lag of its wire and the offset of its clock.
//!
//! What a client sends in `ext.timesync` of a meta message is read here, and what the reply says is written here. The
//! times of arrival and of leaving come from the caller; a held connect keeps its request until it is answered.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Millis;
use crate::json::write::Object;

/// Who measures this well, in milliseconds, needs no answer.
const GOOD_ENOUGH_MS: f64 = 25.0;

/// What a client said of its clock, and when that came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeSync {
    /// The client's clock when it sent the message, in unix milliseconds.
    client_ms: f64,
    /// The lag of its wire and the offset of the server's clock, as it has measured them; `None` of old clients.
    measured: Option<(f64, f64)>,
    /// The monotonic time of arrival.
    arrived: Millis,
}

#[derive(Deserialize)]
struct Ext<'a> {
    #[serde(borrow)]
    timesync: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Fields {
    tc: f64,
    l: Option<f64>,
    o: Option<f64>,
}

impl TimeSync {
    /// Reads the `ext` of a message. What cannot be understood is passed over, as if it had not been sent.
    pub(crate) fn read(ext: Option<&RawValue>) -> Option<Box<TimeSync>> {
        let ext = ext.filter(|ext| ext.get().contains("timesync"))?;
        let fields = serde_json::from_str::<Ext<'_>>(ext.get()).ok()?.timesync?;
        let Fields { tc, l, o } =
            fields.get().starts_with('{').then(|| serde_json::from_str(fields.get()).ok())??;
        let measured = l.map(|lag| (lag, o.unwrap_or(0.0)));
        Some(Box::new(TimeSync { client_ms: tc, measured, arrived: 0 }))
    }

    /// Notes the monotonic time at which the message came.
    pub fn on_arrival(&mut self, now: Millis) {
        self.arrived = now;
    }

    /// What the reply says that leaves at the monotonic time `now`, which is `unix_ms` on the wall: `tc` as it came, `ts`
    /// the time of arrival, `p` how long the message lay here and `a` how far the client's measure was off. A client whose
    /// measure is good enough is not answered.
    pub(crate) fn answer(&self, now: Millis, unix_ms: u64) -> Option<String> {
        let lay_ms = now.saturating_sub(self.arrived);
        let arrived_ms = unix_ms.saturating_sub(lay_ms);
        let off_ms = self.measured.map(|(lag, offset)| self.client_ms + offset + lag - arrived_ms as f64);
        let first = self.measured.is_some_and(|(lag, _)| lag == 0.0);
        if !first && off_ms.is_some_and(|off_ms| off_ms.abs() < GOOD_ENOUGH_MS) {
            return None;
        }
        let mut out = Vec::new();
        let mut object = Object::open(&mut out);
        // The casts saturate.
        object.raw("tc", &(self.client_ms as i64).to_string());
        object.number("ts", arrived_ms);
        object.number("p", lay_ms);
        if let Some(off_ms) = off_ms {
            object.raw("a", &(off_ms as i64).to_string());
        }
        object.close();
        String::from_utf8(out).ok()
    }
}
