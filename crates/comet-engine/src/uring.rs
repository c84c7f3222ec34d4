//! io_uring as one thing only: many sends in one system call.
//!
//! This is the one module of the engine with `unsafe` in it. A ring never has work in flight between two
//! calls: every send carries `MSG_DONTWAIT`, and [`Ring::send`] returns only after it has collected the
//! completion of each. Readiness, reads and everything else stay with the portable layer.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsRawFd;

use io_uring::{IoUring, opcode, types};

use crate::send::Outgoing;

/// A submission ring for sends.
pub(crate) struct Ring {
    ring: IoUring,
}

impl Ring {
    /// A ring for `entries` sends at once.
    ///
    /// # Errors
    /// Where the kernel lacks io_uring or a container's rules refuse it.
    pub(crate) fn new(entries: usize) -> io::Result<Ring> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .build(entries as u32)
            .or_else(|_| IoUring::new(entries as u32))?;
        let mut probe = io_uring::Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        if !probe.is_supported(opcode::Send::CODE) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Ring { ring })
    }

    /// Tries each send once and appends, in order, what each took. At most as many as the ring has room for.
    pub(crate) fn send(&mut self, outgoing: &[Outgoing<'_>], taken: &mut Vec<io::Result<usize>>) {
        let first = taken.len();
        {
            let mut queue = self.ring.submission();
            for (index, Outgoing { stream, bytes }) in outgoing.iter().enumerate() {
                let entry =
                    opcode::Send::new(types::Fd(stream.as_raw_fd()), bytes.as_ptr(), bytes.len() as u32)
                        .flags(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
                        .build()
                        .user_data(index as u64);
                // SAFETY: the entry points at `bytes`, borrowed from the caller for the whole of this
                // function, and at a descriptor whose stream is borrowed as long. The function does not
                // return before the completion of every entry it submitted has been collected below, so
                // the kernel never sees either after the borrow ends.
                let pushed = unsafe { queue.push(&entry) };
                pushed.expect("a batch is no longer than the ring, and the ring is empty between calls");
                taken.push(Ok(0));
            }
        }
        let mut open = outgoing.len();
        while open > 0 {
            if let Err(error) = self.ring.submit_and_wait(open)
                && error.kind() != io::ErrorKind::Interrupted
                && error.raw_os_error() != Some(libc::EBUSY)
                && error.raw_os_error() != Some(libc::EAGAIN)
            {
                // The kernel may still hold pointers into the buffers: going on would be unsound.
                tracing::error!(%error, "io_uring failed with sends in flight");
                std::process::abort();
            }
            for completion in self.ring.completion() {
                let result = completion.result();
                taken[first + completion.user_data() as usize] =
                    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result as usize) };
                open -= 1;
            }
        }
    }
}
