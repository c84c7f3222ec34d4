//! Persistent frames: what a client says of the frame that it is about to open.
//!
//! A connect that asks for a frame says how its page is to hand over; the ticket keeps that with the origin of the page
//! around it, since the frame's own request says nothing but the ticket. What the page looks like is `comet-wire`'s, when
//! there is one is decided in `shard/frame.rs`.

use bayeux::{Code, Error};
use comet_wire::persistent_frame;
use serde::Deserialize;
use serde_json::value::RawValue;

/// How a page hands over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Call,
    Domain(Box<str>),
    Message,
}

/// A frame that may be opened.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) manner: Manner,
    /// The origin of the page around it, where it is not the server's own.
    pub(crate) origin: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Ext<'a> {
    #[serde(borrow)]
    frame: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Wish<'a> {
    #[serde(borrow)]
    mode: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    domain: Option<std::borrow::Cow<'a, str>>,
}

impl Frame {
    /// What a connect with this `ext` asks for, of a page of this origin: what suits that, where it says nothing. Pages may call
    /// only the listed domains theirs.
    ///
    /// # Errors
    /// `message_invalid` where it cannot be understood or could not work, `forbidden_origin` for another domain.
    pub(crate) fn read(
        ext: Option<&RawValue>,
        origin: Option<&str>,
        domains: &[String],
    ) -> Result<Frame, Error> {
        let frame =
            ext.and_then(|ext| serde_json::from_str::<Ext<'_>>(ext.get()).ok()).and_then(|ext| ext.frame);
        let Some(frame) = frame else {
            let manner = if origin.is_none() { Manner::Call } else { Manner::Message };
            return Ok(Frame { manner, origin: origin.map(Into::into) });
        };
        let wish: Wish<'_> = serde_json::from_str(frame.get())
            .map_err(|_| Error::new(Code::MessageInvalid, "ext.frame says how the frame hands over"))?;
        let manner = match (&*wish.mode, &wish.domain) {
            ("message", None) => Manner::Message,
            // A page of another origin has no way to be called.
            ("call", None) if origin.is_none() => Manner::Call,
            ("domain", Some(domain)) => {
                let listed = domains.iter().find(|listed| listed.eq_ignore_ascii_case(domain));
                let Some(listed) = listed else {
                    return Err(Error::new(Code::ForbiddenOrigin, "ext.frame.domain"));
                };
                Manner::Domain(listed.as_str().into())
            }
            _ => return Err(Error::new(Code::MessageInvalid, "ext.frame.mode")),
        };
        Ok(Frame { manner, origin: origin.map(Into::into) })
    }

    /// The manner in the words of the wire.
    pub(crate) fn manner(&self) -> persistent_frame::Manner<'_> {
        match &self.manner {
            Manner::Call => persistent_frame::Manner::Call,
            Manner::Domain(domain) => persistent_frame::Manner::Domain(domain),
            Manner::Message => persistent_frame::Manner::Message,
        }
    }
}
