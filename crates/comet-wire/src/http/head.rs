//! Request heads: the request line and the fields, parsed strictly into a borrowed view.
//!
//! What two readers could understand differently (framing, host, line ends) is refused here, before
//! anything else looks at the request. Bytes come from the connection's buffer, whose borrow the [`Head`]
//! keeps; routing and permission are decided elsewhere.

use std::mem::MaybeUninit;

use super::body::BodyFraming;
use super::field::{list_members, trim};
use super::scan::HeadScanner;
use super::target::{Target, is_authority};

/// The most fields a head may have, whatever [`HeadLimits::fields`] says.
pub const MOST_FIELDS: usize = 256;

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the whole head with its closing empty line.
    pub bytes: usize,
    /// Number of fields, at most [`MOST_FIELDS`].
    pub fields: usize,
    /// Bytes of the request target.
    pub target_bytes: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { bytes: 16 * 1024, fields: 100, target_bytes: 8 * 1024 }
    }
}

/// Why a head is refused. After any of them the connection is answered with [`HeadError::status`] and closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// A line end or the request line is malformed.
    #[error("the request line or a line end is malformed")]
    Line,
    /// The version is neither HTTP/1.0 nor HTTP/1.1.
    #[error("the HTTP version is not supported")]
    Version,
    /// A field line is malformed, folded or holds a control character.
    #[error("a field is malformed")]
    Field,
    /// A field that must stand once stands twice.
    #[error("a field is repeated that may stand only once")]
    Repeated,
    /// `Host` is missing or malformed, or differs from the target.
    #[error("the host is missing, malformed or contradicted by the target")]
    Host,
    /// The length of the body is ambiguous or malformed.
    #[error("the length of the body is ambiguous")]
    Framing,
    /// The request target has no form that is understood.
    #[error("the request target is malformed")]
    Target,
    /// More fields than allowed.
    #[error("the head has too many fields")]
    TooManyFields,
    /// More bytes than allowed.
    #[error("the head is too long")]
    TooLong,
    /// A longer request target than allowed.
    #[error("the request target is too long")]
    TargetTooLong,
}

impl HeadError {
    /// The HTTP status that tells the peer: 400, 414, 431 or 505.
    pub const fn status(self) -> u16 {
        match self {
            Self::TooManyFields | Self::TooLong => 431,
            Self::TargetTooLong => 414,
            Self::Version => 505,
            _ => 400,
        }
    }
}

/// The request methods that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the method of its name")]
pub enum Method {
    Get,
    Post,
    Options,
    Head,
    Put,
    Delete,
    /// Any other token.
    Other,
}

impl Method {
    fn of(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "POST" => Self::Post,
            "OPTIONS" => Self::Options,
            "HEAD" => Self::Head,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

/// What stands at the start of the buffer.
#[derive(Debug)]
pub enum Parsed<'a> {
    /// The head is not complete; more bytes are needed.
    Partial,
    /// A whole head of `length` bytes; the body, if any, begins right after it.
    Complete {
        /// The parsed head.
        head: Head<'a>,
        /// Bytes of the head with its closing empty line.
        length: usize,
    },
}

/// One field as it was sent, without the space around its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name in the case it was sent.
    pub name: &'a str,
    /// The value; no control character but the tab, not always UTF-8.
    pub value: &'a [u8],
}

/// A request head that has passed every check of this module.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// The method.
    pub method: Method,
    /// The request target as sent.
    pub target: &'a str,
    /// Whether the version is HTTP/1.1 (otherwise it is HTTP/1.0, whose peers know no chunked bodies).
    pub version11: bool,
    path: &'a str,
    query: Option<&'a str>,
    fields: Vec<Field<'a>>,
    host: Option<&'a str>,
    origin: Option<&'a str>,
    framing: BodyFraming,
    close: bool,
    connection_upgrade: bool,
}

/// Parses the head at the start of `bytes`, searching from the first byte. Use [`HeadScanner`] where the
/// bytes trickle in.
///
/// # Errors
/// [`HeadError`] names what is wrong.
pub fn parse_head<'a>(bytes: &'a [u8], limits: &HeadLimits) -> Result<Parsed<'a>, HeadError> {
    HeadScanner::new().parse(bytes, limits)
}

