//! "Did you mean": the known word nearest to one that is not.

/// The known word that takes the fewest edits to reach, if they are few for a word of this length.
pub fn suggest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Longer than any key: not worth the time that the distance takes.
    if word.len() > 64 {
        return None;
    }
    let (edits, nearest) = known.into_iter().map(|known| (distance(word, known), known)).min()?;
    (edits <= 1.max(word.chars().count() / 3)).then_some(nearest)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour (optimal string alignment). Case and
/// the choice between `_` and `-` count for nothing.
fn distance(a: &str, b: &str) -> usize {
    let fold = |text: &str| -> Vec<char> {
        text.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    let (a, b) = (fold(a), fold(b));
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let known = ["listen", "limits", "log", "hints", "hints-to"];
        let cases = [
            ("lisen", Some("listen")),
            ("lsiten", Some("listen")),
            ("LISTEN", Some("listen")),
            ("hints_to", Some("hints-to")),
            ("limit", Some("limits")),
            ("lo", Some("log")),
            ("banana", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(suggest(word, known), expected, "{word}");
        }
        assert_eq!(suggest(&"l".repeat(100_000), known), None);
    }

    #[test]
    fn a_swap_is_one_edit() {
        assert_eq!(distance("abcd", "acbd"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}
