//! A subscriber that speaks the protocol itself, on every transport and from one to the other.
//!
//! Its session runs on a thread; here that becomes what a scenario waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use super::session::Session;
use super::{Link, Subscriber, Told};

/// What may wait to be told; the session waits for room beyond that.
const WAITING: usize = 4_096;

/// A session on a thread of its own.
pub struct ScriptedSubscriber {
    told: mpsc::Receiver<Option<Told>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Subscriber for ScriptedSubscriber {
    async fn come(link: Link) -> Result<ScriptedSubscriber, String> {
        let (sender, mut told) = mpsc::channel(WAITING);
        let over = Arc::<AtomicBool>::default();
        let name = format!("subscriber-{}", link.number);
        let session = Session::new(link, sender, over.clone());
        let thread = std::thread::Builder::new().name(name).spawn(move || session.run());
        let thread = Some(thread.map_err(|error| error.to_string())?);
        match tokio::time::timeout(crate::PATIENCE, told.recv()).await {
            Ok(Some(None)) => Ok(ScriptedSubscriber { told, over, thread }),
            other => {
                over.store(true, Ordering::Relaxed);
                Err(format!("it does not begin to listen: {other:?}"))
            }
        }
    }

    async fn next(&mut self) -> Option<Told> {
        match self.told.recv().await {
            Some(told) => told,
            None => {
                // The thread ends by itself only when it panics: that is the scenario's panic.
                if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
                    std::panic::resume_unwind(panic);
                }
                None
            }
        }
    }

    async fn leave(mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.told.close();
        while self.told.recv().await.is_some() {}
        let Some(thread) = self.thread.take() else { return };
        // The session looks up after its held connect.
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        if let Ok(Err(panic)) = joined {
            std::panic::resume_unwind(panic);
        }
    }
}
