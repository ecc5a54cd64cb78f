//! The registry of status codes: each assigned one, one line.
//!
//! The columns are what RFC 9110 §16.2.2 asks of a status code's definition: whether it is heuristically cacheable,
//! whether its answer may have content, and which fields it must be sent with.

/// A status code (RFC 9110 §15). The constants are IANA's registry; other numbers come only from an upstream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

/// The first digit of a status code (RFC 9110 §15).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// 1xx: received, going on.
    Informational,
    /// 2xx: received, understood and accepted.
    Successful,
    /// 3xx: something more must be done.
    Redirection,
    /// 4xx: the request cannot be fulfilled as it is.
    ClientError,
    /// 5xx: the server failed an apparently valid request.
    ServerError,
}

/// Whether an answer with this status has content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// It ends with its head: no content, whatever its fields say (RFC 9112 §6.3).
    Never,
    /// It may.
    May,
}

/// A field that an answer must carry because of its status or its reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Required {
    /// `Accept-Encoding`: the codings that request content may have (RFC 9110 §12.5.3).
    AcceptEncoding,
    /// `Accept-Post` or `Accept-Patch`: the media types that request content may have (RFC 5789 §3.1).
    AcceptPost,
    /// `Allow`: the methods that the target takes (RFC 9110 §10.2.1).
    Allow,
    /// `Content-Range`: which part this is, or the whole length (RFC 9110 §14.4).
    ContentRange,
    /// `Link`: what to fetch early (RFC 8297 §2).
    Link,
    /// `Location`: where it is (RFC 9110 §10.2.2).
    Location,
    /// `Proxy-Authenticate`: how to identify to the proxy (RFC 9110 §11.7.1).
    ProxyAuthenticate,
    /// `Proxy-Status`: which gateway says so, and what it met (RFC 9209 §2).
    ProxyStatus,
    /// `RateLimit`: what is left, and for how long.
    RateLimit,
    /// `RateLimit-Policy`: how many in which time.
    RateLimitPolicy,
    /// `Retry-After`: when to come again (RFC 9110 §10.2.3).
    RetryAfter,
    /// `Upgrade`: the protocols to change to (RFC 9110 §7.8).
    Upgrade,
    /// `WWW-Authenticate`: how to identify (RFC 9110 §11.6.1).
    WwwAuthenticate,
}

impl Required {
    /// The field's name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Required::AcceptEncoding => "Accept-Encoding",
            Required::AcceptPost => "Accept-Post",
            Required::Allow => "Allow",
            Required::ContentRange => "Content-Range",
            Required::Link => "Link",
            Required::Location => "Location",
            Required::ProxyAuthenticate => "Proxy-Authenticate",
            Required::ProxyStatus => "Proxy-Status",
            Required::RateLimit => "RateLimit",
            Required::RateLimitPolicy => "RateLimit-Policy",
            Required::RetryAfter => "Retry-After",
            Required::Upgrade => "Upgrade",
            Required::WwwAuthenticate => "WWW-Authenticate",
        }
    }
}

/// One line of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code.
    pub status: Status,
    /// The registered description; `(Unused)` where IANA says so.
    pub phrase: &'static str,
    /// Where it is defined.
    pub section: &'static str,
    /// Whether a cache may store it without being told how long (RFC 9110 §15.1).
    pub cacheable: bool,
    /// Whether its answer has content.
    pub content: Content,
    /// What it must carry.
    pub required: &'static [Required],
}

macro_rules! registry {
    ($($code:literal $name:ident $phrase:literal $section:literal $cacheable:ident $content:ident [$($required:ident)*])*) => {
        #[allow(missing_docs)]
        impl Status {
            $(pub const $name: Status = Status($code);)*
        }

        /// The registry in numeric order.
        pub const REGISTRY: &[Entry] = &[$(Entry {
            status: Status::$name,
            phrase: $phrase,
            section: $section,
            cacheable: registry!($cacheable),
            content: Content::$content,
            required: &[$(Required::$required),*],
        }),*];
    };
    (cacheable) => { true };
    (explicit) => { false };
}

