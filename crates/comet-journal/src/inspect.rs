//! The files of the store below, held against the checksums that were written with them.
//!
//! The store checks much when it reads and some of it too late: a spoilt length makes it ask for more
//! memory than there is, and a list of tables that is gone makes it throw the tables away. So every
//! table and every list of tables is read once before it opens. The log is the business of `tail`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use crate::tail;

const CHUNK_BYTES: usize = 64 << 10;

/// Takes away a store that was only being made when its process died: its marker, which comes last, is
/// not there, and neither is anything else.
///
/// # Errors
/// `InvalidData` when the marker is missing and there is something, or was something `before`; whatever
/// else the system says.
pub(crate) fn marker(folder: &Path, before: bool) -> io::Result<()> {
    let length = match fs::metadata(folder.join("version")) {
        Ok(marker) => marker.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    if length > 0 {
        return Ok(());
    }
    let keyspaces = folder.join("keyspaces");
    let begun = keyspaces.try_exists()? && fs::read_dir(keyspaces)?.next().is_some();
    if before || begun || !tail::empty(folder)? {
        return Err(spoilt(folder, "the marker of the store is missing"));
    }
    if folder.try_exists()? { fs::remove_dir_all(folder) } else { Ok(()) }
}

/// Reads every table of every keyspace in the folder of a store.
///
/// # Errors
/// `InvalidData` when a file is not what it was when it was written, `NotFound` when one is missing, and
/// whatever else the system says.
pub(crate) fn tables(folder: &Path) -> io::Result<()> {
    let keyspaces = folder.join("keyspaces");
    if !keyspaces.try_exists()? {
        return Ok(());
    }
    for entry in fs::read_dir(keyspaces)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            keyspace(&entry.path())?;
        }
    }
    Ok(())
}

/// A keyspace names its list of tables with a checksum, and the list each table with one.
fn keyspace(folder: &Path) -> io::Result<()> {
    let tables = folder.join("tables");
    let current = match fs::read(folder.join("current")) {
        Ok(current) => current,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A keyspace that was only being made has no tables yet.
            let begun = tables.try_exists()? && fs::read_dir(&tables)?.next().is_some();
            return if begun { Err(spoilt(folder, "it has tables and no list of them")) } else { Ok(()) };
        }
        Err(error) => return Err(error),
    };
    let mut fields = &current[..];
    let (Some(list), Some(sum), Some([0])) = (number(&mut fields), sum(&mut fields), take(&mut fields))
    else {
        return Err(spoilt(folder, "the name of its list cannot be read"));
    };
    let list = folder.join(format!("v{list}"));
    check(&list, sum)?;
    // From here the list is what was written.
    let archive = sfa::Reader::new(&list).map_err(|error| spoilt(&list, &error.to_string()))?;
    let section = archive.toc().section(b"tables").ok_or_else(|| spoilt(&list, "it lists no tables"))?;
    let bytes = fs::read(&list)?;
    let from = usize::try_from(section.pos()).unwrap_or(usize::MAX);
    let to = from.saturating_add(usize::try_from(section.len()).unwrap_or(usize::MAX));
    let named = bytes.get(from..to).and_then(names).ok_or_else(|| spoilt(&list, "it cannot be read"))?;
    named.into_iter().try_for_each(|(table, sum)| check(&tables.join(table.to_string()), sum))
}

/// The tables of a list and their checksums: levels of runs of tables, each counted.
fn names(mut fields: &[u8]) -> Option<Vec<(u64, u128)>> {
    let mut found = Vec::new();
    let [levels] = take(&mut fields)?;
    for _ in 0..levels {
        let [runs] = take(&mut fields)?;
        for _ in 0..runs {
            for _ in 0..u32::from_le_bytes(take(&mut fields)?) {
                let table = number(&mut fields)?;
                let [0] = take(&mut fields)? else { return None };
                found.push((table, sum(&mut fields)?));
                // The number all its entries share, if they do.
                number(&mut fields)?;
            }
        }
    }
    fields.is_empty().then_some(found)
}

fn check(path: &Path, sum: u128) -> io::Result<()> {
    let mut file = File::open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    let mut hasher = Xxh3::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            length => hasher.update(&chunk[..length]),
        }
    }
    if hasher.digest128() == sum { Ok(()) } else { Err(spoilt(path, "its checksum is another one")) }
}

fn spoilt(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()))
}

fn take<const N: usize>(fields: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = fields.split_first_chunk::<N>()?;
    *fields = rest;
    Some(*field)
}

fn number(fields: &mut &[u8]) -> Option<u64> {
    take(fields).map(u64::from_le_bytes)
}

fn sum(fields: &mut &[u8]) -> Option<u128> {
    take(fields).map(u128::from_le_bytes)
}
