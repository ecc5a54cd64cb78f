//! `Accept` (RFC 9110 §12.5.1).
//!
//! A member that is malformed is left out, and a field without a well-formed member counts as absent: the field states a
//! preference which a server may disregard, so it is better to guess at the rest than to answer 400 or 406.

use super::list::{Elements, elements};
use super::media_type::MediaType;
use super::weight;

/// The value of `Accept`. It is read when it is asked, each time anew.
#[derive(Clone, Copy, Debug)]
pub struct Accept<I> {
    lines: I,
}

/// One media range and its weight.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// `text/html`, `text/*` or `*/*`. Its parameters may have a `q` among them, which is the weight.
    pub range: MediaType<'a>,
    /// In thousandths; 0 is not acceptable.
    pub weight: u16,
}

impl<'a, I: Iterator<Item = &'a [u8]> + Clone> Accept<I> {
    /// The field that these lines are.
    pub fn new(lines: impl IntoIterator<Item = &'a [u8], IntoIter = I>) -> Accept<I> {
        Accept { lines: lines.into_iter() }
    }

    /// The well-formed members, in order.
    pub fn members(&self) -> Members<'a, I> {
        Members { elements: elements(self.lines.clone()) }
    }

    /// How welcome a media type is, in thousandths: 0 is not at all.
    pub fn quality(&self, offer: MediaType<'_>) -> u16 {
        // RFC 9110 §12.5.1: the most specific range that matches decides; of two that are as specific, the better one.
        let mut best = None;
        let mut is_empty = true;
        for member in self.members() {
            is_empty = false;
            if let Some(specificity) = member.specificity(offer) {
                best = best.max(Some((specificity, member.weight)));
            }
        }
        match best {
            Some((_, weight)) => weight,
            // §12.4.1: without the field, any is acceptable; §12.4.3: without a wildcard, what is not named is not.
            None => u16::from(is_empty) * weight::DEFAULT,
        }
    }

    /// The index of the most welcome of these media types, the first of those that are as welcome. `None`: none is
    /// acceptable, or there are none. What is no media type is never chosen.
    pub fn best(&self, offers: &[&str]) -> Option<usize> {
        let mut best = None;
        for (i, offer) in offers.iter().enumerate() {
            let quality = MediaType::parse(offer.as_bytes()).map_or(0, |offer| self.quality(offer));
            if quality > best.map_or(0, |(quality, _)| quality) {
                best = Some((quality, i));
            }
        }
        best.map(|(_, i)| i)
    }
}

impl<'a> Member<'a> {
    fn parse(element: &'a [u8]) -> Option<Member<'a>> {
        let range = MediaType::parse(element)?;
        if range.kind == b"*" && range.subtype != b"*" {
            return None;
        }
        // §12.5.1: any parameter named q is the weight, wherever it stands; §12.4.2: its name ignores case.
        let mut weights = range.parameters.iter().filter(|(name, _)| is_weight(name));
        let weight = match weights.next() {
            None => weight::DEFAULT,
            Some((_, value)) => weight::parse(value.raw()).filter(|_| value.is_token())?,
        };
        if weights.next().is_some() {
            return None;
        }
        Some(Member { range, weight })
    }

    /// How specifically the range names the type, if it matches: first by wildcards, then by parameters.
    fn specificity(&self, offer: MediaType<'_>) -> Option<(u8, usize)> {
        let range = self.range;
        let named = match (range.kind, range.subtype) {
            (b"*", _) => 0,
            (kind, _) if !kind.eq_ignore_ascii_case(offer.kind) => return None,
            (_, b"*") => 1,
            (_, subtype) if !subtype.eq_ignore_ascii_case(offer.subtype) => return None,
            _ => 2,
        };
        let mut count = 0;
        for (name, value) in range.parameters.iter().filter(|(name, _)| !is_weight(name)) {
            let offered = offer.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?.1;
            // RFC 9110 §8.3.1: whether values ignore case is up to the parameter; §8.3.2: those of charset do.
            let is_same = match name.eq_ignore_ascii_case(b"charset") {
                true => value.same_ignoring_case(offered),
                false => value == offered,
            };
            if !is_same {
                return None;
            }
            count += 1;
        }
        Some((named, count))
    }
}

fn is_weight(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"q")
}

/// See [`Accept::members`].
#[derive(Clone, Debug)]
pub struct Members<'a, I> {
    elements: Elements<'a, I>,
}

