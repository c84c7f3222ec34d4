//! What can go wrong, as the caller sees it.
//!
//! One type for every call. Trouble that the session gets over by itself is no error of anybody: it is seen
//! in the state and as gaps of subscriptions.

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the server cannot be used.
    #[error("{0}")]
    Address(String),
    /// The name is no channel, or not one for this.
    #[error("{name:?} is no channel for this: {why}")]
    Name {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The data cannot be written as JSON, or read as what was asked for.
    #[error("the data cannot be written or read: {0}")]
    Data(String),
    /// Messages cannot come in this manner.
    #[error("messages cannot come in this manner: {0}")]
    Manner(String),
    /// The server cannot be reached.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The server refuses.
    #[error("the server refuses: {code} {name}{}{reason}", if name.is_empty() || reason.is_empty() { "" } else { ": " })]
    Refused {
        /// The number of the Bayeux error, or the HTTP status.
        code: u16,
        /// The server's name for it, such as `publish_denied`; empty where a server has none.
        name: String,
        /// The server's words; may be empty.
        reason: String,
    },
    /// The server closed the WebSocket.
    #[error("the server closed the connection: {code} {reason}")]
    Closed {
        /// The close code; 1005 for none, 1006 for none because the connection broke.
        code: u16,
        /// The server's words.
        reason: String,
    },
    /// What came is not the protocol.
    #[error("the server does not speak the protocol: {0}")]
    Protocol(String),
    /// The connection was lost before the answer came; whether it was done is unknown.
    #[error("the connection was lost before the answer; it may have been done or not")]
    Lost,
    /// No answer came in time; whether it was done is unknown.
    #[error("no answer came in time")]
    TimedOut,
    /// The client has more subscriptions than it keeps.
    #[error("the client has too many subscriptions")]
    TooMany,
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

impl Error {
    /// Whether the same request may be granted a little later: the server is busy, or something behind it is
    /// away. A full session stays full, so that refusal is none of them.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Error::Refused { code, name, .. } => {
                matches!(code, 429 | 500..=599) && name != "subscriptions_too_many"
            }
            _ => false,
        }
    }

    /// A refusal from the `error` of a message: `403:words:name` as our server writes it, or any other text.
    pub(crate) fn refused(error: Option<&str>) -> Error {
        let text = error.unwrap_or("no reason given");
        let number = |code: &&str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = text.splitn(3, ':');
        let (code, reason, name) = match (parts.next().filter(number), parts.next(), parts.next()) {
            (Some(code), Some(reason), Some(name)) => (code.parse().unwrap_or(0), reason, name),
            _ => (0, text, ""),
        };
        Error::Refused { code, name: name.to_owned(), reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_bayeux_is_taken_apart() {
        let refused = |code, name: &str, reason: &str| Error::Refused {
            code,
            name: name.into(),
            reason: reason.into(),
        };
        let denied = Error::refused(Some("403:not for you:subscribe_denied"));
        assert_eq!(denied, refused(403, "subscribe_denied", "not for you"));
        assert_eq!(denied.to_string(), "the server refuses: 403 subscribe_denied: not for you");
        assert_eq!(Error::refused(Some("402::session_unknown")), refused(402, "session_unknown", ""));
        assert_eq!(Error::refused(Some("what: ever")), refused(0, "", "what: ever"));
        assert_eq!(Error::refused(None), refused(0, "", "no reason given"));
    }

    #[test]
    fn what_a_busy_server_refuses_is_worth_another_try() {
        for text in ["429:a:rate_limited", "500::internal", "503::overloaded", "504::service_timeout"] {
            assert!(Error::refused(Some(text)).is_temporary(), "{text}");
        }
        for text in ["403::subscribe_denied", "402::session_unknown", "429::subscriptions_too_many", "what"] {
            assert!(!Error::refused(Some(text)).is_temporary(), "{text}");
        }
        assert!(!Error::Lost.is_temporary());
    }
}
