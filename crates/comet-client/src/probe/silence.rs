//! How long nothing may be said before something cuts the connection.
//!
//! A connect is held by long polling and one on a WebSocket, at the same time, for as long as was asked and the server
//! holds: that is the longest silence that clients make.

use std::time::Duration;

use tokio::time::Instant;

use super::hello::Hello;
use super::line::{Line, Socket, handshake_message};
use super::talk::{Script, reply_in, session_of};
use super::{Finding, Place, Verdict};
use crate::Error;

/// How one silence ended.
#[derive(Debug)]
enum Ended {
    /// With the server's own answer.
    Answered,
    /// Early, or with something else.
    Cut { after: Duration, error: Error },
}

pub(super) async fn finding(place: &Place, hello: &Hello, most: Duration) -> Finding {
    let silence = most.min(hello.hold);
    let announced = |name: &str| hello.types.iter().any(|announced| announced == name);
    let polling =
        async { if announced("long-polling") { Some(by_polling(place, silence).await) } else { None } };
    let socket = async { if announced("websocket") { Some(by_socket(place, silence).await) } else { None } };
    let (polling, socket) = tokio::join!(polling, socket);
    judge([("long-polling", polling), ("websocket", socket)], silence, hello.hold)
}

/// What the silences mean together. A transport that could not be opened has a finding of its own.
fn judge(ended: [(&str, Option<Result<Ended, Error>>); 2], silence: Duration, hold: Duration) -> Finding {
    let (mut answered, mut cut) = (Vec::new(), Vec::new());
    for (name, ended) in ended {
        match ended {
            Some(Ok(Ended::Answered)) => answered.push(name),
            Some(Ok(Ended::Cut { after, error })) => {
                cut.push(format!("{name} is cut after {:.1} s ({error})", after.as_secs_f64()));
            }
            Some(Err(_)) | None => {}
        }
    }
    if !cut.is_empty() {
        let words = format!("{}; the server holds a connect for {hold:?}", cut.join(", "));
        return Finding::new("idle", Verdict::Broken, words);
    }
    if answered.is_empty() {
        return Finding::new("idle", Verdict::Skipped, "no connection to be silent on");
    }
    let rest = if silence < hold { format!("; the server holds for {hold:?}") } else { String::new() };
    let words = format!("{} may be silent for {silence:?}{rest}", answered.join(" and "));
    Finding::new("idle", Verdict::Fine, words).took(silence)
}

async fn by_polling(place: &Place, silence: Duration) -> Result<Ended, Error> {
    let line = Line::post(place);
    let hello = handshake_message(&["long-polling"], place.options.token.as_deref());
    let client_id = session_of(reply_in(line.ask(&hello, place.patience).await?, &hello)?)?;
    let script = Script::new(place, client_id, "long-polling");
    let first = script.connect(2, Some(Duration::ZERO));
    reply_in(line.ask(&first, place.patience).await?, &first)?;
    let (held, began) = (script.connect(3, Some(silence)), Instant::now());
    let answer = line.ask(&held, silence + place.patience).await;
    let answer = answer.and_then(|batch| reply_in(batch, &held));
    let ended = ended(answer.map(|_| ()), began.elapsed());
    line.leave(&script.client_id).await;
    Ok(ended)
}

async fn by_socket(place: &Place, silence: Duration) -> Result<Ended, Error> {
    let mut socket = Socket::open(place).await?;
    let hello = handshake_message(&["websocket"], place.options.token.as_deref());
    let client_id = session_of(socket.ask(&hello, place.patience).await?)?;
    let script = Script::new(place, client_id, "websocket");
    socket.ask(&script.connect(2, Some(Duration::ZERO)), place.patience).await?;
    let began = Instant::now();
    let answer = socket.ask(&script.connect(3, Some(silence)), silence + place.patience).await;
    Ok(ended(answer.map(|_| ()), began.elapsed()))
}

fn ended(answer: Result<(), Error>, after: Duration) -> Ended {
    match answer {
        Ok(()) => Ended::Answered,
        Err(error) => Ended::Cut { after, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cut_is_enough_and_what_did_not_open_says_nothing() {
        let s = Duration::from_secs;
        let cut = || Some(Ok(Ended::Cut { after: s(3), error: Error::Lost }));
        let answered = || Some(Ok(Ended::Answered));
        let verdict = |a, b| judge([("long-polling", a), ("websocket", b)], s(10), s(25)).verdict;
        assert_eq!(verdict(answered(), cut()), Verdict::Broken);
        assert_eq!(verdict(answered(), Some(Err(Error::Lost))), Verdict::Fine);
        assert_eq!(verdict(None, Some(Err(Error::Lost))), Verdict::Skipped);
        let fine = judge([("long-polling", answered()), ("websocket", answered())], s(10), s(25));
        assert!(fine.words.contains("silent for 10s; the server holds for 25s"), "{}", fine.words);
    }
}
