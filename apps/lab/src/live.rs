//! What the Lab answers anew each time: the number for those who ask, the page that is loaded again and again, the time.
//!
//! These are the ways from before Comet, so they are plain requests. Everything else goes on to the pages behind.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use comet::{Body, Files, Response};
use http::Request;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use tower_service::Service;

use crate::counter::{Counter, now_ms};
use crate::dynode::Likes;

const PAGE: &str = "/lab/";
const PATH: &str = "/lab/live/";
const DYNODES: &str = "/lab/live/dynode/";

/// The page that is loaded again and again stands in a frame of the Lab and runs nothing.
const CONTENT_SECURITY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// What the Lab's own page may do: what the gallery's may, and play a movie. Its player is compiled code, and wants a worker
/// for hidden tabs; no text becomes code. The hashes are of the player's styles, one of them empty.
const PAGE_SECURITY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self' 'sha256-ZIjaRjeEPeLGAC12l3LyXix5OaO8O47vn20DODh/FcE=' \
     'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; img-src 'self' data:; \
     connect-src 'self' ws: wss:; frame-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers `/lab/live/number.json`, `now.json`, `page.html`, and Dynodes under `dynode/`; the rest is `S`'s.
#[derive(Clone)]
pub struct Live<S> {
    files: Files,
    likes: Arc<Likes>,
    rest: S,
}

impl<S> Live<S> {
    pub(crate) fn new(counter: Arc<Counter>, likes: Arc<Likes>, rest: S) -> Live<S> {
        let files = Files::new()
            .folder(PATH, move |name| Some(answer(name, &counter)?.into_bytes().into()))
            .header(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY))
            .header(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
            .header(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Live { files, likes, rest }
    }
}

fn answer(name: &str, counter: &Counter) -> Option<String> {
    let tick = counter.newest();
    Some(match name {
        "number.json" => format!("{{\"number\":{},\"at_ms\":{}}}", tick.number, tick.at_ms),
        "now.json" => format!("{{\"now_ms\":{}}}", now_ms()),
        "page.html" => page(tick.number, tick.at_ms),
        _ => return None,
    })
}

/// A page as they were: all of it comes anew for one number. The frame it stands in reads the number from its text.
fn page(number: u64, at_ms: u64) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"refresh\" content=\"3\">\n<title>The counter</title>\n\
         <link rel=\"stylesheet\" href=\"/lab/classic.css\">\n</head>\n<body>\n\
         <p>The counter stands at</p>\n\
         <p><data id=\"number\" value=\"{at_ms}\">{number}</data></p>\n</body>\n</html>\n"
    )
}

impl<S> Service<Request<Body>> for Live<S>
where
    S: Service<
            Request<Body>,
            Response = Response,
            Error = Infallible,
            Future = Ready<Result<Response, Infallible>>,
        >,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.rest.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        if let Some(name) = path.strip_prefix(DYNODES) {
            ready(Ok(self.likes.answer(name, &request)))
        } else if path.starts_with(PATH) {
            self.files.call(request)
        } else {
            let is_page = path == PAGE;
            let Ok(mut response) = self.rest.call(request).into_inner();
            if is_page {
                let policy = HeaderValue::from_static(PAGE_SECURITY);
                response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
            }
            ready(Ok(response))
        }
    }
}
