//! The rules, asked without a network. A client is a number here, time is what the test says.

use serde_json::{Value, json};

use super::*;

const NOON_MS: u64 = 1_800_000_000_000;

fn rooms(limits: Limits) -> Rooms<u32> {
    Rooms::new(limits, NOON_MS)
}

fn key(label: &str) -> Key {
    Key(format!("{label:0>16}"))
}

/// Joins with a seat that belongs to the client alone.
fn join(rooms: &mut Rooms<u32>, client: u32, room: &str, name: &str) -> Result<Snapshot, Refused> {
    sit(rooms, client, room, name, &client.to_string())
}

fn sit(rooms: &mut Rooms<u32>, client: u32, room: &str, name: &str, seat: &str) -> Result<Snapshot, Refused> {
    rooms.on_join(&client, Join { room: room.into(), name: name.into(), seat: key(seat) }, NOON_MS)
}

fn say(rooms: &mut Rooms<u32>, client: u32, text: &str, key_label: &str) -> Result<Said, Refused> {
    let say = Say { room: "lobby".into(), text: text.into(), key: key(key_label) };
    rooms.on_say(&client, say, NOON_MS)
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.roster.iter().map(|person| person.name.as_ref()).collect()
}

/// The news in short: topic, number and kind.
fn news(rooms: &mut Rooms<u32>) -> Vec<String> {
    let short = |news: News| {
        let event = serde_json::to_value(&news.event).unwrap();
        format!("{} {} {}", news.channel(), event["number"], event["kind"].as_str().unwrap())
    };
    rooms.take_news().into_iter().map(short).collect()
}

#[test]
fn whoever_joins_finds_everyone_and_is_announced() {
    let mut rooms = rooms(Limits::default());
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    let found = join(&mut rooms, 2, "lobby", "Grace").unwrap();
    assert_eq!(names(&found), ["Ada", "Grace"]);
    assert_eq!((found.you.id, found.number), (2, 2));
    assert_eq!(
        news(&mut rooms),
        ["/chat/lobby 1 joined", "/chat 1 room", "/chat/lobby 2 joined", "/chat 2 room"]
    );
}

#[test]
fn a_name_is_held_by_one_person_of_a_room_whatever_its_case() {
    let mut rooms = rooms(Limits::default());
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    assert_eq!(join(&mut rooms, 2, "lobby", "ADA").unwrap_err(), Refused::NameTaken);
    assert!(join(&mut rooms, 2, "help", "ADA").is_ok());
}

#[test]
fn a_refused_join_leaves_everything_as_it_was() {
    let mut rooms = rooms(Limits::default());
    join(&mut rooms, 1, "help", "Ada").unwrap();
    join(&mut rooms, 2, "lobby", "Grace").unwrap();
    news(&mut rooms);
    assert_eq!(join(&mut rooms, 1, "lobby", "grace").unwrap_err(), Refused::NameTaken);
    assert_eq!(join(&mut rooms, 1, "No!", "Ada").unwrap_err(), Refused::Room(32));
    assert!(news(&mut rooms).is_empty());
    assert_eq!(names(&join(&mut rooms, 1, "help", "Ada").unwrap()), ["Ada"]);
}

#[test]
fn joining_another_room_leaves_the_first() {
    let mut rooms = rooms(Limits::default());
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    news(&mut rooms);
    join(&mut rooms, 1, "help", "Ada").unwrap();
    assert_eq!(
        news(&mut rooms),
        ["/chat/lobby 2 left", "/chat 2 room", "/chat/help 1 joined", "/chat 3 room"]
    );
    assert_eq!(say(&mut rooms, 1, "hello", "a"), Err(Refused::NotHere));
}

#[test]
fn joining_again_shows_the_room_and_tells_nobody() {
    let mut rooms = rooms(Limits::default());
    let first = join(&mut rooms, 1, "lobby", "Ada").unwrap();
    news(&mut rooms);
    let again = join(&mut rooms, 1, "lobby", "Ada").unwrap();
    assert_eq!((again.you, again.number, again.epoch), (first.you, first.number, first.epoch));
    assert!(news(&mut rooms).is_empty());
}

