//! `Range` (RFC 9110 §14.2), of unit `bytes` (§14.1.2): which parts of a representation are asked for, and which are sent.

use super::digits;
use super::list::elements;
use std::ops::Deref;

/// More range-specs than this are not looked at: the field is ignored.
pub const MAX_SPECS: usize = 64;

/// More parts than this are not sent: the field is ignored.
pub const MAX_PARTS: usize = 16;

/// Ranges with a gap below this many bytes are sent as one part. It is about what a part costs beside its content
/// (RFC 9110 §15.3.7.2), so a multipart answer is never longer than it would be with the gap in it.
pub const MIN_GAP: u64 = 80;

/// A well-formed range set of unit `bytes`.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    set: &'a [u8],
}

/// What a range set selects from a representation of a certain length.
#[expect(clippy::large_enum_variant, reason = "it lives for one answer, and a box would be an allocation")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resolved {
    /// `Range` is ignored: the answer is what it would be without it.
    Ignored,
    /// No part of it overlaps: 416.
    Unsatisfiable,
    /// One part: 206 with `Content-Range`.
    One(ByteRange),
    /// Several parts: 206 with `multipart/byteranges`.
    Many(Parts),
}

/// A range of bytes of a representation, which has them all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ByteRange {
    /// The offset of the first byte.
    pub first: u64,
    /// The offset of the last byte, not below `first`.
    pub last: u64,
}

impl ByteRange {
    /// How many bytes it has: at least one.
    pub const fn size(self) -> u64 {
        self.last - self.first + 1
    }
}

/// Two to [`MAX_PARTS`] ranges that neither overlap nor come closer than [`MIN_GAP`], in the order they were asked for.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    ranges: [ByteRange; MAX_PARTS],
    count: usize,
}

impl Deref for Parts {
    type Target = [ByteRange];

    fn deref(&self) -> &[ByteRange] {
        &self.ranges[..self.count]
    }
}

impl PartialEq for Parts {
    fn eq(&self, other: &Parts) -> bool {
        **self == **other
    }
}

impl Eq for Parts {}

impl<'a> Range<'a> {
    /// The value of `Range`. `None`: the field is to be ignored, since its unit is another one (RFC 9110 §14.2, MUST), it is
    /// invalid (§14.2, MAY), or it has more than [`MAX_SPECS`] members (§14.2, §17.15).
    pub fn parse(value: &'a [u8]) -> Option<Range<'a>> {
        let (unit, set) = value.split_at_checked("bytes=".len())?;
        // §14.1: range units are case-insensitive.
        if !unit.eq_ignore_ascii_case(b"bytes=") {
            return None;
        }
        // §14.1.1: one invalid range-spec makes the whole invalid, and `1#` wants one at least.
        let mut count = 0;
        for spec in elements(Some(set)) {
            count += 1;
            if count > MAX_SPECS || Spec::parse(spec).is_none() {
                return None;
            }
        }
        (count > 0).then_some(Range { set })
    }

    /// What it selects from a representation of so many bytes.
    pub fn resolve(self, length: u64) -> Resolved {
        if length == 0 {
            // §14.1.2: of an empty representation only a suffix is satisfiable. No Content-Range can say which zero bytes
            // it is, and §14.2 lets Range be ignored here.
            let has_suffix = self.specs().any(|spec| matches!(spec, Spec::Suffix(1..)));
            return if has_suffix { Resolved::Ignored } else { Resolved::Unsatisfiable };
        }
        let mut chosen = Chosen { ranges: [ByteRange::default(); MAX_SPECS], count: 0 };
        // §14.2: what is not satisfiable is left out, as long as something is left.
        for range in self.specs().filter_map(|spec| spec.within(length)) {
            chosen.add(range);
        }
        match &chosen.ranges[..chosen.count] {
            [] => Resolved::Unsatisfiable,
            // §15.3.7.2: a part that is left alone may be sent as a single one.
            [range] => Resolved::One(*range),
            // §14.2: a set of many small ranges may be ignored.
            ranges if ranges.len() > MAX_PARTS => Resolved::Ignored,
            ranges => {
                let mut parts = Parts { ranges: [ByteRange::default(); MAX_PARTS], count: ranges.len() };
                parts.ranges[..ranges.len()].copy_from_slice(ranges);
                Resolved::Many(parts)
            }
        }
    }

    fn specs(self) -> impl Iterator<Item = Spec> {
        elements(Some(self.set)).filter_map(Spec::parse)
    }
}

/// One range-spec.
#[derive(Clone, Copy)]
enum Spec {
    /// `int-range`; without last-pos it goes to `u64::MAX`.
    Int { first: u64, last: u64 },
    /// `suffix-range`: so many bytes at the end.
    Suffix(u64),
}

impl Spec {
    fn parse(text: &[u8]) -> Option<Spec> {
        let dash = text.iter().position(|&b| b == b'-')?;
        let (first, last) = (&text[..dash], &text[dash + 1..]);
        if first.is_empty() {
            return number(last).map(Spec::Suffix);
        }
        let first = number(first)?;
        let last = if last.is_empty() { u64::MAX } else { number(last)? };
        // §14.1.1: invalid if the last position is less than the first.
        (first <= last).then_some(Spec::Int { first, last })
    }

