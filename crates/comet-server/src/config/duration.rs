//! Durations as people write them: `"25s"`, `"1m 30s"`, `"250ms"`.
//!
//! A duration is one or more whole numbers, each with its unit, added up; inside the program it is
//! milliseconds. What is written comes back in the largest unit that leaves nothing over.

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Milliseconds of a written duration; `None` when it is none or has no unit.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == &rest[..letters])?;
        total = total.checked_add(number.checked_mul(*unit)?)?;
        rest = rest[letters..].trim_start();
    }
    Some(total)
}

/// Writes milliseconds.
pub(super) fn format(total_ms: u64) -> String {
    let (name, unit) = UNITS
        .into_iter()
        .find(|(_, unit)| total_ms >= *unit && total_ms.is_multiple_of(*unit))
        .unwrap_or(("s", 1_000));
    format!("{}{name}", total_ms / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_added_up() {
        assert_eq!(parse("25s"), Some(25_000));
        assert_eq!(parse("1m30s"), Some(90_000));
        assert_eq!(parse(" 1h 1ms "), Some(3_600_001));
        assert_eq!(parse("0s"), Some(0));
        assert_eq!(parse("2d"), Some(172_800_000));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            " ",
            "25",
            "s",
            "1.5s",
            "-1s",
            "1 s",
            "25 sec",
            "5s5",
            "99999999999999999999d",
            "9999999999999999d",
            "1µs",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_largest_whole_unit_is_written() {
        for (ms, text) in
            [(0, "0s"), (1, "1ms"), (1_500, "1500ms"), (25_000, "25s"), (75_000, "75s"), (3_600_000, "1h")]
        {
            assert_eq!(format(ms), text);
            assert_eq!(parse(text), Some(ms));
        }
    }
}
