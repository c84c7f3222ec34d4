//! The floor without io_uring: the least a program can do with one `send` a subscriber.
//! The loop and the bytes are shared with `floor-uring`; this file holds only the way out.
//! Started by the load generator, serves until it is killed.

#![allow(unsafe_code)] // Bare by intention: raw descriptors go to the kernel, each with its proof.

mod reactor;
mod start;
mod wire;

use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::process::ExitCode;

/// One `send` a socket.
struct OneByOne;

impl reactor::Fan for OneByOne {
    fn new() -> io::Result<Self> {
        Ok(OneByOne)
    }

    fn send(&mut self, sockets: &[RawFd], bytes: &[u8], failed: &mut dyn FnMut(usize)) -> io::Result<()> {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        for (index, socket) in sockets.iter().enumerate() {
            // SAFETY: the caller's connections own these descriptors and outlive the call (contract of `Fan`).
            let socket = unsafe { BorrowedFd::borrow_raw(*socket) };
            if !matches!(socket2::SockRef::from(&socket).send_with_flags(bytes, flags), Ok(n) if n == bytes.len())
            {
                failed(index);
            }
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    match start::threads().and_then(reactor::serve::<OneByOne>) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floor-epoll: {error}");
            ExitCode::from(69)
        }
    }
}
