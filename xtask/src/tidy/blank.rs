//! Rust text without its comments and literals: what is left is code, so that a rule may search it for words. Lines and
//! columns stay where they are. Knows just enough of the grammar to see where comments and literals end.

/// Turns comments, strings and characters into spaces; line breaks stay.
pub(crate) fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => line_end(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => block_end(bytes, at),
            b'"' => string_end(bytes, at),
            b'r' if !follows_name(bytes, at) => raw_string_end(bytes, at),
            b'\'' => character_end(bytes, at),
            _ => at,
        };
        if end == at {
            at += 1;
            continue;
        }
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Whole literals were blanked, and they end on character boundaries; anything else would show as a replacement.
    String::from_utf8_lossy(&out).into_owned()
}

fn line_end(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| start + length)
}

fn block_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The end of `r"…"` or `r#"…"#`; `start` itself when what begins there is a name.
fn raw_string_end(bytes: &[u8], start: usize) -> usize {
    let hashes = bytes[start + 1..].iter().take_while(|&&byte| byte == b'#').count();
    if bytes.get(start + 1 + hashes) != Some(&b'"') {
        return start;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = start + 2 + hashes;
    let length = bytes[body..].windows(close.len()).position(|window| window == close);
    length.map_or(bytes.len(), |length| body + length + close.len())
}

/// The end of `'x'` or `'\n'`; `start` itself when what begins there is a lifetime.
fn character_end(bytes: &[u8], start: usize) -> usize {
    match bytes.get(start + 1) {
        Some(b'\\') => {
            let body = (start + 3).min(bytes.len());
            bytes[body..]
                .iter()
                .position(|&byte| byte == b'\'')
                .map_or(bytes.len(), |length| body + length + 1)
        }
        Some(&first) => {
            let width = match first {
                0..0x80 => 1,
                0xC0..0xE0 => 2,
                0xE0..0xF0 => 3,
                _ => 4,
            };
            if bytes.get(start + 1 + width) == Some(&b'\'') { start + 2 + width } else { start }
        }
        None => start,
    }
}

fn follows_name(bytes: &[u8], at: usize) -> bool {
    // `br"…"` and `cr"…"` are raw strings too, so those two letters alone are no name.
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match at.checked_sub(1).map(|before| bytes[before]) {
        Some(b'b' | b'c') => at >= 2 && part(bytes[at - 2]),
        Some(byte) => part(byte),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_become_spaces() {
        assert_eq!(blank("a // b\nc"), "a     \nc");
        assert_eq!(blank("a /* b /* c */ d */ e"), "a                   e");
        assert_eq!(blank(r#"f("a\"b", 'x', '\'')"#), "f(      ,    ,     )");
        assert_eq!(blank("g(r#\"a\"b\"#, br\"c\")"), "g(        , b    )");
    }

    #[test]
    fn lifetimes_and_names_stay() {
        assert_eq!(blank("fn f<'a>(r: &'a str) -> for_r"), "fn f<'a>(r: &'a str) -> for_r");
        assert_eq!(blank("var\"s\""), "var   ");
    }

    #[test]
    fn text_that_ends_too_early_is_no_trouble() {
        for text in ["\"abc", "/* abc", "r#\"abc", "'\\", "'", "'é"] {
            assert_eq!(blank(text).lines().count(), 1, "{text}");
        }
    }

    #[test]
    fn wide_characters_do_not_shift_lines() {
        let text = "let a = \"gr\u{fc}\u{df}\u{1f44b}\"; // \u{2028}\nlet b = '\u{fc}';\n";
        let code = blank(text);
        assert_eq!(code.lines().count(), text.split('\n').count() - 1);
        assert!(code.contains("let b =") && !code.contains('\u{fc}'), "{code}");
    }
}
