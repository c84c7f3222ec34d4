//! What a channel offers when nobody says otherwise.

use comet_bus::{ChannelOptions, Durability, Retention};

#[test]
fn by_default_a_channel_remembers_a_thousand_messages_in_memory_and_echoes() {
    let options = ChannelOptions::default();
    assert_eq!(
        options.history,
        Retention { messages: 1_000, bytes: 1 << 20, age_ms: 300_000, newest: false }
    );
    assert_eq!((options.durability, options.echo, options.presence), (Durability::Memory, true, false));
}

#[test]
fn durabilities_have_an_order_and_names() {
    let all = [Durability::Memory, Durability::Stored, Durability::Fsync];
    assert!(all.is_sorted());
    assert_eq!(all.map(Durability::name), ["memory", "stored", "fsync"]);
}

#[test]
fn a_retention_with_a_zero_remembers_nothing() {
    let some = Retention { messages: 1, bytes: 1, age_ms: 1, newest: false };
    assert!(!some.is_none());
    for none in [
        Retention::NONE,
        Retention { messages: 0, ..some },
        Retention { bytes: 0, ..some },
        Retention { age_ms: 0, ..some },
    ] {
        assert!(none.is_none(), "{none:?}");
    }
}
