//! The Lab: every technique side by side, with its figures and its wire.
//!
//! The server's half lives here: a counter that counts for everybody, told to subscribers and, for the techniques that
//! came before Comet, to whoever asks. What the page makes of it is in `page/`; all figures are taken there.
#![forbid(unsafe_code)]

mod counter;
mod dynode;
mod live;
mod picture;

use std::sync::Arc;

use comet::{Builder, Files, Policy};
use rust_embed::RustEmbed;

use counter::Counter;
pub use counter::{CHANNEL, PERIOD};
pub use dynode::LIKES;
use dynode::Likes;
pub use live::Live;
pub use picture::PICTURES;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/page"]
struct Page;

/// One Lab: its counter, which its channel and its pages tell, and what its Dynodes ask.
#[derive(Clone, Default)]
pub struct Lab {
    counter: Arc<Counter>,
    likes: Arc<Likes>,
}

impl Lab {
    /// Adds the counter, and keeps its channel for the server: [`CHANNEL`] tells `{"number":…,"at_ms":…}` every
    /// [`PERIOD`], in unix milliseconds of the server. [`LIKES`] tells what Dynodes have changed, and [`PICTURES`] has
    /// each number drawn, for `/images`.
    pub fn install<P: Policy>(&self, builder: Builder<P>) -> Builder<P> {
        let (counter, likes) = (self.counter.clone(), self.likes.clone());
        builder
            .reserve(CHANNEL)
            .reserve(LIKES)
            .reserve(PICTURES)
            .on_start(move |publisher| drop(tokio::spawn(counter.run(publisher))))
            .on_start(move |publisher| drop(tokio::spawn(likes.run(publisher))))
    }

    /// Adds the page at `/lab/`. It uses `/comet.js` and the gallery's `/shared/`.
    pub fn pages(&self, files: Files) -> Files {
        files.folder("/lab/", |name| Page::get(name).map(|file| file.data))
    }

    /// Puts what the Lab answers by itself, at `/lab/live/`, before other pages.
    pub fn live<S>(&self, rest: S) -> Live<S> {
        Live::new(self.counter.clone(), self.likes.clone(), rest)
    }
}
