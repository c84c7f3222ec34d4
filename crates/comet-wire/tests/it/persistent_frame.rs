//! Pages that never end: what stands in their heads, and that nothing can be slipped into them.

use comet_wire::persistent_frame::{
    Manner, Nonce, write_batch, write_beginning, write_escaped, write_refusal,
};

const NONCE: [u8; 16] = [0xab; 16];

fn beginning(manner: Manner<'_>, origin: Option<&str>) -> String {
    let mut out = Vec::new();
    write_beginning(&mut out, Nonce::new(NONCE), manner, origin, 0, true).expect("plain names");
    String::from_utf8(out).expect("a page is text")
}

#[test]
fn a_page_that_calls_names_no_origin() {
    let page = beginning(Manner::Call, None);
    let (head, body) = page.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(head.contains("script-src 'nonce-abababababababababababababababab'; frame-ancestors 'self'\r\n"));
    assert!(!head.contains("Origin-Agent-Cluster") && !head.contains("Access-Control"));
    assert!(body.contains("frameElement.comet") && !body.contains("postMessage"));
}

#[test]
fn messages_go_to_the_page_s_origin_alone() {
    let page = beginning(Manner::Message, Some("https://shop.example:8443"));
    assert!(page.contains("frame-ancestors https://shop.example:8443\r\n"));
    assert!(page.contains("parent.postMessage({comet:b},\"https://shop.example:8443\")"));
    assert!(beginning(Manner::Message, None).contains("parent.postMessage({comet:b},location.origin)"));
}

#[test]
fn a_shared_domain_is_set_and_asks_for_one_cluster() {
    let page = beginning(Manner::Domain("shop.example"), Some("https://www.shop.example"));
    assert!(page.contains("Origin-Agent-Cluster: ?0\r\n"));
    assert!(page.contains("document.domain=\"shop.example\";function p(b)"));
}

#[test]
fn names_that_say_more_than_a_name_are_refused_and_nothing_is_written() {
    for name in ["", "a b", "a;script-src *", "a'b", "a\"b", "a<b", "a\r\nb", "a\\b", "\u{2028}"] {
        for (manner, origin) in [(Manner::Message, Some(name)), (Manner::Domain(name), None)] {
            let mut out = Vec::new();
            let written = write_beginning(&mut out, Nonce::new(NONCE), manner, origin, 0, true);
            assert!(written.is_err() && out.is_empty(), "{name:?} in {manner:?}");
        }
    }
}

#[test]
fn padding_is_a_comment_and_the_end_of_the_connection_is_told() {
    let mut out = Vec::new();
    write_beginning(&mut out, Nonce::new(NONCE), Manner::Call, None, 1_000, false).expect("plain names");
    let page = String::from_utf8(out).expect("a page is text");
    assert!(page.contains(&format!("<!--{}-->", " ".repeat(1_000))));
    assert!(page.contains("Connection: close\r\n"));
}

#[test]
fn a_batch_is_one_script_in_one_chunk() {
    let mut out = Vec::new();
    write_batch(&mut out, Nonce::new(NONCE), [&b"{\"a\":1}"[..], b"2"].into_iter());
    let script = "<script nonce=\"abababababababababababababababab\">p([{\"a\":1},2])</script>";
    assert_eq!(String::from_utf8_lossy(&out), format!("{:x}\r\n{script}\r\n", script.len()));
    out.clear();
    write_batch(&mut out, Nonce::new(NONCE), std::iter::empty());
    assert!(String::from_utf8_lossy(&out).contains(">p([])</script>"));
}

#[test]
fn no_json_ends_a_script() {
    let mut out = Vec::new();
    let bodies = [r#""</script><!--]]>""#.as_bytes(), "\"\u{2028}\u{2029}\"".as_bytes()];
    write_escaped(&mut out, bodies.into_iter());
    let escaped = String::from_utf8(out).expect("JSON is text");
    assert!(!escaped.contains(['<', '>', '\u{2028}', '\u{2029}']), "{escaped}");
    let read: Vec<String> = serde_json::from_str(&format!("[{escaped}]")).expect("it is still JSON");
    assert_eq!(read, ["</script><!--]]>", "\u{2028}\u{2029}"]);
}

#[test]
fn a_refusal_has_nothing_in_it() {
    let mut out = Vec::new();
    write_refusal(&mut out, 403).expect("a status");
    let page = String::from_utf8(out).expect("a head is text");
    assert!(page.starts_with("HTTP/1.1 403 ") && page.ends_with("Content-Length: 0\r\n\r\n"), "{page}");
}
