//! Writing JSON objects field by field.
//!
//! Only the punctuation and the escapes live here; which fields a message has is decided by its writer. Values go
//! straight into the caller's buffer, and raw values are copied as they came.

/// An object being written. Dropping it unclosed leaves the text unfinished.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    separator: u8,
}

impl<'a> Object<'a> {
    /// Opens the brace.
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Object<'a> {
        Object { out, separator: b'{' }
    }

    /// Goes on with an object that was left unfinished, or opens one in an empty buffer.
    pub(crate) fn reopen(out: &'a mut Vec<u8>) -> Object<'a> {
        let separator = if out.is_empty() { b'{' } else { b',' };
        Object { out, separator }
    }

    /// A field holding text.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        write_text(self.key(key), value);
    }

    /// A field holding a value that is already JSON.
    pub(crate) fn raw(&mut self, key: &str, value: &str) {
        self.key(key).extend_from_slice(value.as_bytes());
    }

    /// A field holding a number.
    pub(crate) fn number(&mut self, key: &str, value: u64) {
        self.key(key).extend_from_slice(value.to_string().as_bytes());
    }

    /// A field holding true or false.
    pub(crate) fn truth(&mut self, key: &str, value: bool) {
        self.raw(key, if value { "true" } else { "false" });
    }

    /// A field holding a list of texts.
    pub(crate) fn texts<'t>(&mut self, key: &str, values: impl Iterator<Item = &'t str>) {
        let out = self.key(key);
        out.push(b'[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_text(out, value);
        }
        out.push(b']');
    }

    /// A field that is already written, with its key.
    pub(crate) fn member(&mut self, member: &str) {
        self.out.push(self.separator);
        self.separator = b',';
        self.out.extend_from_slice(member.as_bytes());
    }

    /// Begins a field; its value is whatever is written to the buffer next.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.push(self.separator);
        self.separator = b',';
        write_text(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// Closes the brace.
    pub(crate) fn close(self) {
        if self.separator == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("text can always be written to memory");
}
