//! Sizes as people write them: `"64KiB"`, `"1MiB"`, `"500B"`, `"2MB"`.
//!
//! A size is one whole number with its unit, binary or decimal; inside the program it is bytes. What is
//! written comes back in the largest binary unit that leaves nothing over.

const BINARY: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const DECIMAL: [(&str, u64); 4] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("KB", 1_000)];

/// Bytes of a written size; `None` when it is none or has no unit.
pub(super) fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim_start();
    let (_, bytes) = BINARY.iter().chain(&DECIMAL).find(|(name, _)| *name == unit)?;
    number.checked_mul(*bytes)
}

/// Writes bytes.
pub(super) fn format(total: u64) -> String {
    let (name, unit) = BINARY
        .into_iter()
        .find(|(_, unit)| total >= *unit && total.is_multiple_of(*unit))
        .unwrap_or(("B", 1));
    format!("{}{name}", total / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_and_decimal_units_are_read() {
        assert_eq!(parse("64KiB"), Some(65_536));
        assert_eq!(parse("1 MiB"), Some(1 << 20));
        assert_eq!(parse("2MB"), Some(2_000_000));
        assert_eq!(parse("0B"), Some(0));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "64", "KiB", "1.5MiB", "-1B", "1Mib", "1K", "99999999999GiB"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_largest_whole_unit_is_written() {
        for (bytes, text) in
            [(0, "0B"), (1_000, "1000B"), (16 << 10, "16KiB"), (1 << 20, "1MiB"), (3 << 30, "3GiB")]
        {
            assert_eq!(format(bytes), text);
            assert_eq!(parse(text), Some(bytes));
        }
    }
}
