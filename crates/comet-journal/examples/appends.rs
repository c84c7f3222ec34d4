//! Appends a second, by how many writers wait at a time.
//!
//! Each writer appends one record and waits for its acknowledgement before the next. The first argument
//! is the directory in which the journals are made and left; without one it is the system's temporary
//! directory, which may not be on a disk.

use std::error::Error;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use comet_bus::Durability;
use comet_bus::Position;
use comet_bus::journal::Record;
use comet_journal::{Config, Writer};

const EVENT_BYTES: usize = 200;
const RUN: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let place = place.join(format!("comet-journal-appends-{}", std::process::id()));
    for durability in [Durability::Fsync, Durability::Stored] {
        for writers in [1, 16, 256] {
            measure(&place.join(format!("{}-{writers}", durability.name())), durability, writers)?;
        }
    }
    Ok(())
}

fn measure(folder: &std::path::Path, durability: Durability, writers: usize) -> Result<(), Box<dyn Error>> {
    let (writer, _) = Writer::start(folder, &Config::default())?;
    let (told, answers) = mpsc::channel();
    let mut offsets = vec![0_u64; writers];
    let mut sent = vec![Instant::now(); writers];
    let begin = Instant::now();
    let submit = |index: usize, offset: u64| {
        let record = Record {
            channel: format!("/bench/{index}").into(),
            position: Position { epoch: 1, offset },
            at_ms: 0,
            expires_at_ms: None,
            key: None,
            conflate: None,
            event: vec![b'x'; EVENT_BYTES].into(),
        };
        let told = told.clone();
        // Nobody listens any more when the run is over.
        writer.submit(record, durability, move |verdict| drop(told.send((index, verdict))))
    };
    for (index, offset) in offsets.iter_mut().enumerate() {
        *offset = 1;
        submit(index, 1)?;
    }
    let mut waits: Vec<Duration> = Vec::new();
    while begin.elapsed() < RUN {
        let (index, verdict) = answers.recv()?;
        verdict?;
        waits.push(sent[index].elapsed());
        offsets[index] += 1;
        sent[index] = Instant::now();
        submit(index, offsets[index])?;
    }
    let seconds = begin.elapsed().as_secs_f64();
    waits.sort_unstable();
    let quantile = |part: usize| waits[(waits.len() * part / 100).min(waits.len() - 1)];
    let figures = writer.figures();
    println!(
        "{:>6}, {writers:>3} writers: {:>8.0} appends/s, {:>6.1} a group, p50 {:?}, p99 {:?}",
        durability.name(),
        waits.len() as f64 / seconds,
        figures.entries as f64 / figures.groups.max(1) as f64,
        quantile(50),
        quantile(99),
    );
    writer.close()?;
    Ok(())
}
