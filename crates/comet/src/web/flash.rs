//! What of the server is for Flash and comes over HTTP: the policy, and the movie with its player.
//!
//! The policy is the engine's word. Movie and player are no part of the program: they lie in folders that whoever runs it has
//! made, and are read when they are asked for. Which of them there are is decided by their names alone.

use std::path::PathBuf;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Request, StatusCode};

use super::{Body, Response, error, file, full};

/// The media type of `/crossdomain.xml`; as any other it would count only under that name.
const POLICY_MEDIA: &str = "text/x-cross-domain-policy";
/// Where movie and player are served.
const FOLDER: &str = "/comet/flash/";
/// The longest name of a file, with its folder.
const NAME_BYTES: usize = 100;

/// What is there for Flash over HTTP.
#[derive(Default)]
pub(crate) struct FlashFiles {
    policy: Option<Bytes>,
    folders: Vec<PathBuf>,
}

impl FlashFiles {
    pub(crate) fn new(policy: Option<&str>, folders: Vec<PathBuf>) -> FlashFiles {
        FlashFiles { policy: policy.map(|policy| Bytes::from(policy.to_owned())), folders }
    }

    /// The answer for a path, if it is one of these; the request, if it is not. The words of players on who may read this
    /// server with its visitors' cookies are said here alone, and pages cannot say others.
    pub(crate) async fn serve(&self, request: Request<Body>) -> Result<Response, Request<Body>> {
        let path = request.uri().path();
        match (path, &self.policy) {
            ("/crossdomain.xml", Some(policy)) => {
                let mut response = full(policy.clone());
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(POLICY_MEDIA));
                response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
                return Ok(response);
            }
            ("/crossdomain.xml" | "/clientaccesspolicy.xml", _) => {
                return Ok(error(StatusCode::NOT_FOUND, "path_unknown", "There is nothing at this path."));
            }
            _ => {}
        }
        let Some(name) = path.strip_prefix(FOLDER).filter(|name| is_name(name)).map(str::to_owned) else {
            return Err(request);
        };
        let Some(data) = self.read(&name).await else { return Err(request) };
        let mut response = file::answer(&request, &name, data.into());
        // A page in a sandbox is nobody's, and may show what everybody may read.
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        Ok(response)
    }

    /// The file of this name in the first folder that has it.
    async fn read(&self, name: &str) -> Option<Vec<u8>> {
        for folder in &self.folders {
            let path = folder.join(name);
            let read = tokio::task::spawn_blocking(move || std::fs::read(path));
            if let Ok(Ok(data)) = read.await {
                return Some(data);
            }
        }
        None
    }
}

/// Whether this names a file of the folder or of one folder in it, and nothing that is hidden or elsewhere.
fn is_name(name: &str) -> bool {
    let plain = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    name.len() <= NAME_BYTES && name.split('/').all(plain) && name.split('/').count() <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        for name in ["bridge.swf", "ruffle/ruffle.js", "ruffle/core.ruffle.c80159b526e567babaf5.js"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "..",
            "../x",
            "a/../b",
            "a//b",
            "/etc/passwd",
            ".npmrc",
            "a/.git",
            "a/b/c",
            "a%2f",
            "a\\b",
            "é",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
