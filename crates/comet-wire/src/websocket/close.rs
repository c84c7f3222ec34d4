//! The endings of a WebSocket: what a peer can do wrong, and which close codes may be seen on the wire.
//!
//! Every error has one close code, so that the ending can be told to the peer. Which code an ending of the
//! server's own choice has stands in the table of codes, not here.

/// Why the frames of a peer are refused. The connection is closed with [`FrameError::close_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A reserved bit is set though no extension was agreed.
    #[error("a reserved bit is set")]
    ReservedBit,
    /// An opcode that has no meaning.
    #[error("the opcode is reserved")]
    Opcode,
    /// A client frame without a mask, or a server frame with one.
    #[error("the frame is masked where it must not be, or not where it must")]
    Mask,
    /// A length that is not written in its shortest form, or does not fit 63 bits.
    #[error("the length is malformed")]
    Length,
    /// A control frame in fragments or with more than 125 bytes.
    #[error("a control frame is fragmented or too long")]
    Control,
    /// A continuation of nothing, or a new message inside another.
    #[error("a fragment is out of order")]
    Continuation,
    /// A close frame of one byte, or with a code that must not be sent.
    #[error("the close frame is malformed")]
    Close,
    /// Text or a close reason that is not UTF-8.
    #[error("the text is not UTF-8")]
    Utf8,
    /// A message in more fragments than allowed, empty ones counted.
    #[error("the message has too many fragments")]
    TooManyFragments,
    /// A longer message than allowed.
    #[error("the message is too large")]
    TooLarge,
}

impl FrameError {
    /// The close code that tells the peer: 1002, 1007, 1008 or 1009.
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Utf8 => 1007,
            Self::TooManyFragments => 1008,
            Self::TooLarge => 1009,
            _ => 1002,
        }
    }
}

/// Whether `code` may stand in a close frame: defined by the protocol or its registry, or in the open
/// ranges 3000 to 4999.
pub const fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
