//! Which pages may use the server.
//!
//! A browser says with every request whose page asks; here that is held against the host that was asked and
//! the configured list. Requests that name no origin come from programs, which no rule here can hold back.

use comet_wire::http::Head;

/// What a request's origin means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    /// No page of another site: its own, or no page at all.
    Own,
    /// A page of another site that may, and has to be told so.
    Allowed(&'a str),
    /// A page of another site that may not.
    Forbidden,
}

/// Judges a request that a browser sends with an `Origin` field where it matters.
pub(crate) fn judge<'a>(head: &Head<'a>, allowed: &[String]) -> Origin<'a> {
    let Some(origin) = head.origin() else {
        // Without an origin a browser still says when another site made it send the request.
        let foreign =
            head.field("sec-fetch-site").is_some_and(|site| site == b"cross-site" || site == b"same-site");
        return if foreign && !referer_allowed(head, allowed) { Origin::Forbidden } else { Origin::Own };
    };
    if head.host().is_some_and(|host| is_own(origin, host)) {
        Origin::Own
    } else if is_listed(origin, allowed) {
        Origin::Allowed(origin)
    } else {
        Origin::Forbidden
    }
}

/// Judges a script element's request, which carries no origin: the browser has to vouch for the page, by its
/// fetch metadata or by the referer.
pub(crate) fn judge_script(head: &Head<'_>, allowed: &[String]) -> bool {
    match head.field("sec-fetch-site") {
        Some(b"same-origin" | b"none") => true,
        _ => referer_allowed(head, allowed),
    }
}

fn referer_allowed(head: &Head<'_>, allowed: &[String]) -> bool {
    let Some(referer) = head.field("referer").and_then(|referer| std::str::from_utf8(referer).ok()) else {
        return false;
    };
    let Some((scheme, rest)) = referer.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let origin = format!("{scheme}://{authority}");
    head.host().is_some_and(|host| is_own(&origin, host)) || is_listed(&origin, allowed)
}

fn is_own(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
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
