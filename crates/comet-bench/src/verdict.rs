//! Compares: minimum, median and maximum of each figure for each program, the ratio to the floor, and whether the
//! bound is kept. Runs come from `campaign`; how the result looks is decided in `report`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::campaign::Run;
use crate::figure::{Bound, Figure};
use crate::server::Contender;

/// The numbers of one figure for one program.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// The middle one; of an even count, the mean of the middle two.
    pub median: f64,
    /// The largest.
    pub max: f64,
    /// How many there are.
    pub runs: usize,
}

/// Whether a bound is kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is.
    Pass,
    /// It is not.
    Fail,
    /// There is a bound, and nothing to hold against it.
    Unknown,
    /// There is no bound.
    Free,
}

/// Everything there is to say about one figure.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub figure: Figure,
    /// In which unit.
    pub unit: &'static str,
    /// The numbers of each program.
    pub spreads: BTreeMap<Contender, Spread>,
    /// The program Comet is compared with.
    pub floor: Option<Contender>,
    /// Comet's median divided by that program's.
    pub ratio: Option<f64>,
    /// The bound in words.
    pub bound: String,
    /// Whether it is kept.
    pub verdict: Verdict,
}

/// Judges every figure the runs have a number for.
pub fn judge(runs: &[Run]) -> Vec<Row> {
    Figure::ALL.into_iter().filter_map(|figure| judge_figure(figure, runs)).collect()
}

fn judge_figure(figure: Figure, runs: &[Run]) -> Option<Row> {
    let spreads = spreads_of(figure, runs);
    if spreads.is_empty() {
        return None;
    }
    // The floor is the program with io_uring, as Comet's is, wherever the kernel lets it run. What history costs is
    // seen beside a Comet without it.
    let floor = [Contender::FloorUring, Contender::FloorEpoll, Contender::CometForgetful]
        .into_iter()
        .find(|floor| spreads.contains_key(floor));
    let comet = spreads.get(&Contender::Comet).map(|spread| spread.median);
    let ratio = match figure.bound() {
        Bound::Beside(other, _) => {
            let other = spreads_of(other, runs).get(&Contender::Comet).map(|spread| spread.median);
            other.zip(comet).map(|(other, comet)| comet / other)
        }
        _ => floor.zip(comet).map(|(floor, comet)| comet / spreads[&floor].median),
    };
    let (bound, kept) = match figure.bound() {
        Bound::Ratio(limit) => {
            (format!("<= {limit} x {}", beside(floor)), Some(ratio.map(|ratio| ratio <= limit)))
        }
        Bound::Beside(other, limit) => {
            (format!("<= {limit} x {}", other.name()), Some(ratio.map(|ratio| ratio <= limit)))
        }
        Bound::AtMost(limit) => (format!("<= {limit}"), Some(comet.map(|comet| comet <= limit))),
        Bound::Free => (String::new(), None),
    };
    let verdict = match kept {
        Some(Some(true)) => Verdict::Pass,
        Some(Some(false)) => Verdict::Fail,
        Some(None) => Verdict::Unknown,
        None => Verdict::Free,
    };
    Some(Row { figure, unit: figure.unit(), spreads, floor, ratio, bound, verdict })
}

fn spreads_of(figure: Figure, runs: &[Run]) -> BTreeMap<Contender, Spread> {
    let mut values: BTreeMap<Contender, Vec<f64>> = BTreeMap::new();
    for run in runs {
        let found = run.outcome.readings.iter().filter(|reading| reading.figure == figure);
        values.entry(run.contender).or_default().extend(found.map(|reading| reading.value));
    }
    values.into_iter().filter_map(|(contender, values)| Some((contender, spread(values)?))).collect()
}

fn beside(floor: Option<Contender>) -> &'static str {
    match floor {
        Some(Contender::CometForgetful) => "without",
        _ => "floor",
    }
}

fn spread(mut values: Vec<f64>) -> Option<Spread> {
    values.sort_by(f64::total_cmp);
    let (&min, &max, runs) = (values.first()?, values.last()?, values.len());
    let median = f64::midpoint(values[(runs - 1) / 2], values[runs / 2]);
    Some(Spread { min, median, max, runs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Outcome, Reading, Scenario};

    fn run(contender: Contender, figure: Figure, value: f64) -> Run {
        let outcome = Outcome { readings: vec![Reading { figure, value }], foreign_cores: 0.0 };
        Run { round: 1, scenario: Scenario::FanOut, contender, outcome }
    }

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(spread(vec![]), None);
        assert_eq!(spread(vec![3.0, 1.0, 9.0]), Some(Spread { min: 1.0, median: 3.0, max: 9.0, runs: 3 }));
        assert_eq!(spread(vec![4.0, 1.0, 2.0, 9.0]).map(|spread| spread.median), Some(3.0));
    }

    #[test]
    fn a_ratio_bound_compares_medians_with_the_floor() {
        for (comet, verdict) in [(114.0, Verdict::Pass), (116.0, Verdict::Fail)] {
            let rows = judge(&[
                run(Contender::FloorUring, Figure::FanOut, 100.0),
                run(Contender::FloorEpoll, Figure::FanOut, 200.0),
                run(Contender::Comet, Figure::FanOut, comet),
            ]);
            assert_eq!(
                (rows.len(), rows[0].floor, rows[0].verdict),
                (1, Some(Contender::FloorUring), verdict)
            );
        }
    }

    #[test]
    fn a_wire_is_held_against_the_websockets_of_the_same_program() {
        for (stream, verdict) in [(120.0, Verdict::Pass), (121.0, Verdict::Fail)] {
            let rows = judge(&[
                run(Contender::FloorUring, Figure::FanOut, 50.0),
                run(Contender::Comet, Figure::FanOut, 100.0),
                run(Contender::Comet, Figure::FanOutEventSource, stream),
            ]);
            assert_eq!((rows[1].ratio, rows[1].verdict), (Some(stream / 100.0), verdict));
        }
        assert_eq!(judge(&[run(Contender::Comet, Figure::FanOutFeed, 1.0)])[0].verdict, Verdict::Unknown);
    }

    #[test]
    fn an_absolute_bound_needs_no_floor() {
        for (comet, verdict) in [(2048.0, Verdict::Pass), (2049.0, Verdict::Fail)] {
            assert_eq!(judge(&[run(Contender::Comet, Figure::IdleWebSocket, comet)])[0].verdict, verdict);
        }
    }

    #[test]
    fn a_floor_alone_proves_nothing() {
        assert_eq!(judge(&[run(Contender::FloorUring, Figure::Burst, 1.0)])[0].verdict, Verdict::Unknown);
        assert_eq!(judge(&[run(Contender::FloorUring, Figure::WireBytes, 1.0)])[0].verdict, Verdict::Free);
    }
}
