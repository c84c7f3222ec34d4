//! Which troubles come when: a list made from a seed before the run begins.
//!
//! A schedule says what happens to the way between clients and server, or to the server, and for how long;
//! carrying it out is the proxy's and the scenario's. The same seed and wishes make the same list.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::{Random, Seed};

/// One of the two ways bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a client to the server.
    ToServer,
    /// From the server to a client.
    ToClient,
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// By a reset, on both sides at once.
    Reset,
    /// By a farewell, on both sides at once.
    Finish,
    /// By a farewell that way only: nothing more comes that way, the other way goes on.
    HalfClose,
}

/// What becomes of bytes that are sent into a black hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hole {
    /// They arrive when it is over, as after a cable was pulled and put back.
    Holds,
    /// They are gone; connections that lost some are reset when it is over, as behind a router that forgot
    /// them.
    Swallows,
}

/// What can happen between clients and server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Every connection is cut, once.
    Cut {
        /// Which way is closed, when only one is.
        direction: Direction,
        /// How they end.
        ending: Ending,
    },
    /// Every connection, new ones too, is cut after so many bytes that travel this way, drawn from the range
    /// for each.
    CutAfterBytes {
        /// Whose bytes count.
        direction: Direction,
        /// From where to where the number of bytes is drawn.
        bytes: Range<u64>,
        /// How they end.
        ending: Ending,
    },
    /// Nothing comes through and nothing ends; new connections are accepted and silent.
    Blackhole(Hole),
    /// Whatever is read waits so long before it goes on.
    Delay(Duration),
    /// Bytes go on one by one, with such a pause after each.
    Dribble(Duration),
    /// Open connections are reset, and every new one at once.
    Refuse,
    /// Whole POST requests are sent to the server twice; the second answer is thrown away.
    Duplicate,
    /// The server is killed without warning and started again at the same place when it is over. Needs a
    /// server that is a process of its own.
    KillServer,
}

impl Trouble {
    /// What kind it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Trouble::Cut { ending: Ending::Reset, .. } => "reset",
            Trouble::Cut { ending: Ending::Finish, .. } => "finish",
            Trouble::Cut { ending: Ending::HalfClose, .. } => "half-close",
            Trouble::CutAfterBytes { .. } => "cut-after-bytes",
            Trouble::Blackhole(Hole::Holds) => "blackhole-holding",
            Trouble::Blackhole(Hole::Swallows) => "blackhole-swallowing",
            Trouble::Delay(_) => "delay",
            Trouble::Dribble(_) => "dribble",
            Trouble::Refuse => "refuse",
            Trouble::Duplicate => "duplicate",
            Trouble::KillServer => "kill-server",
        }
    }

    /// One of all the troubles of the network, with the figures drawn.
    pub fn draw(random: &mut Random) -> Trouble {
        let ms = Duration::from_millis;
        let ending = *random.pick(&[Ending::Reset, Ending::Finish, Ending::HalfClose]);
        let direction = *random.pick(&[Direction::ToServer, Direction::ToClient]);
        match random.within(0..10) {
            0 | 1 => Trouble::Cut { direction, ending },
            2 | 3 => {
                let least = random.within(0..400);
                let bytes = least..least + random.within(1..8_000);
                Trouble::CutAfterBytes { direction, bytes, ending }
            }
            4 => Trouble::Blackhole(Hole::Holds),
            5 => Trouble::Blackhole(Hole::Swallows),
            6 => Trouble::Delay(random.span(ms(5)..ms(200))),
            7 => Trouble::Dribble(Duration::ZERO),
            8 => Trouble::Refuse,
            _ => Trouble::Duplicate,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Cut { direction, ending: Ending::HalfClose } => {
                write!(f, "{} {direction:?}", self.kind())
            }
            Trouble::CutAfterBytes { direction, bytes, ending } => {
                write!(f, "{} {bytes:?} {direction:?} {ending:?}", self.kind())
            }
            Trouble::Delay(span) | Trouble::Dribble(span) => write!(f, "{} {span:?}", self.kind()),
            _ => f.write_str(self.kind()),
        }
    }
}

