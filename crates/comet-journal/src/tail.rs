//! The end of a log after a power cut.
//!
//! Pages of a file reach the device in any order, so the last batches of the store's log may be there
//! in part, and then the store refuses to open. This module finds the end of the last whole batch and
//! cuts the log there; what was acknowledged with a sync lies before it. It knows the form of the log
//! of the minor version that the workspace names, and changes nothing when it cannot read it.

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
/// Whatever the system says, and `InvalidData` when the log does not begin with a whole batch.
pub(crate) fn cut(folder: &Path) -> io::Result<()> {
    let Some(path) = newest_log(folder)? else { return Ok(()) };
    let bytes = fs::read(&path)?;
    let end = whole(&bytes);
    if end == 0 && bytes.iter().any(|&byte| byte != 0) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the log does not begin with a whole batch"));
    }
    let last = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    if last > end {
        fs::write(folder.with_file_name("torn"), &bytes[end..last])?;
    }
    let file = OpenOptions::new().write(true).open(&path)?;
    file.set_len(end as u64)?;
    file.sync_all()
}

/// The log that is written to: the one with the highest number.
fn newest_log(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".jnl"));
        if let Some(number) = name.and_then(|name| name.parse().ok())
            && newest.as_ref().is_none_or(|newest| newest.0 < number)
        {
            newest = Some((number, path));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

/// How many bytes at the front of a log are whole batches.
pub(crate) fn whole(bytes: &[u8]) -> usize {
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
