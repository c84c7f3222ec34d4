//! The report for people: one line a figure, minimum, median and maximum of each program.

use std::io::{self, Write};

use crate::campaign::Run;
use crate::server::Contender;
use crate::verdict::{Row, Verdict};

/// Writes the table, and below it how much the machine was disturbed.
///
/// # Errors
/// When `out` takes no more.
pub fn write_table(rows: &[Row], runs: &[Run], out: &mut dyn Write) -> io::Result<()> {
    let mut contenders: Vec<Contender> = runs.iter().map(|run| run.contender).collect();
    contenders.sort();
    contenders.dedup();
    let mut lines = vec![header(&contenders)];
    lines.extend(rows.iter().map(|row| line(row, &contenders)));
    let columns = lines[0].len();
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for (number, line) in lines.iter().enumerate() {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
        if number == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            writeln!(out, "|-{}-|", rules.join("-|-"))?;
        }
    }
    writeln!(out, "\nCells are minimum / **median** / maximum. Ratio and bound compare medians.")?;
    let worst = runs.iter().map(|run| run.outcome.foreign_cores).fold(0.0, f64::max);
    writeln!(out, "Processors kept busy by other programs during a measurement: at most {worst:.2}.")
}

fn header(contenders: &[Contender]) -> Vec<String> {
    let mut cells = vec!["figure".to_owned(), "unit".to_owned()];
    cells.extend(contenders.iter().map(Contender::to_string));
    cells.extend(["ratio", "bound", "verdict"].map(str::to_owned));
    cells
}

fn line(row: &Row, contenders: &[Contender]) -> Vec<String> {
    let mut cells = vec![row.figure.name().to_owned(), row.unit.to_owned()];
    for contender in contenders {
        let digits = row.figure.decimals();
        cells.push(row.spreads.get(contender).map_or_else(String::new, |spread| {
            format!("{:.digits$} / **{:.digits$}** / {:.digits$}", spread.min, spread.median, spread.max)
        }));
    }
    cells.push(row.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")));
    cells.push(row.bound.clone());
    cells.push(match row.verdict {
        Verdict::Pass => "pass".to_owned(),
        Verdict::Fail => "FAIL".to_owned(),
        Verdict::Unknown => "unknown".to_owned(),
        Verdict::Free => String::new(),
    });
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Figure;
    use crate::scenario::{Outcome, Reading, Scenario};
    use crate::verdict::judge;

    #[test]
    fn every_line_of_the_table_has_the_same_columns() {
        let run = |contender, figure, value| Run {
            round: 1,
            scenario: Scenario::FanOut,
            contender,
            outcome: Outcome { readings: vec![Reading { figure, value }], foreign_cores: 0.25 },
        };
        let runs = [
            run(Contender::FloorUring, Figure::FanOut, 6200.4),
            run(Contender::Comet, Figure::FanOut, 9300.0),
            run(Contender::Comet, Figure::LatencyP99, 1.25),
        ];
        let mut out = Vec::new();
        write_table(&judge(&runs), &runs, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let bars: Vec<usize> = text.lines().take(4).map(|line| line.matches('|').count()).collect();
        assert_eq!(bars, [8, 8, 8, 8], "{text}");
        assert!(
            text.contains("6200 / **6200** / 6200") && text.contains("1.50") && text.contains("FAIL"),
            "{text}"
        );
        assert!(text.contains("at most 0.25"), "{text}");
    }
}
