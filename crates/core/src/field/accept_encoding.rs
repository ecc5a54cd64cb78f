//! `Accept-Encoding` (RFC 9110 §12.5.3), for the content codings that the server has.

use super::list::{Lines, trim};
use super::{cursor::Cursor, weight};

/// A content coding (RFC 9110 §8.4.1; RFC 7932 for `br`, RFC 8878 for `zstd`), in the server's order of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Coding {
    Br,
    Zstd,
    Gzip,
    /// None: the representation as it is.
    Identity,
}

impl Coding {
    /// The codings in the server's order of preference: the smaller first, `identity` last.
    pub const ALL: [Coding; 4] = [Coding::Br, Coding::Zstd, Coding::Gzip, Coding::Identity];

    /// The name, as `Content-Encoding` has it (which never has `identity`).
    pub const fn name(self) -> &'static str {
        match self {
            Coding::Br => "br",
            Coding::Zstd => "zstd",
            Coding::Gzip => "gzip",
            Coding::Identity => "identity",
        }
    }

    /// The coding of that name; names ignore case (RFC 9110 §8.4.1).
    pub fn from_name(name: &[u8]) -> Option<Coding> {
        match name.len() {
            2 if name.eq_ignore_ascii_case(b"br") => Some(Coding::Br),
            4 if name.eq_ignore_ascii_case(b"gzip") => Some(Coding::Gzip),
            4 if name.eq_ignore_ascii_case(b"zstd") => Some(Coding::Zstd),
            // RFC 9110 §8.4.1.3: x-gzip is equivalent to gzip.
            6 if name.eq_ignore_ascii_case(b"x-gzip") => Some(Coding::Gzip),
            8 if name.eq_ignore_ascii_case(b"identity") => Some(Coding::Identity),
            _ => None,
        }
    }
}

/// How welcome each coding is, in thousandths; 0 is not at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AcceptEncoding {
    /// As in [`Coding::ALL`].
    weights: [u16; 4],
    is_present: bool,
}

impl AcceptEncoding {
    /// The field is not there.
    pub const ABSENT: AcceptEncoding = AcceptEncoding { weights: [weight::DEFAULT; 4], is_present: false };

    /// Reads the field, in one pass. A member that is malformed is left out: the field is a preference, and `identity` is
    /// always there to fall back on. Of two members for one coding the first counts.
    pub fn parse<'a>(lines: impl Lines<'a>) -> AcceptEncoding {
        let mut listed: [Option<u16>; 4] = [None; 4];
        let mut rest = None;
        let mut is_present = false;
        for line in lines {
            is_present = true;
            // No member has a quoted string, so that every comma ends one.
            for element in line.split(|&b| b == b',') {
                let Some((name, weight)) = member(trim(element)) else { continue };
                if name == b"*" {
                    rest.get_or_insert(weight);
                } else if let Some(coding) = Coding::from_name(name) {
                    listed[coding as usize].get_or_insert(weight);
                }
            }
        }
        if !is_present {
            return AcceptEncoding::ABSENT;
        }
        // §12.5.3: `*` is every coding that is not listed. Without it those are not acceptable, 3, except for identity, 2,
        // which is then what is left when there is no other: the least weight of all (§12.4.2).
        let weight_of = |coding: Coding| {
            let default = if coding == Coding::Identity { 1 } else { 0 };
            listed[coding as usize].or(rest).unwrap_or(default)
        };
        AcceptEncoding { weights: Coding::ALL.map(weight_of), is_present }
    }

    /// How welcome that coding is, in thousandths. 1 for `identity` may mean that the field does not speak of it.
    pub const fn quality(self, coding: Coding) -> u16 {
        self.weights[coding as usize]
    }

    /// The coding to send, from those that there are; `identity` is always one, listed or not. Of those that are as welcome,
    /// the first in [`Coding::ALL`]. `None`: even `identity` is refused, 406 if anything.
    pub fn best(self, available: &[Coding]) -> Option<Coding> {
        // §12.5.3, 1: without the field any coding is acceptable. Clients that send none can mostly decode none.
        if !self.is_present {
            return Some(Coding::Identity);
        }
        let mut best = None;
        let mut best_weight = 0;
        for coding in Coding::ALL {
            let is_there = coding == Coding::Identity || available.contains(&coding);
            if is_there && self.quality(coding) > best_weight {
                best_weight = self.quality(coding);
                best = Some(coding);
            }
        }
        best
    }
}

