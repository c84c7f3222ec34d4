//! A message there and back by a stream: an answer that goes on for as long as it lasts.
//!
//! The session and what it sends go by POST, as with every stream; what comes is not read as this or that form, but searched
//! for the one word that only our message holds. A proxy that buffers lets the answer begin and holds back what follows.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::Place;
use super::line::{Line, handshake_message};
use super::talk::{HEAD_START, Script, Talk, reply_in, session_of};
use crate::Error;
use crate::message::Incoming;
use crate::wire::{Growing, refused};

/// How a stream is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It is the answer to a connect.
    Posted,
    /// A connect brings a ticket, and a GET with it the stream.
    Ticket,
}

/// Whether a transport of this name is a stream over HTTP.
pub(super) fn is_stream(name: &str) -> bool {
    matches!(name, "http-streaming" | "multipart" | "eventsource" | "iframe")
}

pub(super) async fn by_stream(place: &Place, form: Form, name: &'static str) -> Result<Talk, Error> {
    let line = Line::post(place);
    let began = Instant::now();
    let hello = handshake_message(&[name], place.options.token.as_deref());
    let client_id = session_of(reply_in(line.ask(&hello, place.patience).await?, &hello)?)?;
    let script = Script::new(place, client_id, name);
    let talk = converse(place, &line, &script, form, began).await;
    line.leave(&script.client_id).await;
    talk
}

async fn converse(
    place: &Place,
    line: &Line<'_>,
    script: &Script<'_>,
    form: Form,
    began: Instant,
) -> Result<Talk, Error> {
    let subscribe = script.subscribe();
    let subscribed = reply_in(line.ask(&subscribe, place.patience).await?, &subscribe);
    let mut stream = open(place, line, script, form).await?;
    let opened = began.elapsed();
    let refusal = match subscribed {
        Err(error) => error,
        Ok(_) => {
            sleep(HEAD_START).await;
            let (publish, sent) = (script.publish(), Instant::now());
            match reply_in(line.ask(&publish, place.patience).await?, &publish) {
                Ok(_) => {
                    find(&mut stream, script.mark(), place.patience).await?;
                    return Ok(Talk { opened, there_and_back: Some(sent.elapsed()), refused: None });
                }
                Err(error) => error,
            }
        }
    };
    // Something at least has to come; a new stream says soon that it is there.
    find(&mut stream, b"", place.patience).await?;
    Ok(Talk { opened, there_and_back: None, refused: Some(refusal.to_string()) })
}

async fn open(place: &Place, line: &Line<'_>, script: &Script<'_>, form: Form) -> Result<Growing, Error> {
    let connect = script.connect(4, None);
    let path = place.address.at(place.address.path());
    let (status, mut stream) = match form {
        Form::Posted => place.caller.open(&path, Some(format!("[{connect}]")), place.patience).await?,
        Form::Ticket => {
            let reply = reply_in(line.ask(&connect, place.patience).await?, &connect)?;
            let ticket =
                ticket_of(&reply).ok_or_else(|| Error::Protocol("a connect brought no ticket".into()))?;
            place.caller.open(&format!("{path}?ticket={ticket}"), None, place.patience).await?
        }
    };
    if status.is_success() {
        return Ok(stream);
    }
    let end = Instant::now() + place.patience;
    let words = timeout_at(end, stream.next()).await.unwrap_or(Ok(None)).ok().flatten().unwrap_or_default();
    Err(refused(status, &words))
}

/// A ticket, if it is one that stands in an address as it is.
fn ticket_of(reply: &Incoming) -> Option<String> {
    let ext: serde_json::Value = serde_json::from_str(reply.ext.as_deref()?.get()).ok()?;
    let ticket = ext["ticket"].as_str()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (!ticket.is_empty() && ticket.bytes().all(plain)).then(|| ticket.to_owned())
}

/// Waits until this has come, in one piece or in several.
async fn find(stream: &mut Growing, mark: &[u8], within: Duration) -> Result<(), Error> {
    let end = Instant::now() + within;
    let mut tail: Vec<u8> = Vec::new();
    loop {
        let bytes = timeout_at(end, stream.next()).await.map_err(|_| Error::TimedOut)??;
        tail.extend(bytes.ok_or(Error::Lost)?);
        if mark.is_empty() || tail.windows(mark.len()).any(|window| window == mark) {
            return Ok(());
        }
        tail.drain(..tail.len().saturating_sub(mark.len()));
    }
}