#[test]
fn a_new_name_in_the_same_room_is_a_new_person() {
    let mut rooms = rooms(Limits { members_per_room: 1, ..Limits::default() });
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    news(&mut rooms);
    let found = join(&mut rooms, 1, "lobby", "Countess").unwrap();
    assert_eq!((names(&found), found.you.id), (vec!["Countess"], 2));
    assert_eq!(news(&mut rooms)[0], "/chat/lobby 2 left");
}

#[test]
fn a_page_that_lost_its_session_gets_its_place_back_without_noise() {
    let mut rooms = rooms(Limits::default());
    let first = sit(&mut rooms, 1, "lobby", "Ada", "seat").unwrap();
    news(&mut rooms);
    let back = sit(&mut rooms, 2, "lobby", "Ada", "seat").unwrap();
    assert_eq!(back.you, first.you);
    assert!(say(&mut rooms, 2, "I am back", "a").is_ok());
    assert_eq!(say(&mut rooms, 1, "who am I?", "b"), Err(Refused::NotHere));
    rooms.on_end(&1, NOON_MS);
    assert_eq!(news(&mut rooms), ["/chat/lobby 2 said"]);
}

#[test]
fn nobody_gets_a_place_with_the_wrong_key() {
    let mut rooms = rooms(Limits::default());
    sit(&mut rooms, 1, "lobby", "Ada", "seat").unwrap();
    assert_eq!(sit(&mut rooms, 2, "lobby", "Ada", "other").unwrap_err(), Refused::NameTaken);
    let short = Join { room: "lobby".into(), name: "Grace".into(), seat: Key("short".into()) };
    assert_eq!(rooms.on_join(&2, short, NOON_MS).unwrap_err(), Refused::Key);
}

#[test]
fn the_end_of_a_session_takes_its_member_away() {
    let mut rooms = rooms(Limits::default());
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    join(&mut rooms, 2, "lobby", "Grace").unwrap();
    news(&mut rooms);
    rooms.on_end(&1, NOON_MS);
    assert_eq!(news(&mut rooms), ["/chat/lobby 3 left", "/chat 3 room"]);
    assert_eq!(names(&join(&mut rooms, 2, "lobby", "Grace").unwrap()), ["Grace"]);
    rooms.on_end(&1, NOON_MS);
    assert!(news(&mut rooms).is_empty());
}

#[test]
fn what_is_said_reaches_everyone_with_its_author() {
    let mut rooms = rooms(Limits::default());
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    rooms.take_news();
    assert_eq!(say(&mut rooms, 1, "hello", "a"), Ok(Said { number: 2 }));
    let told = serde_json::to_value(&rooms.take_news()[0].event).unwrap();
    let message = json!({
        "number": 2, "from": {"id": 1, "name": "Ada"}, "text": "hello", "key": "000000000000000a", "at_ms": NOON_MS
    });
    assert_eq!(told, json!({"number": 2, "kind": "said", "message": message}));
}

#[test]
fn a_message_that_is_sent_twice_is_said_once() {
    let mut rooms = rooms(Limits { known_keys: 2, ..Limits::default() });
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    let first = say(&mut rooms, 1, "hello", "a");
    rooms.take_news();
    assert_eq!(say(&mut rooms, 1, "hello", "a"), first);
    assert!(rooms.take_news().is_empty());
    say(&mut rooms, 1, "one", "b").unwrap();
    say(&mut rooms, 1, "two", "c").unwrap();
    assert_ne!(say(&mut rooms, 1, "hello", "a"), first, "only the last two are known");
}

#[test]
fn only_members_are_heard() {
    let mut rooms = rooms(Limits::default());
    join(&mut rooms, 1, "help", "Ada").unwrap();
    rooms.take_news();
    assert_eq!(say(&mut rooms, 1, "hello", "a"), Err(Refused::NotHere));
    assert_eq!(say(&mut rooms, 9, "hello", "b"), Err(Refused::NotHere));
    let typing = Typing { room: "lobby".into(), typing: true };
    assert_eq!(rooms.on_typing(&1, typing, NOON_MS), Err(Refused::NotHere));
    assert!(rooms.take_news().is_empty());
}