/// `codings [ weight ]` (§12.5.3), where `weight = OWS ";" OWS "q=" qvalue` (§12.4.2).
fn member(element: &[u8]) -> Option<(&[u8], u16)> {
    let mut cursor = Cursor::new(element);
    let name = cursor.token()?;
    if cursor.is_done() {
        return Some((name, weight::DEFAULT));
    }
    let [b';', q @ ..] = trim(cursor.rest()) else { return None };
    let [b'q' | b'Q', b'=', qvalue @ ..] = trim(q) else { return None };
    Some((name, weight::parse(qvalue)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Coding::*;

    fn parse(value: &str) -> AcceptEncoding {
        AcceptEncoding::parse(Some(value.as_bytes()))
    }

    /// The weights of br, zstd, gzip and identity.
    #[test]
    fn each_coding_has_its_weight() {
        for (value, want) in [
            // RFC 9110 §12.5.3's examples.
            ("compress, gzip", [0, 0, 1000, 1]),
            ("", [0, 0, 0, 1]),
            ("*", [1000, 1000, 1000, 1000]),
            ("compress;q=0.5, gzip;q=1.0", [0, 0, 1000, 1]),
            ("gzip;q=1.0, identity; q=0.5, *;q=0", [0, 0, 1000, 500]),
            // As browsers send it.
            ("gzip, deflate, br, zstd", [1000, 1000, 1000, 1]),
            ("gzip, deflate, br", [1000, 0, 1000, 1]),
            ("br;q=1.0, gzip;q=0.8, *;q=0.1", [1000, 100, 800, 100]),
            ("identity", [0, 0, 0, 1000]),
            ("identity;q=0", [0, 0, 0, 0]),
            ("*;q=0", [0, 0, 0, 0]),
            ("*;q=0, identity", [0, 0, 0, 1000]),
            ("gzip;q=0", [0, 0, 0, 1]),
            ("*, gzip;q=0", [1000, 1000, 0, 1000]),
            ("GZip;Q=0.5", [0, 0, 500, 1]),
            ("x-gzip", [0, 0, 1000, 1]),
            ("X-GZIP;q=0.3, gzip", [0, 0, 300, 1]),
            ("gzip;q=0, gzip", [0, 0, 0, 1]),
            ("*;q=0.5, *;q=0", [500, 500, 500, 500]),
            (",, gzip ,br\t;\tq=0.25,", [250, 0, 1000, 1]),
            // Malformed members are left out.
            ("gzip;q=2, br", [1000, 0, 0, 1]),
            ("gzip q=1, br", [1000, 0, 0, 1]),
            ("gzip;q=\"1\", br", [1000, 0, 0, 1]),
            ("gzip;x=1, br", [1000, 0, 0, 1]),
            ("gzip;q=1;x=1, br", [1000, 0, 0, 1]),
            ("gzip;q=0.5;q=0.5, br", [1000, 0, 0, 1]),
            ("gzip;q=, br", [1000, 0, 0, 1]),
            ("gzip;, br", [1000, 0, 0, 1]),
            ("gzip;;q=1, br", [1000, 0, 0, 1]),
            ("gzip;q =1, br", [1000, 0, 0, 1]),
            ("\"gzip\", br", [1000, 0, 0, 1]),
            ("gzipped, brr, zst", [0, 0, 0, 1]),
        ] {
            assert_eq!(Coding::ALL.map(|c| parse(value).quality(c)), want, "{value:?}");
        }
    }

    #[test]
    fn the_best_is_the_most_welcome_then_the_smallest() {
        for (value, available, want) in [
            ("gzip, deflate, br, zstd", &[Br, Zstd, Gzip][..], Some(Br)),
            ("gzip, deflate, br, zstd", &[Gzip, Zstd], Some(Zstd)),
            ("gzip, deflate, br, zstd", &[Gzip], Some(Gzip)),
            ("gzip, deflate, br, zstd", &[], Some(Identity)),
            ("gzip, deflate, br", &[Zstd], Some(Identity)),
            ("gzip;q=0.9, br;q=0.8", &[Br, Gzip], Some(Gzip)),
            ("gzip;q=0.5", &[Gzip], Some(Gzip)),
            ("gzip;q=0.001", &[Gzip], Some(Gzip)),
            ("gzip;q=0.5, identity", &[Gzip], Some(Identity)),
            ("identity, gzip", &[Gzip], Some(Gzip)),
            ("*", &[Gzip], Some(Gzip)),
            ("", &[Gzip], Some(Identity)),
            ("gzip;q=0", &[Gzip], Some(Identity)),
            ("identity;q=0, gzip", &[Gzip], Some(Gzip)),
            ("identity;q=0, gzip", &[Br], None),
            ("*;q=0", &[Br, Gzip], None),
            ("*;q=0", &[Identity], None),
        ] {
            assert_eq!(parse(value).best(available), want, "{value:?} {available:?}");
        }
    }

    #[test]
    fn without_the_field_all_is_acceptable_and_nothing_is_coded() {
        let absent = AcceptEncoding::parse(None);
        assert_eq!(absent, AcceptEncoding::ABSENT);
        assert_eq!((absent.quality(Br), absent.best(&[Br, Gzip])), (1000, Some(Identity)));
    }

    #[test]
    fn lines_read_like_one_line() {
        let lines: [&[u8]; 3] = [b"gzip", b"", b"br;q=0.5"];
        assert_eq!(AcceptEncoding::parse(lines), parse("gzip, br;q=0.5"));
    }
}
