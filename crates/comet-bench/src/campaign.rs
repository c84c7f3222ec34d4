//! Runs the scenarios: round by round, and within a round the programs in turn, so that whatever disturbs the
//! machine meets all of them. Servers come from `server`, numbers from `scenario`; `report` makes sense of the runs.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::scenario::{Outcome, Scenario, Size};
use crate::server::{Contender, Launcher};

/// One scenario, once, against one program.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The round, from 1.
    pub round: usize,
    /// What was done.
    pub scenario: Scenario,
    /// To whom.
    pub contender: Contender,
    /// What was found.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What is to be run.
pub struct Campaign {
    /// How the servers are started.
    pub launcher: Launcher,
    /// The programs to be compared.
    pub contenders: Vec<Contender>,
    /// What is done to them.
    pub scenarios: Vec<Scenario>,
    /// How often.
    pub rounds: usize,
    /// How much load.
    pub size: Size,
}

impl Campaign {
    /// Runs everything and tells `progress` of each run.
    ///
    /// # Errors
    /// With the first run that fails: a figure of a server that loses messages means nothing.
    pub fn run(&self, mut progress: impl FnMut(&Run)) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        for round in 1..=self.rounds {
            for &scenario in &self.scenarios {
                let suited = order(&self.contenders, round).into_iter().filter(|one| scenario.suits(*one));
                for contender in suited {
                    let outcome = self
                        .launcher
                        .start_for(contender, scenario.configuration())
                        .and_then(|server| scenario.run(&server, &self.size))
                        .with_context(|| format!("{scenario:?} of {contender} in round {round}"))?;
                    let run = Run { round, scenario, contender, outcome };
                    progress(&run);
                    runs.push(run);
                }
            }
        }
        Ok(runs)
    }
}

/// Nobody is always first: each round starts with the next one.
fn order(contenders: &[Contender], round: usize) -> Vec<Contender> {
    let mut order = contenders.to_vec();
    if !order.is_empty() {
        let count = order.len();
        order.rotate_left((round - 1) % count);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_starts_with_the_next_program() {
        let all = [Contender::FloorUring, Contender::FloorEpoll, Contender::Comet];
        assert_eq!(order(&all, 1), all);
        assert_eq!(order(&all, 2)[0], Contender::FloorEpoll);
        assert_eq!(order(&all, 4), all);
        assert!(order(&[], 1).is_empty());
    }
}
