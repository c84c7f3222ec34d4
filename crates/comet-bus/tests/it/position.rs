//! Positions as text and as JSON.

use comet_bus::Position;
use proptest::prelude::*;

#[test]
fn an_epoch_that_was_not_written_here_is_no_epoch() {
    for epoch in
        ["", "0x1", "+1", "-1", "A", "fF", " 1", "1 ", "00", "01", "g", "1_0", "10000000000000000", "é"]
    {
        assert_eq!(Position::parse(epoch, 1), None, "{epoch:?}");
    }
    assert_eq!(Position::parse("0", 0), Some(Position { epoch: 0, offset: 0 }));
    assert_eq!(Position::parse("ffffffffffffffff", 5), Some(Position { epoch: u64::MAX, offset: 5 }));
}

#[test]
fn a_position_in_json_is_an_epoch_in_text_and_an_offset() {
    let mut out = Vec::new();
    Position { epoch: 0x2a, offset: 3 }.write_json(&mut out);
    assert_eq!(out, br#"{"epoch":"2a","offset":3}"#);
    assert_eq!(Position { epoch: 0x2a, offset: 3 }.to_string(), "2a-3");
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(epoch: u64, offset: u64) {
        let position = Position { epoch, offset };
        let mut out = Vec::new();
        position.write_json(&mut out);
        let text = String::from_utf8(out).unwrap();
        let written = text.split('"').nth(3).unwrap();
        prop_assert_eq!(Position::parse(written, offset), Some(position));
    }
}
