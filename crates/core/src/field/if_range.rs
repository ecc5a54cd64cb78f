//! `If-Range` (RFC 9110 §13.1.5).

use super::date::HttpDate;
use super::entity_tag::EntityTag;

/// Whether `If-Range` holds, so that `Range` counts; if not, `Range` is ignored. `now` is the `Date` of the answer.
///
/// A value that is neither one entity tag nor one date does not hold: the answer is whole, which is always right.
pub fn if_range(value: &[u8], tag: Option<EntityTag<'_>>, last_modified: Option<HttpDate>, now: HttpDate) -> bool {
    // §13.1.5: the first three characters have a DQUOTE in a tag, and never in a date.
    if value.iter().take(3).any(|&b| b == b'"') {
        let asked = EntityTag::parse(value);
        // §13.1.5: exact match by strong comparison; a weak tag on either side does not hold.
        asked.zip(tag).is_some_and(|(asked, ours)| asked.strong_eq(ours))
    } else {
        let asked = HttpDate::parse(value, now);
        // §13.1.5: exact match, not "earlier or equal"; and the date must be a strong validator.
        asked.zip(last_modified).is_some_and(|(asked, ours)| asked == ours && is_strong(ours, now))
    }
}

/// RFC 9110 §8.8.2.2: a date can be strong once `Date` is at least one second later, since until then the representation
/// can still change within the second that the date names. (RFC 7232 §2.2.2 asked for sixty.)
fn is_strong(last_modified: HttpDate, now: HttpDate) -> bool {
    now > last_modified
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: HttpDate = HttpDate::from_unix(1_700_000_000); // Tue, 14 Nov 2023 22:13:20 GMT

    #[test]
    fn a_tag_must_be_ours_and_both_strong() {
        for (value, ours, want) in [
            (r#""a""#, r#""a""#, true),
            (r#""a""#, r#""b""#, false),
            (r#"W/"a""#, r#""a""#, false),
            (r#""a""#, r#"W/"a""#, false),
            (r#"W/"a""#, r#"W/"a""#, false),
            (r#""a", "b""#, r#""a""#, false),
            (r#""a"#, r#""a""#, false),
            ("*", r#""a""#, false),
            ("a", r#""a""#, false),
            ("", r#""a""#, false),
        ] {
            let tag = EntityTag::parse(ours.as_bytes());
            assert_eq!(if_range(value.as_bytes(), tag, Some(THEN), THEN), want, "{value} {ours}");
            assert!(!if_range(value.as_bytes(), None, Some(THEN), THEN), "{value}, no tag");
        }
    }

    #[test]
    fn a_date_must_be_ours_exactly_and_a_second_old() {
        let after = |seconds| HttpDate::from_unix(THEN.unix() + seconds);
        for (value, ours, now, want) in [
            ("Tue, 14 Nov 2023 22:13:20 GMT", Some(THEN), after(1), true),
            ("Tue, 14 Nov 2023 22:13:20 GMT", Some(THEN), after(3600), true),
            ("Tuesday, 14-Nov-23 22:13:20 GMT", Some(THEN), after(1), true),
            ("Tue, 14 Nov 2023 22:13:20 GMT", Some(THEN), after(0), false),
            ("Tue, 14 Nov 2023 22:13:20 GMT", Some(THEN), after(-1), false),
            ("Tue, 14 Nov 2023 22:13:21 GMT", Some(THEN), after(60), false),
            ("Tue, 14 Nov 2023 22:13:19 GMT", Some(THEN), after(60), false),
            ("Tue, 14 Nov 2023 22:13:20 GMT", None, after(60), false),
            ("Tue, 14 Nov 2023", Some(THEN), after(60), false),
        ] {
            let tag = EntityTag::parse(br#""a""#);
            assert_eq!(if_range(value.as_bytes(), tag, ours, now), want, "{value}");
        }
    }
}
