//! CometD's binary extension: bytes in the data of a message.

use bayeux::{BINARY_EXT, Binary};
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.into()).unwrap()
}

#[test]
fn bytes_are_written_as_the_clients_of_cometd_write_them() {
    let data = Binary { meta: Some(raw(r#"{"name":"a.png"}"#)), ..Binary::new([0x86, 0x4f, 0xd2, 0x6f]) };
    let written: Value = serde_json::from_str(data.encode().get()).unwrap();
    assert_eq!(written, json!({ "data": "Hello", "last": true, "meta": { "name": "a.png" } }));
    let read = Binary::decode(&data.encode()).unwrap();
    assert_eq!((read.bytes, read.last), (vec![0x86, 0x4f, 0xd2, 0x6f], true));
    assert_eq!(read.meta.unwrap().get(), r#"{"name":"a.png"}"#);
}

#[test]
fn what_is_no_binary_data_is_refused() {
    for data in ["1", "{}", r#"{"data":1}"#, r#"["Hello",true,null]"#, r#"{"data":"Hell"#] {
        let Ok(data) = RawValue::from_string(data.into()) else { continue };
        assert!(Binary::decode(&data).is_err(), "{data}");
    }
    let error = Binary::decode(&raw(r#"{"data":"no z85"}"#)).unwrap_err();
    assert_eq!(error.to_string(), "400:the binary data is not Z85:message_invalid");
    assert!(!Binary::decode(&raw(r#"{"data":""}"#)).unwrap().last, "only who says so is the last");
}

#[test]
fn the_ext_says_whether_data_is_binary() {
    assert!(Binary::is_said_by(Some(&raw(BINARY_EXT))));
    assert!(Binary::is_said_by(Some(&raw(r#"{"x":1,"binary":true}"#))));
    for ext in [r#"{"binary":false}"#, r#"{"binary":null}"#, "{}", r#"{"x":{"binary":{}}}"#] {
        assert!(!Binary::is_said_by(Some(&raw(ext))), "{ext}");
    }
    assert!(!Binary::is_said_by(None));
}
