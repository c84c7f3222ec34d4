//! The ledger: what was acknowledged, under which boot, and whether the end was orderly.
//!
//! The store drops the tail of its log when it cannot read it, which is right for a write that was
//! cut short and wrong for one that was acknowledged. The ledger is a small file beside it that knows
//! the number of the last acknowledged group, so that the two can be told apart. It is written before
//! every acknowledgement, in two places by turns: a write that is cut short spoils one of them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

const MAGIC: &[u8; 8] = b"cometjl1";
/// The places lie in different sectors, whatever their size.
const PLACES: [u64; 2] = [0, 4096];
const MAX_BOOT_ID: usize = 64;
const LENGTH: usize = 8 + 8 + 8 + 8 + 1 + 1 + MAX_BOOT_ID + 8;

/// What the ledger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The last acknowledged group.
    pub(crate) group: u64,
    /// The last group that was known to be on the device.
    pub(crate) synced: u64,
    /// The journal was closed, and everything is on the device.
    pub(crate) clean: bool,
    /// The boot under which this was written.
    pub(crate) boot_id: Option<String>,
}

/// The file.
pub(crate) struct Ledger {
    file: File,
    line: Line,
    count: u64,
}

impl Ledger {
    /// Reads the ledger at `path`; `None` when there is no such file.
    ///
    /// # Errors
    /// `InvalidData` when neither place can be read, and whatever the system says.
    pub(crate) fn open(path: &Path) -> io::Result<Option<(Ledger, Line)>> {
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut newest: Option<(u64, Line)> = None;
        for place in PLACES {
            file.seek(SeekFrom::Start(place))?;
            let mut bytes = Vec::with_capacity(LENGTH);
            Read::by_ref(&mut file).take(LENGTH as u64).read_to_end(&mut bytes)?;
            let found = read(&bytes);
            if found.as_ref().is_some_and(|found| newest.as_ref().is_none_or(|newest| found.0 > newest.0)) {
                newest = found;
            }
        }
        let (count, line) =
            newest.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the ledger is garbled"))?;
        Ok(Some((Ledger { file, line: line.clone(), count }, line)))
    }

    /// Makes a ledger at `path`. It is there whole or not at all, also after a power cut.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(crate) fn create(path: &Path, line: Line) -> io::Result<Ledger> {
        let unfinished = path.with_extension("new");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&unfinished)?;
        let mut ledger = Ledger { file, line, count: 0 };
        ledger.write()?;
        ledger.write()?;
        ledger.file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        Ok(ledger)
    }

    /// What it says.
    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    /// Notes what is true from now on, so that it survives the process.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(crate) fn acknowledge(&mut self, group: u64, synced: bool) -> io::Result<()> {
        self.line.group = group;
        if synced {
            self.line.synced = group;
        }
        self.write()
    }

    /// Notes what is true from now on, so that it survives a power cut: both places say it.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(crate) fn settle(&mut self, line: Line) -> io::Result<()> {
        self.line = line;
        self.write()?;
        self.file.sync_data()?;
        self.write()?;
        self.file.sync_data()
    }

    fn write(&mut self) -> io::Result<()> {
        self.count += 1;
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(MAGIC);
        bytes.extend(self.count.to_be_bytes());
        bytes.extend(self.line.group.to_be_bytes());
        bytes.extend(self.line.synced.to_be_bytes());
        bytes.push(u8::from(self.line.clean));
        let name = self.line.boot_id.as_deref().unwrap_or("").as_bytes();
        let name = &name[..name.len().min(MAX_BOOT_ID)];
        // No longer than MAX_BOOT_ID.
        bytes.push(name.len() as u8);
        bytes.extend(name);
        bytes.resize(LENGTH - 8, 0);
        bytes.extend(xxh3_64(&bytes).to_be_bytes());
        let place = PLACES[(self.count % 2) as usize];
        self.file.seek(SeekFrom::Start(place))?;
        self.file.write_all(&bytes)
    }
}

fn read(bytes: &[u8]) -> Option<(u64, Line)> {
    let (body, sum) = bytes.split_last_chunk::<8>()?;
    if bytes.len() != LENGTH || xxh3_64(body) != u64::from_be_bytes(*sum) {
        return None;
    }
    let rest = body.strip_prefix(MAGIC)?;
    let (count, rest) = rest.split_first_chunk::<8>()?;
    let (group, rest) = rest.split_first_chunk::<8>()?;
    let (synced, rest) = rest.split_first_chunk::<8>()?;
    let (&[clean, length], rest) = rest.split_first_chunk::<2>()?;
    let name = std::str::from_utf8(rest.get(..usize::from(length))?).ok()?;
    let line = Line {
        group: u64::from_be_bytes(*group),
        synced: u64::from_be_bytes(*synced),
        clean: clean == 1,
        boot_id: (!name.is_empty()).then(|| name.to_string()),
    };
    Some((u64::from_be_bytes(*count), line))
}