#[test]
fn a_room_remembers_its_last_messages_within_both_bounds() {
    let mut rooms = rooms(Limits { recent_messages: 3, recent_bytes: 10, ..Limits::default() });
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    let texts = |rooms: &mut Rooms<u32>| -> Vec<Value> {
        let found = join(rooms, 1, "lobby", "Ada").unwrap();
        found.recent.iter().map(|message| serde_json::to_value(&message.text).unwrap()).collect()
    };
    for text in ["a", "b", "c", "d"] {
        say(&mut rooms, 1, text, text).unwrap();
    }
    assert_eq!(texts(&mut rooms), ["b", "c", "d"]);
    say(&mut rooms, 1, "nine byte", "e").unwrap();
    assert_eq!(texts(&mut rooms), ["d", "nine byte"]);
    assert_eq!(join(&mut rooms, 1, "lobby", "Ada").unwrap().forgotten, 4);
}

#[test]
fn a_full_room_and_a_full_house_take_nobody_more() {
    let mut rooms = rooms(Limits { rooms: 4, members_per_room: 2, ..Limits::default() });
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    join(&mut rooms, 2, "lobby", "Grace").unwrap();
    assert_eq!(join(&mut rooms, 3, "lobby", "Barbara").unwrap_err(), Refused::RoomFull);
    join(&mut rooms, 3, "garden", "Barbara").unwrap();
    assert_eq!(join(&mut rooms, 4, "cellar", "Hedy").unwrap_err(), Refused::TooManyRooms);
    assert!(join(&mut rooms, 4, "garden", "Hedy").is_ok());
}

#[test]
fn the_room_that_was_empty_longest_makes_place() {
    let mut rooms = rooms(Limits { rooms: 5, ..Limits::default() });
    join(&mut rooms, 1, "garden", "Ada").unwrap();
    join(&mut rooms, 2, "cellar", "Grace").unwrap();
    rooms.on_leave(&1, NOON_MS + 1).unwrap();
    rooms.on_leave(&2, NOON_MS + 2).unwrap();
    join(&mut rooms, 3, "attic", "Hedy").unwrap();
    let epoch = |rooms: &mut Rooms<u32>, room| join(rooms, 4, room, "Barbara").unwrap().epoch;
    let (cellar, attic) = (epoch(&mut rooms, "cellar"), epoch(&mut rooms, "attic"));
    assert!(cellar < attic, "the cellar is still the old one");
    assert!(epoch(&mut rooms, "garden") > attic, "the garden is a new one");
}

#[test]
fn the_list_shows_fixed_rooms_and_rooms_with_people() {
    let mut rooms = rooms(Limits::default());
    join(&mut rooms, 1, "garden", "Ada").unwrap();
    let listed = |rooms: &mut Rooms<u32>| -> Vec<(String, usize)> {
        let list = rooms.on_list(&1, NOON_MS).unwrap().list;
        list.into_iter().map(|entry| (entry.name.as_str().to_owned(), entry.people)).collect()
    };
    let garden = ("garden".to_owned(), 1);
    assert_eq!(listed(&mut rooms).len(), 4);
    assert!(listed(&mut rooms).contains(&garden));
    rooms.on_leave(&1, NOON_MS).unwrap();
    assert_eq!(listed(&mut rooms).len(), 3);
}

#[test]
fn a_client_that_asks_too_fast_is_slowed_and_others_are_not() {
    let mut rooms = rooms(Limits { burst: 4, calls_per_second: 1, ..Limits::default() });
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    join(&mut rooms, 2, "lobby", "Grace").unwrap();
    say(&mut rooms, 1, "one", "a").unwrap();
    say(&mut rooms, 1, "two", "b").unwrap();
    assert_eq!(say(&mut rooms, 1, "three", "c"), Err(Refused::TooFast));
    assert!(say(&mut rooms, 2, "one", "d").is_ok());
    let later = Say { room: "lobby".into(), text: "three".into(), key: key("c") };
    assert!(rooms.on_say(&1, later, NOON_MS + 1_000).is_ok());
}

#[test]
fn typing_is_told_with_its_number() {
    let mut rooms = rooms(Limits::default());
    join(&mut rooms, 1, "lobby", "Ada").unwrap();
    rooms.take_news();
    rooms.on_typing(&1, Typing { room: "lobby".into(), typing: true }, NOON_MS).unwrap();
    let told = serde_json::to_value(&rooms.take_news()[0].event).unwrap();
    assert_eq!(
        told,
        json!({"number": 2, "kind": "typing", "member": {"id": 1, "name": "Ada"}, "typing": true})
    );
}
