//! The request target: which form it has and where its path and query stand.
//!
//! Origin form, absolute form and the asterisk of OPTIONS are understood, everything else is refused. The
//! target is cut but not decoded; decoding a path is the business of `path`.

use super::head::{HeadError, Method};

/// A target cut into the parts that matter for routing.
pub(crate) struct Target<'a> {
    /// Host and port of an absolute target.
    pub(crate) authority: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) fn read(target: &'a str, method: Method) -> Result<Self, HeadError> {
        if target == "*" {
            return match method {
                Method::Options => Ok(Self { authority: None, path: target, query: None }),
                _ => Err(HeadError::Target),
            };
        }
        if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(HeadError::Target);
        }
        let (authority, rest) = match target.strip_prefix('/') {
            Some(_) => (None, target),
            None => {
                let after = strip_scheme(target).ok_or(HeadError::Target)?;
                let end = after.find(['/', '?']).unwrap_or(after.len());
                (Some(&after[..end]), &after[end..])
            }
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        Ok(Self { authority, path: if path.is_empty() { "/" } else { path }, query })
    }
}

fn strip_scheme(target: &str) -> Option<&str> {
    ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

/// Whether `value` can be a `Host`: not empty and nothing that would end or split an authority.
pub(crate) fn is_authority(value: &[u8]) -> bool {
    !value.is_empty()
        && value.iter().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'.' | b'-'
                        | b'_'
                        | b':'
                        | b'['
                        | b']'
                        | b'%'
                        | b'~'
                        | b'!'
                        | b'$'
                        | b'&'
                        | b'\''
                        | b'('
                        | b')'
                        | b'*'
                        | b'+'
                        | b'='
                )
        })
}