/// A trouble with its time and place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Planned {
    /// When it begins, from the beginning of the run.
    pub at: Duration,
    /// How long it lasts; a cut is over at once, whatever stands here.
    pub lasts: Duration,
    /// Whose link; `None` for everybody's.
    pub link: Option<usize>,
    /// What happens.
    pub trouble: Trouble,
}

impl Planned {
    /// Whether it concerns this link.
    pub fn concerns(&self, link: usize) -> bool {
        self.link.is_none_or(|concerned| concerned == link)
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3} s for {:>6.3} s  ", self.at.as_secs_f64(), self.lasts.as_secs_f64())?;
        match self.link {
            Some(link) => write!(f, "link {link}: {}", self.trouble),
            None => write!(f, "everybody: {}", self.trouble),
        }
    }
}

/// What a random schedule is made of.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// How long the run is.
    pub duration: Duration,
    /// How many links there are.
    pub links: usize,
    /// From one trouble to the next, over all links.
    pub pause: Range<Duration>,
    /// How long a trouble lasts.
    pub lasts: Range<Duration>,
    /// How many servers are killed, each with a pause of its own.
    pub kills: u32,
    /// How many links fall into a black hole for long, each at its own time.
    pub outages: u32,
    /// How long that is.
    pub outage: Duration,
}

/// Troubles in the order they begin. A link has one at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule(Vec<Planned>);

impl Schedule {
    /// No trouble at all.
    pub fn quiet() -> Schedule {
        Schedule::default()
    }

    /// A schedule written by hand; it is put in order.
    pub fn of(mut planned: Vec<Planned>) -> Schedule {
        planned.sort_by_key(|planned| planned.at);
        Schedule(planned)
    }

    /// The schedule of a seed.
    pub fn random(seed: Seed, wishes: &Wishes) -> Schedule {
        let mut random = seed.random("schedule");
        let mut planned = Schedule::outages(seed, wishes);
        let outages = planned.len();
        let mut free = vec![Duration::ZERO; wishes.links];
        let mut at = random.span(wishes.pause.clone());
        while at < wishes.duration && wishes.links > 0 {
            let trouble = Trouble::draw(&mut random);
            let lasts = random.span(wishes.lasts.clone());
            let link = random.within(0..wishes.links as u64) as usize;
            let everybody = random.chance(10);
            let end = at + lasts;
            let meets = |outage: &Planned| {
                (everybody || outage.concerns(link)) && outage.at <= end && at <= outage.at + outage.lasts
            };
            let busy = planned[..outages].iter().any(meets)
                || if everybody { free.iter().any(|free| *free > at) } else { free[link] > at };
            if !busy && end < wishes.duration {
                let concerned = if everybody { &mut free[..] } else { &mut free[link..=link] };
                concerned.iter_mut().for_each(|free| *free = end);
                planned.push(Planned { at, lasts, link: (!everybody).then_some(link), trouble });
            }
            at += random.span(wishes.pause.clone()).max(Duration::from_millis(1));
        }
        for kill in 0..wishes.kills {
            let share = wishes.duration / (wishes.kills + 1);
            let at = share * (kill + 1);
            let lasts = random.span(wishes.lasts.clone());
            planned.push(Planned { at, lasts, link: None, trouble: Trouble::KillServer });
        }
        Schedule::of(planned)
    }

    /// Long black holes, one a link, spread over the run.
    fn outages(seed: Seed, wishes: &Wishes) -> Vec<Planned> {
        let mut random = seed.random("outages");
        let room = wishes.duration.saturating_sub(wishes.outage);
        let first = random.within(0..wishes.links.max(1) as u64) as usize;
        let outage = |number: u32| Planned {
            at: room / (wishes.outages + 1) * (number + 1),
            lasts: wishes.outage,
            link: Some((first + number as usize) % wishes.links),
            trouble: Trouble::Blackhole(*random.pick(&[Hole::Holds, Hole::Swallows])),
        };
        let most = u32::try_from(wishes.links).unwrap_or(u32::MAX);
        if room.is_zero() { Vec::new() } else { (0..wishes.outages.min(most)).map(outage).collect() }
    }

    /// The troubles in their order.
    pub fn planned(&self) -> &[Planned] {
        &self.0
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|planned| writeln!(f, "{planned}"))
    }
}
