//! A WebSocket: one task reads, one writes.
//!
//! Frames are `comet_wire`'s; here are the socket, the opening, and the answers to pings and closes. Reading
//! and writing never wait for each other, so that two full directions cannot hold each other up.

use comet_wire::websocket::client::{Answer, Handshake, write_close_frame, write_frame, write_text_frame};
use comet_wire::websocket::{Decoded, Decoder, Event, FrameLimits, Opcode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Arrival, Parcel};
use crate::address::Address;
use crate::builder::Options;
use crate::message::read_batch;
use crate::{Error, random};

/// Bytes asked of the system at a time.
const READ_BYTES: usize = 16 << 10;
/// Bytes that are written together.
const WRITE_BYTES: usize = 64 << 10;
/// Answers to pings and closes that wait to be written; a peer that sends more gets fewer.
const ANSWERS: usize = 16;
/// Fragments of one message.
const FRAGMENTS: u32 = 4_096;
/// The close code of a connection that broke.
const BROKEN: u16 = 1006;
/// The close code of a close that names none.
const UNNAMED: u16 = 1005;

/// An open WebSocket.
pub(super) struct Socket {
    stream: TcpStream,
    unread: Vec<u8>,
    limits: FrameLimits,
}

impl Socket {
    /// Connects and opens.
    pub(super) async fn open(address: &Address, options: &Options) -> Result<Socket, Error> {
        let unreachable = |error: std::io::Error| Error::Unreachable(error.to_string());
        let mut stream = TcpStream::connect(address.socket()).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let handshake = Handshake::new(random::bytes());
        let mut request = Vec::new();
        let authorization = options.authorization.as_deref().map(|value| ("Authorization", value));
        handshake
            .write_request(&mut request, address.host(), address.path(), authorization.as_slice())
            .map_err(|error| Error::Address(error.to_string()))?;
        stream.write_all(&request).await.map_err(|_| Error::Lost)?;
        let mut unread = Vec::new();
        loop {
            if stream.read_buf(&mut unread).await.map_err(|_| Error::Lost)? == 0 {
                return Err(Error::Lost);
            }
            match handshake.read_answer(&unread).map_err(|error| Error::Protocol(error.to_string()))? {
                Answer::Partial => {}
                Answer::Open { length } => {
                    unread.drain(..length);
                    let limits = FrameLimits { message_bytes: options.message_bytes, fragments: FRAGMENTS };
                    return Ok(Socket { stream, unread, limits });
                }
                Answer::Refused { status } => {
                    return Err(Error::Refused {
                        code: status,
                        name: String::new(),
                        reason: "no WebSocket is to be had".into(),
                    });
                }
            }
        }
    }

    /// Runs until the wire is dropped or the socket ends.
    pub(super) fn run(
        self,
        parcels: mpsc::Receiver<Parcel>,
        arrivals: mpsc::Sender<Arrival>,
        tasks: &mut JoinSet<()>,
    ) {
        let (input, output) = self.stream.into_split();
        let (answers, answering) = mpsc::channel(ANSWERS);
        let reader =
            Reader { input, buffer: self.unread, limits: self.limits, answers, arrivals: arrivals.clone() };
        tasks.spawn(reader.run());
        tasks.spawn(write(output, parcels, answering, arrivals));
    }
}

struct Reader {
    input: OwnedReadHalf,
    buffer: Vec<u8>,
    limits: FrameLimits,
    answers: mpsc::Sender<Vec<u8>>,
    arrivals: mpsc::Sender<Arrival>,
}

impl Reader {
    async fn run(mut self) {
        let error = self.read().await;
        // A session that is gone needs to be told nothing.
        let _ = self.arrivals.send(Arrival::Lost(error)).await;
    }

    /// Reads until the end, and says why it ended.
    async fn read(&mut self) -> Error {
        let broken = || Error::Closed { code: BROKEN, reason: String::new() };
        let mut decoder = Decoder::for_client();
        loop {
            let mut used = 0;
            while used < self.buffer.len() {
                let (event, consumed) = match decoder.decode(&mut self.buffer[used..], &self.limits) {
                    Ok(Decoded::Frame { event, consumed }) => (event, consumed),
                    Ok(Decoded::NeedMore { .. }) => break,
                    Err(error) => {
                        let mut frame = Vec::new();
                        write_close_frame(&mut frame, error.close_code(), "", random::bytes());
                        let _ = self.answers.try_send(frame);
                        return Error::Protocol(error.to_string());
                    }
                };
                used += consumed;
                let arrival = match event {
                    Some(Event::Text(text)) => match read_batch(text.as_bytes()) {
                        Ok(batch) => Arrival::Batch(batch),
                        Err(error) => return Error::Protocol(error.to_string()),
                    },
                    Some(Event::Ping(bytes)) => {
                        let mut frame = Vec::new();
                        write_frame(&mut frame, Opcode::Pong, bytes, random::bytes());
                        let _ = self.answers.try_send(frame);
                        continue;
                    }
                    Some(Event::Close { code, reason }) => {
                        let mut frame = Vec::new();
                        write_close_frame(&mut frame, code.unwrap_or(1000), "", random::bytes());
                        let _ = self.answers.try_send(frame);
                        return Error::Closed { code: code.unwrap_or(UNNAMED), reason: reason.to_owned() };
                    }
                    Some(Event::Binary(_)) => return Error::Protocol("a binary message came".into()),
                    Some(Event::Pong(_)) | None => continue,
                };
                if self.arrivals.send(arrival).await.is_err() {
                    return broken();
                }
            }
            self.buffer.drain(..used);
            self.buffer.reserve(READ_BYTES);
            match self.input.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return broken(),
                Ok(_) => {}
            }
        }
    }
}

/// Writes what comes, as much as waits in one go.
async fn write(
    mut output: OwnedWriteHalf,
    mut parcels: mpsc::Receiver<Parcel>,
    mut answers: mpsc::Receiver<Vec<u8>>,
    arrivals: mpsc::Sender<Arrival>,
) {
    let mut out = Vec::new();
    loop {
        tokio::select! {
            parcel = parcels.recv() => match parcel {
                Some(parcel) => write_parcel(&mut out, &parcel),
                None => return,
            },
            Some(answer) = answers.recv() => out.extend_from_slice(&answer),
        }
        while out.len() < WRITE_BYTES {
            let Ok(parcel) = parcels.try_recv() else { break };
            write_parcel(&mut out, &parcel);
        }
        if output.write_all(&out).await.is_err() {
            let _ = arrivals.send(Arrival::Lost(Error::Closed { code: BROKEN, reason: String::new() })).await;
            return;
        }
        out.clear();
        out.shrink_to(WRITE_BYTES);
    }
}

fn write_parcel(out: &mut Vec<u8>, parcel: &Parcel) {
    write_text_frame(out, &format!("[{}]", parcel.json), random::bytes());
}