registry! {
    // code name                      phrase                            defined in          cached     content  must carry
    100 CONTINUE                      "Continue"                        "RFC 9110 §15.2.1"  explicit   Never    []
    101 SWITCHING_PROTOCOLS           "Switching Protocols"             "RFC 9110 §15.2.2"  explicit   Never    [Upgrade]
    102 PROCESSING                    "Processing"                      "RFC 2518 §10.1"    explicit   Never    []
    103 EARLY_HINTS                   "Early Hints"                     "RFC 8297 §2"       explicit   Never    [Link]
    200 OK                            "OK"                              "RFC 9110 §15.3.1"  cacheable  May      []
    201 CREATED                       "Created"                         "RFC 9110 §15.3.2"  explicit   May      [Location]
    202 ACCEPTED                      "Accepted"                        "RFC 9110 §15.3.3"  explicit   May      []
    203 NON_AUTHORITATIVE_INFORMATION "Non-Authoritative Information"   "RFC 9110 §15.3.4"  cacheable  May      []
    204 NO_CONTENT                    "No Content"                      "RFC 9110 §15.3.5"  cacheable  Never    []
    205 RESET_CONTENT                 "Reset Content"                   "RFC 9110 §15.3.6"  explicit   Never    []
    206 PARTIAL_CONTENT               "Partial Content"                 "RFC 9110 §15.3.7"  cacheable  May      [ContentRange]
    207 MULTI_STATUS                  "Multi-Status"                    "RFC 4918 §11.1"    explicit   May      []
    208 ALREADY_REPORTED              "Already Reported"                "RFC 5842 §7.1"     explicit   May      []
    226 IM_USED                       "IM Used"                         "RFC 3229 §10.4.1"  explicit   May      []
    300 MULTIPLE_CHOICES              "Multiple Choices"                "RFC 9110 §15.4.1"  cacheable  May      []
    301 MOVED_PERMANENTLY             "Moved Permanently"               "RFC 9110 §15.4.2"  cacheable  May      [Location]
    302 FOUND                         "Found"                           "RFC 9110 §15.4.3"  explicit   May      [Location]
    303 SEE_OTHER                     "See Other"                       "RFC 9110 §15.4.4"  explicit   May      [Location]
    304 NOT_MODIFIED                  "Not Modified"                    "RFC 9110 §15.4.5"  explicit   Never    []
    305 USE_PROXY                     "Use Proxy"                       "RFC 9110 §15.4.6"  explicit   May      []
    306 UNUSED_306                    "(Unused)"                        "RFC 9110 §15.4.7"  explicit   May      []
    307 TEMPORARY_REDIRECT            "Temporary Redirect"              "RFC 9110 §15.4.8"  explicit   May      [Location]
    308 PERMANENT_REDIRECT            "Permanent Redirect"              "RFC 9110 §15.4.9"  cacheable  May      [Location]
    400 BAD_REQUEST                   "Bad Request"                     "RFC 9110 §15.5.1"  explicit   May      []
    401 UNAUTHORIZED                  "Unauthorized"                    "RFC 9110 §15.5.2"  explicit   May      [WwwAuthenticate]
    402 PAYMENT_REQUIRED              "Payment Required"                "RFC 9110 §15.5.3"  explicit   May      []
    403 FORBIDDEN                     "Forbidden"                       "RFC 9110 §15.5.4"  explicit   May      []
    404 NOT_FOUND                     "Not Found"                       "RFC 9110 §15.5.5"  cacheable  May      []
    405 METHOD_NOT_ALLOWED            "Method Not Allowed"              "RFC 9110 §15.5.6"  cacheable  May      [Allow]
    406 NOT_ACCEPTABLE                "Not Acceptable"                  "RFC 9110 §15.5.7"  explicit   May      []
    407 PROXY_AUTHENTICATION_REQUIRED "Proxy Authentication Required"   "RFC 9110 §15.5.8"  explicit   May      [ProxyAuthenticate]
    408 REQUEST_TIMEOUT               "Request Timeout"                 "RFC 9110 §15.5.9"  explicit   May      []
    409 CONFLICT                      "Conflict"                        "RFC 9110 §15.5.10" explicit   May      []
    410 GONE                          "Gone"                            "RFC 9110 §15.5.11" cacheable  May      []
    411 LENGTH_REQUIRED               "Length Required"                 "RFC 9110 §15.5.12" explicit   May      []
    412 PRECONDITION_FAILED           "Precondition Failed"             "RFC 9110 §15.5.13" explicit   May      []
    413 CONTENT_TOO_LARGE             "Content Too Large"               "RFC 9110 §15.5.14" explicit   May      []
    414 URI_TOO_LONG                  "URI Too Long"                    "RFC 9110 §15.5.15" cacheable  May      []
    415 UNSUPPORTED_MEDIA_TYPE        "Unsupported Media Type"          "RFC 9110 §15.5.16" explicit   May      []
    416 RANGE_NOT_SATISFIABLE         "Range Not Satisfiable"           "RFC 9110 §15.5.17" explicit   May      [ContentRange]
    417 EXPECTATION_FAILED            "Expectation Failed"              "RFC 9110 §15.5.18" explicit   May      []
    418 UNUSED_418                    "(Unused)"                        "RFC 9110 §15.5.19" explicit   May      []
    421 MISDIRECTED_REQUEST           "Misdirected Request"             "RFC 9110 §15.5.20" explicit   May      []
    422 UNPROCESSABLE_CONTENT         "Unprocessable Content"           "RFC 9110 §15.5.21" explicit   May      []
    423 LOCKED                        "Locked"                          "RFC 4918 §11.3"    explicit   May      []
    424 FAILED_DEPENDENCY             "Failed Dependency"               "RFC 4918 §11.4"    explicit   May      []
    425 TOO_EARLY                     "Too Early"                       "RFC 8470 §5.2"     explicit   May      []
    426 UPGRADE_REQUIRED              "Upgrade Required"                "RFC 9110 §15.5.22" explicit   May      [Upgrade]
    428 PRECONDITION_REQUIRED         "Precondition Required"           "RFC 6585 §3"       explicit   May      []
    429 TOO_MANY_REQUESTS             "Too Many Requests"               "RFC 6585 §4"       explicit   May      []
    431 REQUEST_HEADER_FIELDS_TOO_LARGE "Request Header Fields Too Large" "RFC 6585 §5"     explicit   May      []
    451 UNAVAILABLE_FOR_LEGAL_REASONS "Unavailable For Legal Reasons"   "RFC 7725 §3"       cacheable  May      []
    500 INTERNAL_SERVER_ERROR         "Internal Server Error"           "RFC 9110 §15.6.1"  explicit   May      []
    501 NOT_IMPLEMENTED               "Not Implemented"                 "RFC 9110 §15.6.2"  cacheable  May      []
    502 BAD_GATEWAY                   "Bad Gateway"                     "RFC 9110 §15.6.3"  explicit   May      []
    503 SERVICE_UNAVAILABLE           "Service Unavailable"             "RFC 9110 §15.6.4"  explicit   May      []
    504 GATEWAY_TIMEOUT               "Gateway Timeout"                 "RFC 9110 §15.6.5"  explicit   May      []
    505 HTTP_VERSION_NOT_SUPPORTED    "HTTP Version Not Supported"      "RFC 9110 §15.6.6"  explicit   May      []
    506 VARIANT_ALSO_NEGOTIATES       "Variant Also Negotiates"         "RFC 2295 §8.1"     explicit   May      []
    507 INSUFFICIENT_STORAGE          "Insufficient Storage"            "RFC 4918 §11.5"    explicit   May      []
    508 LOOP_DETECTED                 "Loop Detected"                   "RFC 5842 §7.2"     explicit   May      []
    510 NOT_EXTENDED                  "Not Extended (OBSOLETED)"        "RFC 2774 §7"       explicit   May      []
    511 NETWORK_AUTHENTICATION_REQUIRED "Network Authentication Required" "RFC 6585 §6"     explicit   May      []
}

