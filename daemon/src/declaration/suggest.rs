//! The nearest name that exists.

/// A name longer than this is no slip of the fingers, and comparing costs its length.
const LONGEST: usize = 64;

/// The candidate that a person who typed `wrong` most likely meant.
///
/// Case, `_` and `-` do not count: `hostAddress` and `host_address` are `host-address`.
pub(crate) fn closest<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if wrong.len() > LONGEST {
        return None;
    }
    let wrong = plain(wrong);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| {
            let candidate_plain = plain(candidate);
            let distance = strsim::damerau_levenshtein(&wrong, &candidate_plain);
            (distance, candidate_plain.len().max(wrong.len()), candidate)
        })
        .filter(|&(distance, length, _)| distance * 3 <= length)
        .min_by_key(|&(distance, _, _)| distance)
        .map(|(_, _, candidate)| candidate)
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_slips_and_other_spellings_and_nothing_else() {
        let keys = ["address", "host-address", "subnet"];
        assert_eq!(closest("adress", keys), Some("address"));
        assert_eq!(closest("hostAddress", keys), Some("host-address"));
        assert_eq!(closest("host_address", keys), Some("host-address"));
        assert_eq!(closest("volume", keys), None);
    }
}
