//! Times as people and clients read them.
//!
//! The two forms that messages carry are written here, always in UTC: that of HTTP and mail, and that of ISO 8601. Times
//! come in as unix milliseconds; calendars are counted here and nowhere else.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAY_MS: u64 = 86_400_000;

/// A moment taken apart.
struct Parts {
    year: u64,
    month: usize,
    day: u64,
    weekday: usize,
    hour: u64,
    minute: u64,
    second: u64,
    milli: u64,
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`: the form of RFC 1123, in which CometD's clients write `timestamp`.
pub(crate) fn rfc_1123(unix_ms: u64) -> String {
    let Parts { year, month, day, weekday, hour, minute, second, .. } = parts(unix_ms);
    let (weekday, month) = (DAYS[weekday], MONTHS[month]);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// `1994-11-06T08:49:37.123Z`: the form of ISO 8601.
pub(crate) fn iso_8601(unix_ms: u64) -> String {
    let Parts { year, month, day, hour, minute, second, milli, .. } = parts(unix_ms);
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z", month + 1)
}

fn parts(unix_ms: u64) -> Parts {
    let (days, ms) = (unix_ms / DAY_MS, unix_ms % DAY_MS);
    // Years are counted from the first of March of a year 0, so that the leap day is the last of its year.
    let since_march = days + 719_468;
    let era = since_march / 146_097;
    let day_of_era = since_march % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = (month_from_march as usize + 2) % 12;
    Parts {
        year: year_of_era + era * 400 + u64::from(month < 2),
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        weekday: (days % 7) as usize,
        hour: ms / 3_600_000,
        minute: ms / 60_000 % 60,
        second: ms / 1_000 % 60,
        milli: ms % 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_are_known_are_written_as_they_are() {
        for (unix_ms, rfc, iso) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00.000Z"),
            (784_111_777_123, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.123Z"),
            (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "Tue, 29 Feb 2000 23:59:59 GMT", "2000-02-29T23:59:59.999Z"),
            (1_704_067_199_000, "Sun, 31 Dec 2023 23:59:59 GMT", "2023-12-31T23:59:59.000Z"),
            (1_709_251_200_000, "Fri, 01 Mar 2024 00:00:00 GMT", "2024-03-01T00:00:00.000Z"),
            (4_107_542_400_000, "Mon, 01 Mar 2100 00:00:00 GMT", "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc_1123(unix_ms), rfc);
            assert_eq!(iso_8601(unix_ms), iso);
        }
    }

    #[test]
    fn one_day_follows_another_for_four_hundred_years() {
        let mut last = (1_969, 11, 31);
        for day in 0..146_097 {
            let Parts { year, month, day, .. } = parts(day * DAY_MS);
            let (before_year, before_month, before_day) = last;
            let next = if day == 1 {
                (before_month + 1) % 12 == month && year == before_year + u64::from(month == 0)
            } else {
                (year, month, day) == (before_year, before_month, before_day + 1)
            };
            assert!(next, "{last:?} is followed by {:?}", (year, month, day));
            last = (year, month, day);
        }
        assert_eq!(last, (2_369, 11, 31));
    }

    #[test]
    fn the_end_of_time_is_a_date_too() {
        assert!(rfc_1123(u64::MAX).ends_with(" GMT"));
        assert!(iso_8601(u64::MAX).ends_with('Z'));
    }
}