impl<'a> Head<'a> {
    /// Reads a head whose end has been found: `bytes` ends with the closing empty line.
    pub(super) fn read(bytes: &'a [u8], limits: &HeadLimits) -> Result<Self, HeadError> {
        let bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
        let mut storage = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let status =
            request.parse_with_uninit_headers(bytes, &mut storage[..limits.fields.min(MOST_FIELDS)])?;
        if status != httparse::Status::Complete(bytes.len()) {
            return Err(HeadError::Line);
        }
        let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version)
        else {
            return Err(HeadError::Line);
        };
        if target.len() > limits.target_bytes {
            return Err(HeadError::TargetTooLong);
        }
        let method = Method::of(method);
        let parts = Target::read(target, method)?;
        let mut head = Self {
            method,
            target,
            version11: version == 1,
            path: parts.path,
            query: parts.query,
            fields: request
                .headers
                .iter()
                .map(|field| Field { name: field.name, value: field.value })
                .collect(),
            host: None,
            origin: None,
            framing: BodyFraming::None,
            close: version == 0,
            connection_upgrade: false,
        };
        head.judge_fields(parts.authority)?;
        Ok(head)
    }

    fn judge_fields(&mut self, authority: Option<&str>) -> Result<(), HeadError> {
        let mut length = None;
        let mut coding = None;
        let mut authorization = false;
        for field in &self.fields {
            let Field { name, value } = *field;
            // The length tells most fields apart before any letter is compared.
            match name.len() {
                4 if name.eq_ignore_ascii_case("host") => {
                    let host = text(value).filter(|_| is_authority(value)).ok_or(HeadError::Host)?;
                    once(self.host.replace(host), HeadError::Host)?;
                }
                6 if name.eq_ignore_ascii_case("origin") => {
                    let origin = text(value).ok_or(HeadError::Field)?;
                    once(self.origin.replace(origin), HeadError::Repeated)?;
                }
                10 if name.eq_ignore_ascii_case("connection") => {
                    for option in list_members(value) {
                        self.close |= option.eq_ignore_ascii_case(b"close");
                        self.connection_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
                    }
                }
                13 if name.eq_ignore_ascii_case("authorization") => {
                    once(std::mem::replace(&mut authorization, true).then_some(()), HeadError::Repeated)?;
                }
                14 if name.eq_ignore_ascii_case("content-length") => {
                    once(length.replace(decimal(value).ok_or(HeadError::Framing)?), HeadError::Framing)?;
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    once(coding.replace(value), HeadError::Framing)?;
                }
                _ => {}
            }
        }
        self.framing = match (length, coding) {
            (None, None) => BodyFraming::None,
            (Some(length), None) => BodyFraming::Length(length),
            (None, Some(coding)) if self.version11 && coding.eq_ignore_ascii_case(b"chunked") => {
                BodyFraming::Chunked
            }
            _ => return Err(HeadError::Framing),
        };
        match (self.host, authority) {
            (None, None) if !self.version11 => Ok(()),
            (Some(_), None) => Ok(()),
            (Some(host), Some(authority)) if host.eq_ignore_ascii_case(authority) => Ok(()),
            _ => Err(HeadError::Host),
        }
    }

    /// The path as sent, not decoded; `/` when an absolute target has none, `*` for the asterisk form.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// What follows the first `?` of the target, not decoded.
    pub fn query(&self) -> Option<&'a str> {
        self.query
    }

    /// The value of the first field of this name, in any case.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// The values of all fields of this name, in any case, in the order sent.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// All fields in the order sent.
    pub fn all_fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The one `Host`; always there in HTTP/1.1.
    pub fn host(&self) -> Option<&'a str> {
        self.host
    }

    /// The one `Origin`, visible ASCII.
    pub fn origin(&self) -> Option<&'a str> {
        self.origin
    }

    /// The media type of the body without parameters, in the case it was sent.
    pub fn content_type(&self) -> Option<&'a str> {
        let value = self.field("content-type")?;
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        text(trim(&value[..end]))
    }

    /// The first cookie of this name, in the case given, as sent (quotes included).
    pub fn cookie(&self, name: &str) -> Option<&'a str> {
        self.fields("cookie").flat_map(|value| value.split(|byte| *byte == b';')).find_map(|pair| {
            let value = trim(pair).strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            text(value)
        })
    }

    /// How the body is delimited.
    pub fn framing(&self) -> BodyFraming {
        self.framing
    }

    /// Whether another request may follow on this connection. HTTP/1.0 connections are never kept.
    pub fn keep_alive(&self) -> bool {
        !self.close
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    pub fn expects_continue(&self) -> bool {
        self.version11 && self.fields("expect").any(|value| value.eq_ignore_ascii_case(b"100-continue"))
    }

    /// The protocol the client wants to change to: the first `Upgrade`, when `Connection` names it too.
    pub fn upgrade(&self) -> Option<&'a str> {
        if !self.connection_upgrade {
            return None;
        }
        self.field("upgrade").and_then(text)
    }

    /// Whether the body is compressed or otherwise coded, which nothing here decodes (the answer is 415).
    pub fn body_is_coded(&self) -> bool {
        self.fields("content-encoding")
            .flat_map(list_members)
            .any(|coding| !coding.eq_ignore_ascii_case(b"identity"))
    }
}

/// A value of visible ASCII and blanks as text.
fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().filter(|value| value.is_ascii())
}

fn once<T>(earlier: Option<T>, error: HeadError) -> Result<(), HeadError> {
    earlier.map_or(Ok(()), |_| Err(error))
}

/// A length of nothing but digits that fits 63 bits.
fn decimal(value: &[u8]) -> Option<u64> {
    let digits = (1..=18).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    digits.then(|| value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

impl From<httparse::Error> for HeadError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooManyFields,
            httparse::Error::HeaderName | httparse::Error::HeaderValue => Self::Field,
            httparse::Error::Version => Self::Version,
            httparse::Error::Token | httparse::Error::NewLine | httparse::Error::Status => Self::Line,
        }
    }
}
