//! A message that is not there yet: fragments, and frames received in parts.
//!
//! Bytes are kept only once they have arrived, never because a header announces them. Text is judged as it
//! comes in, so the first byte that cannot be UTF-8 ends the connection even inside a frame. The decoder
//! feeds it and takes the finished message.

use std::borrow::Cow;

use super::close::FrameError;
use super::frame::{Event, FrameLimits};
use super::header::Header;
use super::mask::apply_mask;

/// What has arrived of one message.
#[derive(Debug)]
pub(super) struct Message {
    text: bool,
    payload: Vec<u8>,
    /// Bytes of `payload` known to be whole UTF-8 characters; used for text only.
    judged: usize,
    fragments: u32,
    /// The frame whose payload is being received.
    frame: Frame,
}

#[derive(Debug)]
struct Frame {
    fin: bool,
    key: [u8; 4],
    received: usize,
    left: usize,
}

impl Message {
    /// A message whose first frame has this header.
    pub(super) fn new(text: bool, header: &Header, limits: &FrameLimits) -> Result<Self, FrameError> {
        let frame = Frame { fin: true, key: [0; 4], received: 0, left: 0 };
        let mut message = Self { text, payload: Vec::new(), judged: 0, fragments: 0, frame };
        message.begin(header, limits)?;
        Ok(message)
    }

    /// Begins the next frame of the message.
    pub(super) fn begin(&mut self, header: &Header, limits: &FrameLimits) -> Result<(), FrameError> {
        self.fragments += 1;
        if self.fragments > limits.fragments {
            return Err(FrameError::TooManyFragments);
        }
        let left = admit(self.payload.len(), header.payload, limits)?;
        self.frame = Frame { fin: header.fin, key: header.key, received: 0, left };
        Ok(())
    }

    /// Whether the payload of the current frame is still arriving.
    pub(super) fn is_inside_frame(&self) -> bool {
        self.frame.left > 0
    }

    /// Memory held for this message.
    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.payload.capacity()
    }

    /// Whether the last frame has arrived.
    pub(super) fn is_complete(&self) -> bool {
        self.frame.fin && self.frame.left == 0
    }

    /// Takes payload of the current frame from the start of `input`, which is unmasked on the way; answers
    /// how much.
    pub(super) fn push(&mut self, input: &mut [u8]) -> Result<usize, FrameError> {
        let length = self.frame.left.min(input.len());
        let arrived = &mut input[..length];
        apply_mask(arrived, self.frame.key, self.frame.received);
        self.payload.extend_from_slice(arrived);
        self.frame.received += length;
        self.frame.left -= length;
        if self.text {
            self.judge()?;
        }
        Ok(length)
    }

    fn judge(&mut self) -> Result<(), FrameError> {
        match std::str::from_utf8(&self.payload[self.judged..]) {
            Ok(_) => self.judged = self.payload.len(),
            // A character cut off at the end may still be completed; anything else is final.
            Err(error) if error.error_len().is_none() => self.judged += error.valid_up_to(),
            Err(_) => return Err(FrameError::Utf8),
        }
        Ok(())
    }

    /// The finished message.
    pub(super) fn finish<'a>(self) -> Result<Event<'a>, FrameError> {
        if self.text {
            let text = String::from_utf8(self.payload).map_err(|_| FrameError::Utf8)?;
            Ok(Event::Text(Cow::Owned(text)))
        } else {
            Ok(Event::Binary(Cow::Owned(self.payload)))
        }
    }
}

/// The length of the next frame, if the message may grow by it.
pub(super) fn admit(so_far: usize, payload: u64, limits: &FrameLimits) -> Result<usize, FrameError> {
    let payload = usize::try_from(payload).map_err(|_| FrameError::TooLarge)?;
    match so_far.checked_add(payload) {
        Some(total) if total <= limits.message_bytes => Ok(payload),
        _ => Err(FrameError::TooLarge),
    }
}