impl<'a, I: Iterator<Item = &'a [u8]>> Iterator for Members<'a, I> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        self.elements.by_ref().find_map(Member::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(accept: &str, offer: &str) -> u16 {
        Accept::new(Some(accept.as_bytes())).quality(MediaType::parse(offer.as_bytes()).unwrap())
    }

    fn best(accept: &str, offers: &[&str]) -> Option<usize> {
        Accept::new(Some(accept.as_bytes())).best(offers)
    }

    /// RFC 9110 §12.5.1, Table 5.
    #[test]
    fn the_most_specific_range_decides() {
        let accept =
            "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5";
        for (offer, want) in [
            ("text/plain;format=flowed", 1000),
            ("text/plain", 700),
            ("text/html", 300),
            ("image/jpeg", 500),
            ("text/plain;format=fixed", 400),
            // The table itself says 0.7, left over from an older example; by its own rule it is `text/*`.
            ("text/html;level=3", 300),
        ] {
            assert_eq!(quality(accept, offer), want, "{offer}");
        }
    }

    #[test]
    fn what_is_not_named_is_not_acceptable() {
        for (accept, offer, want) in [
            ("text/html", "application/json", 0),
            ("text/*", "application/json", 0),
            ("*/*", "application/json", 1000),
            ("*/*;q=0", "application/json", 0),
            ("application/json;q=0, */*", "application/json", 0),
            ("application/json;q=0, */*", "text/html", 1000),
            ("APPLICATION/Json", "application/json", 1000),
            ("application/json;v=1", "application/json", 0),
            ("application/json;v=1", "application/json;v=2", 0),
            ("application/json;v=1", "application/json;x=0;V=\"1\"", 1000),
            ("application/json;charset=UTF-8", "application/json;charset=utf-8", 1000),
            ("text/html;q=0.1, text/html;q=0.9", "text/html", 900),
            ("*/*;v=1, text/*;q=0.1", "text/html;v=1", 100),
        ] {
            assert_eq!(quality(accept, offer), want, "{accept} {offer}");
        }
    }

    #[test]
    fn without_the_field_all_is_acceptable() {
        let json = MediaType::parse(b"application/json").unwrap();
        assert_eq!(Accept::new(None).quality(json), 1000);
        for accept in ["", " , ", "text", "*", "text/html;q=2", "text/html;q", "*/html"] {
            assert_eq!(quality(accept, "application/json"), 1000, "{accept}");
        }
    }

    #[test]
    fn a_malformed_member_is_left_out() {
        for (accept, html, json) in [
            ("text/html, application/json;q=1.5", 1000, 0),
            ("text/html, application/json;q=0.1234", 1000, 0),
            ("text/html, application/json;q=\"1\"", 1000, 0),
            ("text/html, application/json;q=1;q=1", 1000, 0),
            ("text/html, application/json; q = 1", 1000, 0),
            ("text/html, application/json q=1", 1000, 0),
            ("text/html, application/", 1000, 0),
            // A q that is not last is the weight all the same.
            ("text/html, application/json;Q=0.5;v=1", 1000, 0),
            ("text/html;q=0.4, application/json;q=0.5;", 400, 500),
            // Java 8's own.
            ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", 1000, 200),
        ] {
            let got = (quality(accept, "text/html"), quality(accept, "application/json"));
            assert_eq!(got, (html, json), "{accept}");
        }
        assert_eq!(quality("application/json;Q=0.5;v=1", "application/json;v=1"), 500);
    }

    #[test]
    fn the_first_of_the_best_offers_is_chosen() {
        let offers = ["application/problem+json", "text/html; charset=utf-8", "text/plain"];
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
        for (accept, want) in [
            ("*/*", Some(0)),
            ("", Some(0)),
            (browser, Some(1)),
            ("text/*", Some(1)),
            ("text/*;q=0.5, text/plain", Some(2)),
            ("application/json", None),
            ("*/*;q=0", None),
        ] {
            assert_eq!(best(accept, &offers), want, "{accept}");
        }
        assert_eq!(best("*/*", &[]), None);
        assert_eq!(best("*/*", &["text", "text/plain"]), Some(1));
    }

    #[test]
    fn lines_read_like_one_line() {
        let lines: [&[u8]; 2] = [b"text/html;q=0.2", b"text/plain;q=0.8"];
        assert_eq!(Accept::new(lines).best(&["text/html", "text/plain"]), Some(1));
    }
}
