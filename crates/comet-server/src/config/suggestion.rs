//! What somebody may have meant who wrote a name nobody knows.
//!
//! Names are compared by how many letters have to be added, dropped, changed or swapped with their
//! neighbour; a suggestion is made only when that is little.

/// The known name that is most like `name`, if one is like it at all.
pub(super) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&name.to_ascii_lowercase(), &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, y) in b.iter().enumerate() {
            let changed = last[column] + usize::from(x != y);
            let mut cost = changed.min(last[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *x == b[column - 1] && a[row - 1] == *y {
                cost = cost.min(before[column - 1] + 1);
            }
            current.push(cost);
        }
        before = std::mem::replace(&mut last, current);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_finds_the_name() {
        let known = ["listen", "shards", "mounts", "io_uring"];
        assert_eq!(closest("lisetn", known), Some("listen"));
        assert_eq!(closest("mount", known), Some("mounts"));
        assert_eq!(closest("io-uring", known), Some("io_uring"));
        assert_eq!(closest("SHARDS", known), Some("shards"));
    }

    #[test]
    fn another_word_finds_nothing() {
        assert_eq!(closest("database", ["listen", "shards"]), None);
        assert_eq!(closest("", ["listen"]), None);
    }

    #[test]
    fn a_swap_counts_once() {
        assert_eq!(distance("abcd", "abdc"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
