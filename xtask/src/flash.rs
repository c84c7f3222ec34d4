//! `cargo xtask flash`: the movie of the `flash` transport from its source, and the player for it. Haxe and npm do the work,
//! and are brought in where they are missing; what comes of it lies in `clients/flash/out`, where `comet demo` serves it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{process, setup};

const FOLDER: &str = "clients/flash";
const PLAYER: &str = "node_modules/@ruffle-rs/ruffle";
const LIMIT: Duration = Duration::from_secs(120);

/// Makes the movie and puts the player beside it.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    setup::for_flash(workspace)?;
    let folder = workspace.root().join(FOLDER);
    let out = folder.join("out/ruffle");
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    process::run(Command::new("haxe").arg("build.hxml").current_dir(&folder), LIMIT)?;
    copy_player(&folder.join(PLAYER), &out)
}

/// Its scripts, its programs and its licences; not its maps, which are for its makers.
fn copy_player(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.ends_with(".js") || name.ends_with(".wasm") || name.starts_with("LICENSE") {
            fs::copy(&path, to.join(name)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}
