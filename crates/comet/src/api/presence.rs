//! `/api/presence`: how many are on a channel, and who.

use bayeux::{Channel, Code};
use comet_engine::Cursor;
use serde::Deserialize;

use super::{Api, Refused};
use crate::rosters::RosterError;

/// Members of a page of which nothing else was said.
const PAGE_MEMBERS: usize = 100;

/// Who is there?
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    channel: String,
    /// Members at most; 0 for the counts alone.
    #[serde(default)]
    limit: Option<usize>,
    /// The `next` of the page before.
    #[serde(default)]
    after: Option<String>,
}

impl Api {
    pub(super) async fn presence(&self, question: Question) -> Result<String, Refused> {
        let Question { channel, limit, after } = question;
        let after = match after.as_deref().map(Cursor::parse) {
            Some(None) => return Err(Refused(Code::MessageInvalid, "after is no next of a page".into())),
            after => after.flatten(),
        };
        let page = self.rosters.page(&channel, after, limit.unwrap_or(PAGE_MEMBERS)).await;
        let page = page.map_err(|error| match error {
            RosterError::Name(..) => Refused(Code::ChannelInvalid, error.to_string()),
            RosterError::Absent(_) => Refused(Code::MessageInvalid, error.to_string()),
            RosterError::Refused(code) => super::refused(code),
        })?;
        let channel = Channel::parse(&channel).map_err(|_| super::refused(Code::ChannelInvalid))?;
        Ok(page.to_json(&channel))
    }
}
