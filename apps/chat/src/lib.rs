//! Chat: rooms in which people talk.
//!
//! The server's half of the application lives here, the page in `page/`. Rules are in `rooms` and know no
//! network; the keeper takes calls and endings from Comet one after the other, asks the rules, and publishes
//! what changed. The page shows nothing that did not come from here.
#![forbid(unsafe_code)]

mod keeper;
mod limits;
mod name;
mod news;
mod pace;
mod refused;
mod request;
mod room;
mod rooms;
mod text;

use comet::{Builder, Files, Policy};
use rust_embed::RustEmbed;

pub use limits::Limits;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/page"]
struct Page;

/// Adds the application's services, and reserves its channels for the server.
///
/// Calls go to `/service/chat/join`, `say`, `typing`, `leave` and `rooms`; what happens in a room is published on
/// `/chat/<room>`, what happens to the list of rooms on `/chat`.
pub fn install<P: Policy>(builder: Builder<P>, limits: Limits) -> Builder<P> {
    let (desk, keeper) = keeper::open(limits);
    let ending = desk.clone();
    builder
        .reserve("/chat")
        .reserve("/chat/**")
        .service("/service/chat/*", move |call| desk.clone().call(call))
        .on_session_end(move |client, _| ending.end(client))
        .on_start(move |publisher| drop(tokio::spawn(keeper.run(publisher))))
}

/// Adds the page at `/chat/`. It uses `/comet.js` and the gallery's `/shared/`.
pub fn pages(files: Files) -> Files {
    files.folder("/chat/", |name| Page::get(name).map(|file| file.data))
}