impl Status {
    /// A number that came from outside: 100 to 999 (RFC 9110 §15: three digits, the first from 1).
    pub const fn from_wire(code: u16) -> Option<Status> {
        if code >= 100 && code <= 999 { Some(Status(code)) } else { None }
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// Its line in the registry; `None` for a number that IANA has not assigned.
    pub fn entry(self) -> Option<&'static Entry> {
        REGISTRY.binary_search_by_key(&self, |entry| entry.status).ok().map(|i| &REGISTRY[i])
    }

    /// The registered description; empty for an unassigned number (RFC 9112 §4: a reason phrase may be empty).
    pub fn phrase(self) -> &'static str {
        self.entry().map_or("", |entry| entry.phrase)
    }

    /// The reason phrase of a status line: the registered description, without IANA's notes on it (RFC 9112 §4).
    pub fn reason_phrase(self) -> &'static str {
        let phrase = self.phrase();
        match phrase.bytes().position(|b| b == b'(') {
            Some(note) => phrase[..note].trim_end(),
            None => phrase,
        }
    }

    /// The class. A code past 599 is treated as a 5xx (RFC 9110 §15).
    pub const fn class(self) -> Class {
        match self.0 / 100 {
            1 => Class::Informational,
            2 => Class::Successful,
            3 => Class::Redirection,
            4 => Class::ClientError,
            _ => Class::ServerError,
        }
    }

    /// Whether the connection speaks another protocol after its answer (RFC 9110 §15.2.2): 101.
    pub const fn switches_protocol(self) -> bool {
        self.0 == 101
    }

    /// Whether its answer ends with the head, whatever its fields say (RFC 9112 §6.3): 1xx, 204 and 304.
    pub const fn ends_with_head(self) -> bool {
        matches!(self.0, 100..=199 | 204 | 304)
    }

    /// Whether its answer has no content: those that end with the head, and 205, whose content has no bytes
    /// (RFC 9110 §15.3.6).
    pub const fn forbids_content(self) -> bool {
        matches!(self.0, 100..=199 | 204 | 205 | 304)
    }

    /// Whether its answer must not have `Content-Length` (RFC 9110 §8.6): 1xx and 204.
    pub const fn forbids_length(self) -> bool {
        matches!(self.0, 100..=199 | 204)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.0, self.phrase())
    }
}
