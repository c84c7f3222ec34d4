//! The end of the log, after a death or a power cut.
//!
//! A process that dies leaves its last batch in part, and after a power cut pages are missing anywhere
//! behind the last sync. The log is cut here behind its last whole batch, before the store reads it;
//! whether anything acknowledged went with the rest is for the ledger to say. The form of the log is
//! that of the minor version of the store that the workspace names.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const TRAILER: &[u8] = b"FJL\x03";

/// Cuts the newest log in the folder of a store behind its last whole batch. The bytes cut off are kept
/// beside the folder in the file `torn`, in the place of earlier ones.
///
/// # Errors
/// `InvalidData` when an older log, which was synced when the next one was begun, is not whole, and
/// whatever the system says.
pub(crate) fn cut(folder: &Path) -> io::Result<()> {
    let mut logs = logs(folder)?;
    let newest = logs.pop();
    for (_, path) in logs {
        let bytes = fs::read(&path)?;
        let whole = whole(&bytes);
        if used(&bytes) > whole {
            let words = format!("{}: it is not whole behind {whole}", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
    }
    let Some((_, path)) = newest else { return Ok(()) };
    let bytes = fs::read(&path)?;
    let (whole, used) = (whole(&bytes), used(&bytes));
    if used > whole {
        fs::write(folder.with_file_name("torn"), &bytes[whole..used])?;
        let file = OpenOptions::new().write(true).open(&path)?;
        file.set_len(whole as u64)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Nothing was written to any log in the folder of a store.
///
/// # Errors
/// Whatever the system says.
pub(crate) fn empty(folder: &Path) -> io::Result<bool> {
    for (_, path) in logs(folder)? {
        if used(&fs::read(path)?) > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The logs in the order of their numbers; the last one is written to.
fn logs(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    if folder.try_exists()? {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(number) = name.and_then(|name| name.strip_suffix(".jnl")?.parse().ok()) {
                found.push((number, path));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Where the last byte that is not zero ends: behind it a log has room for more.
fn used(bytes: &[u8]) -> usize {
    const PAGE: [u8; 4096] = [0; 4096];
    let mut rest = bytes;
    while let Some(front) = rest.strip_suffix(&PAGE) {
        rest = front;
    }
    rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)
}

/// How many bytes at the front of a log are whole batches.
fn whole(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(length) = bytes.get(end..).and_then(batch) {
        end += length;
    }
    end
}

/// The length of the whole batch at the front: a start that counts its items, the items, and an end with
/// their checksum.
fn batch(bytes: &[u8]) -> Option<usize> {
    let (&[START, a, b, c, d], _) = bytes.split_first_chunk::<5>()? else { return None };
    // The sequence number follows the count.
    let first = 1 + 4 + 8;
    let mut at = first;
    for _ in 0..u32::from_le_bytes([a, b, c, d]) {
        at += item(bytes.get(at..)?)?;
    }
    let items = bytes.get(first..at)?;
    let (&tag, end) = bytes.get(at..)?.split_first()?;
    let (sum, end) = end.split_first_chunk::<8>()?;
    let whole = tag == END && end.starts_with(TRAILER) && xxh3_64(items) == u64::from_le_bytes(*sum);
    whole.then_some(at + 1 + 8 + TRAILER.len())
}

/// The length of the item at the front.
fn item(bytes: &[u8]) -> Option<usize> {
    // Tag, kind of value, kind of compression (none is used), keyspace.
    let (&[ITEM, _, 0], rest) = bytes.split_first_chunk::<3>()? else { return None };
    let (_, rest) = rest.split_first_chunk::<8>()?;
    let (key, rest) = rest.split_first_chunk::<2>()?;
    let (value, rest) = rest.split_first_chunk::<4>()?;
    let (on_disk, rest) = rest.split_first_chunk::<4>()?;
    if value != on_disk {
        return None;
    }
    let value = u32::from_le_bytes(*value) as usize;
    let content = value.checked_add(usize::from(u16::from_le_bytes(*key)))?;
    (rest.len() >= content).then_some(3 + 8 + 2 + 4 + 4 + content)
}
