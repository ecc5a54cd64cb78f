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
const NONE: u8 = u8::MAX;

/// The first name of a length and a first letter; the others of the same bucket follow in `NEXT`.
static BUCKET: [[u8; 32]; LONGEST] = LOOK_UP.0;
static NEXT: [u8; Name::COUNT] = LOOK_UP.1;

const LOOK_UP: ([[u8; 32]; LONGEST], [u8; Name::COUNT]) = {
    let mut bucket = [[NONE; 32]; LONGEST];
    let mut next = [NONE; Name::COUNT];
    let mut i = Name::COUNT;
    while i > 0 {
        i -= 1;
        let spelling = SPELLINGS[i].as_bytes();
        let slot = &mut bucket[spelling.len()][(spelling[0] & 31) as usize];
        next[i] = *slot;
        *slot = i as u8;
    }
    (bucket, next)
};

impl Name {
    /// How many there are.
    pub const COUNT: usize = Name::ALL.len();

    /// The known name that a field name is, compared without regard to case. The name must have no control bytes: with one,
    /// it could be taken for a known one.
    #[inline]
    pub fn of(name: &[u8]) -> Option<Name> {
        let row = BUCKET.get(name.len())?;
        let mut candidate = row[(name.first()? & 31) as usize];
        while candidate != NONE {
            if same_letters(name, SPELLINGS[candidate as usize].as_bytes()) {
                return Some(Name::ALL[candidate as usize]);
            }
            candidate = NEXT[candidate as usize];
        }
        None
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

/// Whether a name, put in lower case, is `lower`, of letters, digits and `-`. Setting 0x20 makes no byte equal to one of
/// those that was not, but control bytes; so that eight can be compared at a time.
#[inline]
fn same_letters(name: &[u8], lower: &[u8]) -> bool {
    fn eight(bytes: &[u8]) -> Option<u64> {
        Some(u64::from_le_bytes(*bytes.first_chunk::<8>()?) | 0x2020_2020_2020_2020)
    }
    fn four(bytes: &[u8]) -> Option<u32> {
        Some(u32::from_le_bytes(*bytes.first_chunk::<4>()?) | 0x2020_2020)
    }
    let n = lower.len();
    if name.len() != n {
        return false;
    }
    if n >= 8 {
        // The last eight overlap what came before.
        let mut at = 0;
        while at + 8 < n {
            if eight(&name[at..]) != eight(&lower[at..]) {
                return false;
            }
            at += 8;
        }
        return eight(&name[n - 8..]) == eight(&lower[n - 8..]);
    }
    if n >= 4 {
        return four(name) == four(lower) && four(&name[n - 4..]) == four(&lower[n - 4..]);
    }
    name.iter().zip(lower).all(|(b, l)| b | 0x20 == *l)
}

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
