//! What a Flash Player asks before it may connect: whose movies a server lets in, and to which ports.
//!
//! The question is one of two fixed texts, the answer a small document, the same for whoever asks; over HTTP it is
//! `/crossdomain.xml`. Domains are listed one by one: there is no way to name all of them. The engine makes the document once,
//! at its start.

use std::fmt;
use std::str::FromStr;

/// The media type of the document over HTTP.
pub const MEDIA: &str = "text/x-cross-domain-policy";

/// Bytes of the longest question, with its NUL.
pub const MOST_QUESTION_BYTES: usize = 24;

const QUESTIONS: [&[u8]; 2] = [b"<policy-file-request/>", b"<cross-domain-request/>"];

const BEFORE: &str = "<?xml version=\"1.0\"?>\n\
    <!DOCTYPE cross-domain-policy SYSTEM \"http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd\">\n\
    <cross-domain-policy>\n  <site-control permitted-cross-domain-policies=\"master-only\"/>\n";
const BEHIND: &str = "</cross-domain-policy>\n";

/// Whether a message, without its NUL, asks for the policy.
pub fn is_question(message: &[u8]) -> bool {
    QUESTIONS.contains(&message)
}

/// A domain whose movies may connect: a host, an address, or everything under a domain, as `*.shop.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain(Box<str>);

/// Text that names no domain, or too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no host name, nor a part of one behind \"*.\"")]
pub struct NoDomain;

impl FromStr for Domain {
    type Err = NoDomain;

    fn from_str(text: &str) -> Result<Domain, NoDomain> {
        let (name, least) = match text.strip_prefix("*.") {
            // What lies under a domain of the first level is everybody's.
            Some(name) => (name, 2),
            None => (text, 1),
        };
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let good = name.len() <= 253 && name.split('.').all(label) && name.split('.').count() >= least;
        if good { Ok(Domain(text.into())) } else { Err(NoDomain) }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The document: movies of these domains may connect to these ports, and nobody else anywhere. No other document of the
/// server counts.
pub fn document(domains: &[Domain], ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let mut document = String::from(BEFORE);
    for domain in domains.iter().filter(|_| !ports.is_empty()) {
        let (domain, ports) = (&domain.0, ports.join(","));
        document.push_str(&format!("  <allow-access-from domain=\"{domain}\" to-ports=\"{ports}\"/>\n"));
    }
    document.push_str(BEHIND);
    document
}
