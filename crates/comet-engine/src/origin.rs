//! Which pages may use the server.
//!
//! A browser says with every request whose page asks; here that is held against the host that was asked and
//! the configured list. Requests that name no origin come from programs, which no rule here can hold back.

use comet_wire::http::Head;

/// What the head of a request says of where it comes from: the values of its fields, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claim<'a> {
    /// `Host`.
    pub host: Option<&'a [u8]>,
    /// `Origin`.
    pub origin: Option<&'a [u8]>,
    /// `Sec-Fetch-Site`.
    pub site: Option<&'a [u8]>,
    /// `Referer`.
    pub referer: Option<&'a [u8]>,
}

/// What a request's origin means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// No page of another site: its own, or no page at all.
    Own,
    /// A page of another site that may, and has to be told so.
    Allowed(&'a str),
    /// A page of another site that may not.
    Forbidden,
}

impl<'a> Claim<'a> {
    fn of(head: &Head<'a>) -> Claim<'a> {
        Claim {
            host: head.host().map(str::as_bytes),
            origin: head.origin().map(str::as_bytes),
            site: head.field("sec-fetch-site"),
            referer: head.field("referer"),
        }
    }

    /// Judges a request that a browser sends with an `Origin` field where it matters. Pages of the `allowed`
    /// origins may use the server beside its own.
    pub fn judge(&self, allowed: &[String]) -> Origin<'a> {
        let Some(origin) = self.origin else {
            // Without an origin a browser still says when another site made it send the request.
            let foreign = self.site.is_some_and(|site| site == b"cross-site" || site == b"same-site");
            return if foreign && !self.referer_allowed(allowed) { Origin::Forbidden } else { Origin::Own };
        };
        match std::str::from_utf8(origin) {
            Ok(origin) if self.is_own(origin) => Origin::Own,
            Ok(origin) if is_listed(origin, allowed) => Origin::Allowed(origin),
            _ => Origin::Forbidden,
        }
    }

    fn referer_allowed(&self, allowed: &[String]) -> bool {
        let Some(referer) = self.referer.and_then(|referer| std::str::from_utf8(referer).ok()) else {
            return false;
        };
        let Some((scheme, rest)) = referer.split_once("://") else { return false };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let origin = format!("{scheme}://{authority}");
        self.is_own(&origin) || is_listed(&origin, allowed)
    }

    fn is_own(&self, origin: &str) -> bool {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority
            .zip(self.host)
            .is_some_and(|(authority, host)| authority.as_bytes().eq_ignore_ascii_case(host))
    }
}

/// Judges a request under a mount.
pub(crate) fn judge<'a>(head: &Head<'a>, allowed: &[String]) -> Origin<'a> {
    Claim::of(head).judge(allowed)
}

/// Judges a script element's request, which carries no origin: the browser has to vouch for the page, by its
/// fetch metadata or by the referer.
pub(crate) fn judge_script(head: &Head<'_>, allowed: &[String]) -> bool {
    match head.field("sec-fetch-site") {
        Some(b"same-origin" | b"none") => true,
        _ => Claim::of(head).referer_allowed(allowed),
    }
}

fn is_listed(origin: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|listed| listed.eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
    use comet_wire::http::{HeadLimits, Parsed, parse_head};

    use super::*;

    fn judged(fields: &str) -> String {
        let text = format!("POST /cometd HTTP/1.1\r\nHost: shop.example:8000\r\n{fields}\r\n");
        let Ok(Parsed::Complete { head, .. }) = parse_head(text.as_bytes(), &HeadLimits::default()) else {
            panic!("{text} is a head");
        };
        format!("{:?}", judge(&head, &["https://partner.example".into()]))
    }

    #[test]
    fn the_server_s_own_pages_and_programs_may() {
        assert_eq!(judged(""), "Own");
        assert_eq!(judged("Origin: http://shop.example:8000\r\n"), "Own");
        assert_eq!(judged("Origin: HTTPS://SHOP.example:8000\r\n"), "Forbidden");
        assert_eq!(judged("Origin: https://Shop.Example:8000\r\n"), "Own");
    }

    #[test]
    fn a_listed_site_may_and_is_named() {
        assert_eq!(judged("Origin: https://partner.example\r\n"), "Allowed(\"https://partner.example\")");
    }

    #[test]
    fn look_alikes_may_not() {
        for origin in [
            "null",
            "https://partner.example.evil",
            "https://xpartner.example",
            "http://partner.example",
            "https://partner.example:444",
            "http://shop.example",
            "http://shop.example:80001",
        ] {
            assert_eq!(judged(&format!("Origin: {origin}\r\n")), "Forbidden", "{origin}");
        }
    }

    #[test]
    fn a_foreign_page_that_hides_its_origin_may_not() {
        assert_eq!(judged("Sec-Fetch-Site: cross-site\r\n"), "Forbidden");
        assert_eq!(judged("Sec-Fetch-Site: cross-site\r\nReferer: https://partner.example/x\r\n"), "Own");
    }
}