    /// The part of a representation that it is, if it is satisfiable (§14.1.2). The length is not 0.
    fn within(self, length: u64) -> Option<ByteRange> {
        let end = length - 1;
        match self {
            Spec::Int { first, last } => (first <= end).then(|| ByteRange { first, last: last.min(end) }),
            Spec::Suffix(0) => None,
            Spec::Suffix(size) => Some(ByteRange { first: length.saturating_sub(size), last: end }),
        }
    }
}

/// `1*DIGIT`. No representation is as long as the number at which it saturates (§14.1.2: MUST anticipate large numerals).
fn number(digits: &[u8]) -> Option<u64> {
    digits::saturating(digits.iter().copied())
}

/// The ranges that were chosen so far, no two of which belong together.
struct Chosen {
    ranges: [ByteRange; MAX_SPECS],
    count: usize,
}

impl Chosen {
    /// Adds a range behind the others, or, with all that it belongs to, in the place of the foremost of those.
    fn add(&mut self, mut range: ByteRange) {
        let mut place = self.count;
        // A range that has grown may reach others: hence again from the start.
        while let Some(i) = self.ranges[..self.count].iter().position(|&other| belong_together(range, other)) {
            range.first = range.first.min(self.ranges[i].first);
            range.last = range.last.max(self.ranges[i].last);
            self.ranges.copy_within(i + 1..self.count, i);
            self.count -= 1;
            place = place.min(i);
        }
        self.ranges.copy_within(place..self.count, place + 1);
        self.ranges[place] = range;
        self.count += 1;
    }
}

/// RFC 9110 §15.3.7.2: ranges that overlap, or whose gap is smaller than the overhead of two parts, may be coalesced.
fn belong_together(a: ByteRange, b: ByteRange) -> bool {
    a.first <= b.last.saturating_add(MIN_GAP) && b.first <= a.last.saturating_add(MIN_GAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(value: &str, length: u64) -> Resolved {
        Range::parse(value.as_bytes()).map_or(Resolved::Ignored, |range| range.resolve(length))
    }

    fn one(first: u64, last: u64) -> Resolved {
        Resolved::One(ByteRange { first, last })
    }

    fn many(ranges: &[(u64, u64)]) -> Resolved {
        let mut parts = Parts { ranges: Default::default(), count: ranges.len() };
        for (part, &(first, last)) in parts.ranges.iter_mut().zip(ranges) {
            *part = ByteRange { first, last };
        }
        Resolved::Many(parts)
    }

    /// The examples of RFC 9110 §14.1.2, of a representation of 10000 bytes.
    #[test]
    fn the_examples_of_the_rfc_select_what_they_say() {
        for (value, want) in [
            ("bytes=0-499", one(0, 499)),
            ("bytes=500-999", one(500, 999)),
            ("bytes=-500", one(9500, 9999)),
            ("bytes=9500-", one(9500, 9999)),
            ("bytes=0-0,-1", many(&[(0, 0), (9999, 9999)])),
            ("bytes= 0-999, 4500-5499, -1000", many(&[(0, 999), (4500, 5499), (9000, 9999)])),
            ("bytes=500-600,601-999", one(500, 999)),
            ("bytes=500-700,601-999", one(500, 999)),
        ] {
            assert_eq!(resolve(value, 10_000), want, "{value}");
        }
    }

    #[test]
    fn a_range_is_cut_to_the_representation() {
        for (value, want) in [
            ("bytes=0-", one(0, 9)),
            ("bytes=0-9", one(0, 9)),
            ("bytes=0-10", one(0, 9)),
            ("bytes=9-9", one(9, 9)),
            ("bytes=-10", one(0, 9)),
            ("bytes=-11", one(0, 9)),
            ("Bytes=3-3", one(3, 3)),
            ("bytes=0003-0004", one(3, 4)),
            ("bytes=,,3-4,", one(3, 4)),
            ("bytes=5-99999999999999999999999999", one(5, 9)),
            ("bytes=-99999999999999999999999999", one(0, 9)),
            ("bytes=10-", Resolved::Unsatisfiable),
            ("bytes=10-20", Resolved::Unsatisfiable),
            ("bytes=99999999999999999999999999-", Resolved::Unsatisfiable),
            ("bytes=18446744073709551615-", Resolved::Unsatisfiable),
            ("bytes=-0", Resolved::Unsatisfiable),
            ("bytes=-0,10-,11-", Resolved::Unsatisfiable),
            ("bytes=-0,10-,4-5", one(4, 5)),
        ] {
            assert_eq!(resolve(value, 10), want, "{value}");
        }
        assert_eq!(resolve("bytes=18446744073709551614-", u64::MAX), one(u64::MAX - 1, u64::MAX - 1));
    }

    #[test]
    fn what_cannot_be_read_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes= , ,",
            "bytes 0-1",
            "bytes =0-1",
            "bytes:0-1",
            "items=0-1",
            "0-1",
            "bytes=-",
            "bytes=--1",
            "bytes=1",
            "bytes=1-2-3",
            "bytes=a-b",
            "bytes=0 -1",
            "bytes=0- 1",
            "bytes=+0-1",
            "bytes=0x0-1",
            "bytes=5-4",
            "bytes=0-1,5-4",
            "bytes=0-1;2-3",
            "bytes=0-1,x",
            "bytes=\"0-1\"",
            "bytes=0-1,\"2-3\"",
            "none",
            "bytes=*",
        ] {
            assert_eq!(resolve(value, 10), Resolved::Ignored, "{value:?}");
        }
    }

