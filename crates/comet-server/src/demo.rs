//! What the demo adds to a server.
//!
//! The applications bring their own rules and pages; here they are only put in. `/service/echo` answers
//! what it is sent, `/service/echo/event` sends it back as an event for clients that know no answers: for
//! first steps and for judges of clients.

use comet::{Builder, Call, Policy, Refusal, Reply};

/// Where `cargo xtask flash` puts movie and player of the `flash` transport, in the checkout of which this program was made.
const FLASH_FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clients/flash/out");

/// Puts the applications and the demo's own services into a server.
pub(crate) fn install<P: Policy>(builder: Builder<P>) -> Builder<P> {
    comet_app_gallery::install(builder)
        .configure(|config| config.flash.websocket = true)
        .flash_files(FLASH_FILES)
        .service("/service/echo", echo)
        .service("/service/echo/event", echo_event)
}

async fn echo(call: Call) -> Result<Reply, Refusal> {
    if call.is_binary() { Ok(Reply::binary(&call.binary()?)) } else { Ok(Reply::raw(call.data)) }
}

async fn echo_event(call: Call) -> Result<Reply, Refusal> {
    let sent = call.client.send(&call.channel, &call.data);
    sent.map_err(|fault| Refusal::because(fault.to_string()))?;
    Ok(Reply::none())
}
