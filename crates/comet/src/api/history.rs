//! `/api/history`: what a channel remembers, page by page.

use bayeux::Code;
use comet_engine::Position;
use serde::Deserialize;

use super::{Api, Refused};
use crate::Since;
use crate::history::HistoryError;

/// Messages of a page of which nothing else was said.
const PAGE_MESSAGES: usize = 100;

/// What was there?
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    channel: String,
    /// From where on; from the oldest that is remembered where it is missing.
    #[serde(default)]
    since: Option<From>,
    /// Messages at most; 0 for the position alone.
    #[serde(default)]
    limit: Option<usize>,
}

/// A position, a time in unix milliseconds, or a count.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    epoch: Option<String>,
    offset: Option<u64>,
    time: Option<u64>,
    last: Option<usize>,
}

impl From {
    fn since(self) -> Option<Since> {
        match self {
            From { epoch: Some(epoch), offset: Some(offset), time: None, last: None } => {
                // A position that no home ever gave out stands for a lost one.
                let lost = Position { epoch: 0, offset: u64::MAX };
                Some(Since::Position(Position::parse(&epoch, offset).unwrap_or(lost)))
            }
            From { epoch: None, offset: None, time: Some(time_ms), last: None } => Some(Since::Time(time_ms)),
            From { epoch: None, offset: None, time: None, last: Some(count) } => Some(Since::Last(count)),
            _ => None,
        }
    }
}

impl Api {
    pub(super) async fn history(&self, question: Question) -> Result<String, Refused> {
        let Question { channel, since, limit } = question;
        let since = match since.map(From::since) {
            None => Since::Last(usize::MAX),
            Some(Some(since)) => since,
            Some(None) => {
                let reason = "since is a position, {\"time\":…} or {\"last\":…}";
                return Err(Refused(Code::MessageInvalid, reason.into()));
            }
        };
        let answer = self.histories.answer(&channel, since, limit.unwrap_or(PAGE_MESSAGES)).await;
        let (channel, page) = answer.map_err(|error| match error {
            HistoryError::Name(..) => Refused(Code::ChannelInvalid, error.to_string()),
            HistoryError::Refused(code) => super::refused(code),
        })?;
        Ok(page.to_json(&channel))
    }
}
