//! A service that answers when the test opens its door: calls stay open as long as a story needs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use comet::{Call, Refusal, Reply};
use tokio::sync::Semaphore;

/// What a service gives back.
type Answering = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send>>;

/// A closed door, and a service that answers each call with its own data after `before_answer`, once for every permit
/// that is added to the door.
pub(crate) fn closed_door(
    before_answer: impl Fn(&Call) + Clone + Send + Sync + 'static,
) -> (Arc<Semaphore>, impl Fn(Call) -> Answering + Send + Sync + 'static) {
    let door = Arc::new(Semaphore::new(0));
    let shut = door.clone();
    let service = move |call: Call| -> Answering {
        let (shut, before_answer) = (shut.clone(), before_answer.clone());
        Box::pin(async move {
            shut.acquire().await.expect("the door is not removed").forget();
            before_answer(&call);
            Ok(Reply::raw(call.data))
        })
    };
    (door, service)
}
