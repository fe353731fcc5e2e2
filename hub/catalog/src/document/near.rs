//! "Did you mean …?"

/// The up to three candidates closest to a name, best first; nothing that is far away.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let length = wanted.chars().count();
    let mut scored: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let longest = lower.chars().count().max(length);
            let allowed = (longest / 3).max(1);
            let contained = length >= 4 && (lower.contains(&wanted) || wanted.contains(&lower) && lower.len() >= 4);
            if lower.chars().count().abs_diff(length) > allowed && !contained {
                return None;
            }
            let distance = strsim::osa_distance(&wanted, &lower);
            (distance <= allowed || contained).then_some((distance, candidate))
        })
        .collect();
    scored.sort_unstable();
    scored.dedup();
    scored.into_iter().take(3).map(|(_, c)| c.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_closest_and_nothing_far() {
        let fields = ["full_name", "id_card_no", "mobile", "full_names"];
        assert_eq!(nearest("fullname", fields), ["full_name", "full_names"]);
        assert_eq!(nearest("id_cardno", fields), ["id_card_no"]);
        assert!(nearest("zebra", fields).is_empty());
        assert!(nearest("", fields).is_empty());
    }
}