    #[test]
    fn of_an_empty_representation_a_suffix_is_the_whole_answer() {
        for (value, want) in [
            ("bytes=0-", Resolved::Unsatisfiable),
            ("bytes=0-0", Resolved::Unsatisfiable),
            ("bytes=-0", Resolved::Unsatisfiable),
            ("bytes=-1", Resolved::Ignored),
            ("bytes=0-,-5", Resolved::Ignored),
        ] {
            assert_eq!(resolve(value, 0), want, "{value}");
        }
    }

    #[test]
    fn what_is_near_is_sent_together_and_the_rest_in_the_order_asked() {
        for (value, want) in [
            ("bytes=0-9,90-99", many(&[(0, 9), (90, 99)])), // a gap of 80
            ("bytes=0-9,89-99", one(0, 99)),                // of 79
            ("bytes=90-99,0-9", many(&[(90, 99), (0, 9)])),
            ("bytes=500-509,0-9,510-519", many(&[(500, 519), (0, 9)])),
            ("bytes=0-9,500-509,800-809,5-805", one(0, 809)),
            ("bytes=800-809,0-9,400-409,300-320,310-480", many(&[(800, 809), (0, 9), (300, 480)])),
            ("bytes=0-,0-,0-", one(0, 999)),
            // The third joins the two before it; what it has become joins the first.
            ("bytes=0-9,300-309,100-109,80-230", one(0, 309)),
        ] {
            assert_eq!(resolve(value, 1000), want, "{value}");
        }
    }

    #[test]
    fn more_than_sixteen_parts_or_sixty_four_specs_are_ignored() {
        let parts = |count: u64| {
            let specs: Vec<_> = (0..count).map(|i| format!("{}-{}", i * 1000, i * 1000)).collect();
            format!("bytes={}", specs.join(","))
        };
        assert!(matches!(resolve(&parts(16), 1 << 20), Resolved::Many(parts) if parts.len() == 16));
        assert_eq!(resolve(&parts(17), 1 << 20), Resolved::Ignored);
        // They are counted when they have been put together, and without those beyond the end.
        assert!(matches!(resolve(&parts(64), 15_001), Resolved::Many(parts) if parts.len() == 16));
        assert_eq!(resolve(&format!("bytes={}", ["0-9"; 64].join(",")), 1000), one(0, 9));
        assert_eq!(resolve(&format!("bytes={}", ["0-9"; 65].join(",")), 1000), Resolved::Ignored);
    }
}
