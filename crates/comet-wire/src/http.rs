//! HTTP/1.1 on the lean path: request heads, request bodies, response heads.
//!
//! The parsers are strict because a proxy in front may read the same bytes: what two readers could
//! understand differently is refused. Routing, HTTP/2 and everything that is not delivery live elsewhere;
//! heads come in as bytes of the connection and go out as borrowed views of those bytes.

mod accept;
pub mod body;
mod chunked;
mod field;
pub mod head;
pub mod path;
pub mod response;
mod scan;
mod target;

pub(crate) use field::{is_token, is_token_byte, list_members};

pub use body::{Body, BodyError, BodyFraming, Progress};
pub use head::{Field, Head, HeadError, HeadLimits, Method, Parsed, parse_head};
pub use path::{PathError, canonical_path};
pub use response::{ResponseError, reason, write_head};
pub use scan::HeadScanner;
