//! The floor with io_uring: 256 non-blocking sends a system call.
//! The loop and the bytes are shared with `floor-epoll`; this file holds only the way out.
//! Started by the load generator, serves until it is killed; exit status 69 where io_uring is refused.

#![allow(unsafe_code)] // Bare by intention: raw descriptors go to the kernel, each with its proof.

mod reactor;
mod start;
mod wire;

use std::io;
use std::os::fd::RawFd;
use std::process::ExitCode;

use io_uring::{IoUring, opcode, types};

/// Sends handed to the kernel at once.
const BATCH: usize = 256;

/// Batches of sends that end inside the call that submits them.
struct Batches {
    ring: IoUring,
}

impl reactor::Fan for Batches {
    fn new() -> io::Result<Self> {
        Ok(Batches { ring: IoUring::new(BATCH as u32)? })
    }

    fn send(&mut self, sockets: &[RawFd], bytes: &[u8], failed: &mut dyn FnMut(usize)) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        for (batch, sockets) in sockets.chunks(BATCH).enumerate() {
            for (index, &socket) in sockets.iter().enumerate() {
                let entry = opcode::Send::new(types::Fd(socket), bytes.as_ptr(), length)
                    .flags(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
                    .build()
                    .user_data((batch * BATCH + index) as u64);
                // SAFETY: `bytes` and the sockets outlive the entry: this function returns only after the
                // completions of the whole batch have been seen, whatever the sends answered.
                unsafe { self.ring.submission().push(&entry) }.expect("an empty ring holds a whole batch");
            }
            let mut waiting = sockets.len();
            while waiting > 0 {
                match self.ring.submit_and_wait(waiting) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    // The kernel may still hold entries that point into `bytes`: nothing safe is left to do.
                    Err(error) => {
                        eprintln!("floor-uring: {error}");
                        std::process::abort();
                    }
                    Ok(_) => {}
                }
                for completion in self.ring.completion() {
                    waiting -= 1;
                    if usize::try_from(completion.result()).ok() != Some(bytes.len()) {
                        failed(completion.user_data() as usize);
                    }
                }
            }
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    match start::threads().and_then(reactor::serve::<Batches>) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floor-uring: {error}");
            ExitCode::from(69)
        }
    }
}
