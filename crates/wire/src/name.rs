//! The field names that somebody here looks at, and those that every browser sends, which are taken quicker for being known.
//! One table: the enum, the spelling and the look-up all come from it.

macro_rules! names {
    ($($name:ident $spelling:literal)*) => {
        /// A field name that is known, whatever the case it was written in (RFC 9110 §5.1).
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Name { $($name),* }

        impl Name {
            /// Each known name, in the order of the enum.
            pub const ALL: &[Name] = &[$(Name::$name),*];
        }

        const SPELLINGS: [&str; Name::COUNT] = [$($spelling),*];
    };
}

names! {
    Accept "accept"
    AcceptEncoding "accept-encoding"
    AcceptLanguage "accept-language"
    AccessControlRequestHeaders "access-control-request-headers"
    AccessControlRequestMethod "access-control-request-method"
    AccessControlRequestPrivateNetwork "access-control-request-private-network"
    Authorization "authorization"
    CacheControl "cache-control"
    Connection "connection"
    ContentEncoding "content-encoding"
    ContentLength "content-length"
    ContentRange "content-range"
    ContentType "content-type"
    Cookie "cookie"
    Dnt "dnt"
    EarlyData "early-data"
    Expect "expect"
    Forwarded "forwarded"
    Host "host"
    Http2Settings "http2-settings"
    IdempotencyKey "idempotency-key"
    IfMatch "if-match"
    IfModifiedSince "if-modified-since"
    IfNoneMatch "if-none-match"
    IfRange "if-range"
    IfUnmodifiedSince "if-unmodified-since"
    KeepAlive "keep-alive"
    LastEventId "last-event-id"
    Link "link"
    MaxForwards "max-forwards"
    Origin "origin"
    Pragma "pragma"
    Prefer "prefer"
    Priority "priority"
    ProxyAuthorization "proxy-authorization"
    ProxyConnection "proxy-connection"
    Range "range"
    Referer "referer"
    RequestId "request-id"
    SecChUa "sec-ch-ua"
    SecChUaMobile "sec-ch-ua-mobile"
    SecChUaPlatform "sec-ch-ua-platform"
    SecFetchDest "sec-fetch-dest"
    SecFetchMode "sec-fetch-mode"
    SecFetchSite "sec-fetch-site"
    SecFetchUser "sec-fetch-user"
    SecWebsocketKey "sec-websocket-key"
    SecWebsocketVersion "sec-websocket-version"
    Te "te"
    Trailer "trailer"
    TransferEncoding "transfer-encoding"
    Upgrade "upgrade"
    UpgradeInsecureRequests "upgrade-insecure-requests"
    UserAgent "user-agent"
    Via "via"
    XForwardedFor "x-forwarded-for"
    XForwardedHost "x-forwarded-host"
    XForwardedProto "x-forwarded-proto"
}

/// No name is as long as this.
const LONGEST: usize = 48;

/// The first name of a length and a first letter; the others of the same bucket follow in `NEXT`.
static BUCKET: [Row; LONGEST] = LOOK_UP.0;
static NEXT: [Option<Name>; Name::COUNT] = LOOK_UP.1;

type Row = [Option<Name>; 32];

const LOOK_UP: ([Row; LONGEST], [Option<Name>; Name::COUNT]) = {
    let mut bucket = [[None; 32]; LONGEST];
    let mut next = [None; Name::COUNT];
    let mut i = Name::COUNT;
    while i > 0 {
        i -= 1;
        let spelling = SPELLINGS[i].as_bytes();
        let slot = &mut bucket[spelling.len()][(spelling[0] & 31) as usize];
        next[i] = *slot;
        *slot = Some(Name::ALL[i]);
    }
    (bucket, next)
};

impl Name {
    /// How many there are.
    pub const COUNT: usize = Name::ALL.len();

    /// The known name that a field name is, compared without regard to case. The name must have no control bytes: with one,
    /// it could be taken for a known one.
    // By force: it is asked once for each line, and a call of it costs 15 instructions.
    #[inline(always)]
    pub fn of(name: &[u8]) -> Option<Name> {
        let row = BUCKET.get(name.len())?;
        let mut candidate = row[(name.first()? & 31) as usize];
        let ends = ends(name);
        while let Some(known) = candidate {
            // Of up to sixteen bytes, the ends are all there is.
            if ENDS[known as usize] == ends && (name.len() <= 16 || same_letters(name, known.as_str().as_bytes())) {
                break;
            }
            candidate = NEXT[known as usize];
        }
        candidate
    }

    /// The name in lower case, as HTTP/2 writes it.
    pub const fn as_str(self) -> &'static str {
        SPELLINGS[self as usize]
    }

    /// This name's bit in a set of names.
    #[inline]
    pub(crate) const fn bit(self) -> u64 {
        1 << self as u8
    }
}

const _: () = assert!(Name::COUNT <= 64, "a set of names is a u64");

static ENDS: [(u64, u64); Name::COUNT] = {
    let mut table = [(0, 0); Name::COUNT];
    let mut i = 0;
    while i < Name::COUNT {
        table[i] = ends(SPELLINGS[i].as_bytes());
        i += 1;
    }
    table
};

/// The first and the last eight bytes of a name in lower case; they overlap in one of less than sixteen bytes, and in a shorter
/// one they are four or fewer. Setting 0x20 puts letters in lower case, and makes no other byte equal to a letter, a digit or
/// `-` that was not, but control bytes.
#[inline]
const fn ends(name: &[u8]) -> (u64, u64) {
    const LOWER: u64 = 0x2020_2020_2020_2020;
    if let (Some(first), Some(last)) = (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (u64::from_le_bytes(*first) | LOWER, u64::from_le_bytes(*last) | LOWER)
    } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (u32::from_le_bytes(*first) as u64 | LOWER, u32::from_le_bytes(*last) as u64 | LOWER)
    } else {
        match name {
            [a, b, c] => (u32::from_le_bytes([*a, *b, *c, 0]) as u64 | LOWER, LOWER),
            [a, b] => (u32::from_le_bytes([*a, *b, 0, 0]) as u64 | LOWER, LOWER),
            _ => (0, 0),
        }
    }
}

fn same_letters(name: &[u8], lower: &[u8]) -> bool {
    name.iter().zip(lower).all(|(n, l)| n | 0x20 == *l)
}

const _: () = {
    let mut i = 0;
    while i < Name::COUNT {
        assert!(SPELLINGS[i].len() >= 2, "a name of one letter would be any");
        i += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_found_in_any_case_and_nothing_near_it() {
        for &name in Name::ALL {
            let lower = name.as_str();
            assert_eq!(Name::of(lower.as_bytes()), Some(name));
            assert_eq!(Name::of(lower.to_ascii_uppercase().as_bytes()), Some(name));
            for i in 0..lower.len() {
                for byte in (0..=255u8).filter(|b| !b.is_ascii_control()) {
                    let mut near = lower.as_bytes().to_vec();
                    near[i] = byte;
                    let expected =
                        Name::ALL.iter().copied().find(|n| n.as_str().as_bytes().eq_ignore_ascii_case(&near));
                    assert_eq!(Name::of(&near), expected, "{near:?}");
                }
            }
            assert_ne!(Name::of(&lower.as_bytes()[1..]), Some(name));
        }
        for other in ["", "x", "hos", "hostt", "x-a-very-long-name-that-nobody-here-will-ever-look-at-or-into"] {
            assert_eq!(Name::of(other.as_bytes()), None);
        }
    }
}
