//! What the Lab's Dynodes ask: how many like it, and one more who does.
//!
//! Answers are short lists of operations, as JSON or as the script that historical Dynodes ran. Whatever the number becomes is
//! published as well, so that elements which follow the channel change with it. How often that happens is bounded here.

use std::time::Duration;

use comet::{Body, Publisher, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

/// Where the number is published.
pub const LIKES: &str = "/lab/likes";

/// Many who like it within this time are one piece of news.
const PAUSE: Duration = Duration::from_millis(100);

/// How many like it.
pub(crate) struct Likes {
    count: watch::Sender<u64>,
}

impl Default for Likes {
    fn default() -> Likes {
        Likes { count: watch::Sender::new(0) }
    }
}

impl Likes {
    /// Publishes the number whenever it has changed, until the server is gone.
    pub(crate) async fn run(self: std::sync::Arc<Likes>, publisher: Publisher) {
        let mut changes = self.count.subscribe();
        while changes.changed().await.is_ok() {
            let count = *changes.borrow_and_update();
            if let Err(error) = publisher.publish(LIKES, &json!({ "operations": [text(count)] })).await {
                tracing::debug!(%error, "nobody hears how many like it");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Answers a request for `name` under the Dynodes' path.
    pub(crate) fn answer(&self, name: &str, request: &Request<Body>) -> Response {
        match (name, request.method()) {
            // The field cannot be sent by a form of another site, nor by its scripts unless they ask first.
            ("like", &Method::POST) if request.headers().contains_key("dynode") => {
                self.count.send_modify(|count| *count += 1);
                let follow = json!({ "op": "subscribe", "channel": LIKES });
                let pressed = json!({ "op": "setAttribute", "name": "aria-pressed", "value": "true" });
                reply("application/json", json!({ "operations": [self.text(), pressed, follow] }).to_string())
            }
            ("like", &Method::POST) => status(StatusCode::FORBIDDEN),
            ("look", &Method::GET) => match request.uri().query().and_then(token) {
                Some(token) => {
                    let answer = json!({ "operations": [self.text()] });
                    reply(
                        "text/javascript; charset=utf-8",
                        format!("/**/Dynode.apply(\"{token}\",{answer});"),
                    )
                }
                None => status(StatusCode::BAD_REQUEST),
            },
            ("like" | "look", _) => status(StatusCode::METHOD_NOT_ALLOWED),
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    fn text(&self) -> Value {
        text(*self.count.borrow())
    }
}

fn text(count: u64) -> Value {
    json!({ "op": "setText", "text": count.to_string() })
}

/// The token of one script, if it is one: it is the only text of a request that comes back.
fn token(query: &str) -> Option<&str> {
    let token = query.split('&').find_map(|pair| pair.strip_prefix("dynode="))?;
    let digits = token.strip_prefix('d')?;
    (digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(token)
}

fn reply(media: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::full(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_form_or_none() {
        let good = "d0123456789abcdef0123456789abcdef";
        assert_eq!(token(&format!("dynode-type=click&dynode={good}")), Some(good));
        for bad in
            ["", "dynode=", "dynode=d01", "dynode=alert(1)", &format!("dynode={good}0"), &format!("x={good}")]
        {
            assert_eq!(token(bad), None, "{bad}");
        }
    }
}
