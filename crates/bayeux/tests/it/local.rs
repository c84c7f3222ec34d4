//! Sessions of the server's own process.

use bayeux::{Due, Pushed, Session, Settings};

use crate::stage::Note;

#[test]
fn a_session_of_the_server_takes_everything_keeps_nothing_and_never_expires() {
    let settings = Settings::default();
    let mut session: Session<Note> = Session::local("robot".into(), &settings);
    assert!(session.counts() && session.may_push_now() && !session.wakes_connect());
    for number in 0..3 {
        assert_eq!(session.push(Note(number, 10), &settings), Pushed::Queued);
    }
    assert_eq!(session.take(2, 1_000).map(|Note(number, _)| number).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(session.unconfirmed(), 2);
    session.confirm_taken();
    assert_eq!((session.unconfirmed(), session.pending()), (0, 1));
    assert_eq!(session.on_deadline(u64::MAX - 1), Due::NotYet);
}
