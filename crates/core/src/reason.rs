//! The catalogue: every reason that an answer can have, in the order in which they are decided.
//!
//! One cause, one reason, one line of code that gives it. A reason cannot be made outside this crate: whoever holds one
//! was told it by the decision. Ids are public and stable; `RETIRED` keeps those that are no longer given.
//!
//! In a sentence or a remedy, `{name|words}` is evidence that [`crate::explain`] fills in, or the words where there is none.

use crate::path::Stage;
use crate::status::Status;

/// Who has to change something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nobody: nothing is wrong.
    Nobody,
    /// Whoever sent the request.
    Client,
    /// The server behind this one.
    Upstream,
    /// Whoever runs this server: its files, its config, its capacity.
    Operator,
    /// The authors of this server: a bug.
    Us,
}

/// What a client may do next with the same request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// Nothing to repeat: it has what it asked for, or knows where it is.
    Unneeded,
    /// Repeating it, changed or not, will not help.
    Never,
    /// Repeat it after the change that the remedy names.
    AfterChange,
    /// Repeat it unchanged after a while.
    AfterWhile,
}

/// One line of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The reason.
    pub reason: Reason,
    /// The public, stable id.
    pub id: &'static str,
    /// The status; `None` for the two reasons that carry theirs as data.
    pub status: Option<Status>,
    /// The stage that gives it.
    pub stage: Stage,
    /// The section that the decision obeys.
    pub section: &'static str,
    /// Who is at fault.
    pub fault: Fault,
    /// What the client may do next.
    pub retry: Retry,
    /// The fact, as a sentence.
    pub sentence: &'static str,
    /// What to do, as a sentence; empty where nothing is wrong.
    pub remedy: &'static str,
}

macro_rules! catalogue {
    (
        $($stage:ident {
            $($reason:ident $id:literal $status:ident $section:literal $fault:ident $retry:ident $sentence:literal $remedy:literal)*
        })*
        @data $dstage:ident {
            $($data:ident $did:literal $dsection:literal $dfault:ident $dretry:ident $dsentence:literal $dremedy:literal)*
        }
    ) => {
        /// Why an answer has its status. Made only by the decision; see [`Reason::entry`] for what each means.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs)]
        pub enum Reason {
            $($(#[non_exhaustive] $reason,)*)*
            $(#[non_exhaustive] $data(Status),)*
        }

        impl Reason {
            /// The line of the catalogue.
            pub const fn entry(self) -> &'static Entry {
                match self {
                    $($(Reason::$reason => &Entry {
                        reason: Reason::$reason, id: $id, status: Some(Status::$status), stage: Stage::$stage,
                        section: $section, fault: Fault::$fault, retry: Retry::$retry, sentence: $sentence,
                        remedy: $remedy,
                    },)*)*
                    $(Reason::$data(_) => &Entry {
                        reason: Reason::$data(Status::OK), id: $did, status: None, stage: Stage::$dstage,
                        section: $dsection, fault: Fault::$dfault, retry: Retry::$dretry, sentence: $dsentence,
                        remedy: $dremedy,
                    },)*
                }
            }

            /// The status.
            #[inline]
            pub const fn status(self) -> Status {
                match self {
                    $($(Reason::$reason => Status::$status,)*)*
                    $(Reason::$data(status) => status,)*
                }
            }
        }

        /// The reasons without what some of them carry: their numbers.
        enum Ordinal {
            $($($reason,)*)*
            $($data,)*
        }

        impl Reason {
            /// Where it stands in [`CATALOGUE`], from 0: for tables with a place for each.
            #[inline]
            pub const fn index(self) -> usize {
                match self {
                    $($(Reason::$reason => Ordinal::$reason as usize,)*)*
                    $(Reason::$data(_) => Ordinal::$data as usize,)*
                }
            }
        }

        impl Reason {
            /// The reason that stands there in [`CATALOGUE`], with this status; `None`: none does, or another status is its own.
            pub(crate) fn at(index: usize, status: Status) -> Option<Reason> {
                let reason = CATALOGUE.get(index)?.reason;
                match reason {
                    $(Reason::$data(_) => Some(Reason::$data(status)),)*
                    _ => (reason.status() == status).then_some(reason),
                }
            }
        }

        /// Every reason, in the order of decision; the two that carry a status stand with 200.
        pub const CATALOGUE: &[&Entry] = &[
            $($(Reason::$reason.entry(),)*)*
            $(Reason::$data(Status::OK).entry(),)*
        ];
    };
}

impl Reason {
    /// The public, stable id, as in `Verdict-Reason` and `urn:verdict:reason:ID`.
    pub const fn id(self) -> &'static str {
        self.entry().id
    }

    /// What the client is told: for a refusal that is hidden, what it would be told if nothing were there. (Where no other route
    /// matches, a server tells what it tells then: [`Reason::NoRoute`].)
    pub const fn public(self) -> Reason {
        match self {
            Reason::HiddenFromStranger | Reason::HiddenFromUser => Reason::NothingThere,
            // That there is a link, a device or a file of the config is nobody's business but the log's.
            Reason::OutsideRoot | Reason::NotAFile | Reason::FileOfConfig => Reason::NothingThere,
            // Nobody learns which users there are.
            Reason::PasswordWrong => Reason::UserUnknown,
            reason => reason,
        }
    }
}

/// `id`, for logs and fields.
impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}

/// Ids that were given once and are given no more: an id is never used again for another cause.
pub const RETIRED: &[&str] = &[];

catalogue! {
    // reason                id                               status                section            fault    retry
    //     sentence
    //     remedy

    // Interim answers: given before the final one, by a handler at work.
    Process {
    ContentInvited           "content-invited"                CONTINUE              "RFC 9110 §10.1.1" Nobody   Unneeded
        "Everything that could refuse the request without its content has passed; the content may be sent."
        ""
    TunnelAccepted           "tunnel-accepted"                SWITCHING_PROTOCOLS   "RFC 9110 §7.8"    Nobody   Unneeded
        "The upstream accepted the change to {protocol|the protocol that was asked for}."
        ""
    Http2Accepted            "http2-accepted"                 SWITCHING_PROTOCOLS   "RFC 9110 §7.8"    Nobody   Unneeded
        "The connection changes to HTTP/2; the answer to this request comes as its first stream."
        ""
    Hinted                   "hinted"                         EARLY_HINTS           "RFC 8297 §2"      Nobody   Unneeded
        "The route names what the answer will need, so that it can be fetched early."
        ""
    UpstreamHinted           "upstream-hinted"                EARLY_HINTS           "RFC 8297 §2"      Nobody   Unneeded
        "The upstream named what its answer will need."
        ""
    }

    // Arrive: will we take this message?
    Arrive {
    HeadTimeout              "head-timeout"                   REQUEST_TIMEOUT       "RFC 9110 §15.5.9" Client   AfterWhile
        "The request's head began to arrive and was not complete after {limit|the time that a head may take}."
        "Send the whole head at once, within {limit|the server's `head` time}."
    TargetTooLong            "target-too-long"                URI_TOO_LONG          "RFC 9110 §15.5.15" Client  AfterChange
        "The request target is longer than {limit|this server takes}."
        "Shorten the target; put what is long into the content of a POST."
    HeadTooLarge             "head-too-large"                 REQUEST_HEADER_FIELDS_TOO_LARGE "RFC 6585 §5" Client AfterChange
        "The header section is larger than {limit|this server takes}."
        "Send less in the fields: cookies are the usual cause, so clear those of this site."
    TooManyFields            "too-many-fields"                REQUEST_HEADER_FIELDS_TOO_LARGE "RFC 6585 §5" Client AfterChange
        "There are more field lines than {limit|this server takes}."
        "Send fewer field lines."
    VersionNotSupported      "version-not-supported"          HTTP_VERSION_NOT_SUPPORTED "RFC 9110 §15.6.6" Client AfterChange
        "The message is in a version of HTTP that this connection does not speak."
        "Speak HTTP/1.1."
    HeadCutShort             "head-cut-short"                 BAD_REQUEST           "RFC 9112 §8"      Client   AfterWhile
        "The client ended its side in the middle of the request's head{at|}."
        "Send the whole head, down to its empty line."
    RequestLineMalformed     "request-line-malformed"         BAD_REQUEST           "RFC 9112 §3"      Client   AfterChange
        "The first line is not a method, one space, a target, one space and a version{at|}."
        "Send `METHOD target HTTP/1.1` and CRLF; a space in the target is %20."
    MethodMalformed          "method-malformed"               BAD_REQUEST           "RFC 9110 §9.1"    Client   AfterChange
        "The method has a byte that a token cannot have{at|}."
        "Use letters, digits, ! # $ % & ' * + - . ^ _ | ~ and the backtick only; if this is TLS, the port expects plain HTTP."
    TargetByteInvalid        "target-byte-invalid"            BAD_REQUEST           "RFC 9112 §3.2"    Client   AfterChange
        "The target has a byte that a request target cannot have{at|}."
        "Percent-encode everything but letters, digits and the punctuation that RFC 3986 allows."
    TargetFormWrong          "target-form-wrong"              BAD_REQUEST           "RFC 9112 §3.2"    Client   AfterChange
        "The target is in no form that this method takes{at|}."
        "Begin the target with `/`; `*` is for OPTIONS alone, and host:port for CONNECT."
    AmbiguousTarget          "ambiguous-target"               BAD_REQUEST           "RFC 3986 §6.2.2"  Client   AfterChange
        "The target can be read in two ways: a dot segment, an encoded control byte, or a broken percent-encoding{at|}."
        "Resolve `.` and `..` before sending, and write each `%` as `%25` or with two hexadecimal digits."
    VersionMalformed         "version-malformed"              BAD_REQUEST           "RFC 9112 §2.3"    Client   AfterChange
        "The version is not `HTTP/`, a digit, a dot and a digit{at|}."
        "End the request line with `HTTP/1.1`."
    BareLf                   "bare-lf"                        BAD_REQUEST           "RFC 9112 §2.2"    Client   AfterChange
        "A line ends in LF without CR{at|}."
        "End each line with CR LF."
    BareCr                   "bare-cr"                        BAD_REQUEST           "RFC 9112 §2.2"    Client   AfterChange
        "A CR stands without LF{at|}."
        "End each line with CR LF, and send no CR elsewhere."
    ObsFold                  "obs-fold"                       BAD_REQUEST           "RFC 9112 §5.2"    Client   AfterChange
        "A field line begins with white space, which once continued the line before it{at|}."
        "Write each field on one line."
    NulByte                  "nul-byte"                       BAD_REQUEST           "RFC 9110 §5.5"    Client   AfterChange
        "There is a NUL byte in the head{at|}."
        "Send no NUL; encode binary values."
    SpaceBeforeColon         "space-before-colon"             BAD_REQUEST           "RFC 9112 §5.1"    Client   AfterChange
        "White space stands between a field name and its colon{at|}."
        "Write the colon right after the name."
    ColonMissing             "colon-missing"                  BAD_REQUEST           "RFC 9112 §5"      Client   AfterChange
        "A field line has no colon{at|}."
        "Write `Name: value`."
    FieldNameInvalid         "field-name-invalid"             BAD_REQUEST           "RFC 9110 §5.1"    Client   AfterChange
        "A field name is empty or has a byte that a token cannot have{at|}."
        "Use letters, digits, ! # $ % & ' * + - . ^ _ | ~ and the backtick only in field names."
    FieldValueInvalid        "field-value-invalid"            BAD_REQUEST           "RFC 9110 §5.5"    Client   AfterChange
        "A field value has a control byte{at|}."
        "Send no control bytes but the tab in field values."
    HostMissing              "host-missing"                   BAD_REQUEST           "RFC 9112 §3.2"    Client   AfterChange
        "An HTTP/1.1 request has no `Host`."
        "Send `Host` with the authority of the URL."
    HostRepeated             "host-repeated"                  BAD_REQUEST           "RFC 9112 §3.2"    Client   AfterChange
        "The request has more than one `Host`{at|}."
        "Send one `Host`."
    HostInvalid              "host-invalid"                   BAD_REQUEST           "RFC 9110 §7.2"    Client   AfterChange
        "The value of `Host` is not a host and an optional port{at|}."
        "Send the authority of the URL without user information: `Host: example.org:8080`."
    BothLengths              "both-lengths"                   BAD_REQUEST           "RFC 9112 §6.1"    Client   AfterChange
        "The request has both `Transfer-Encoding` and `Content-Length`, and two readers could disagree on where it ends{at|}."
        "Send one of the two."
    ContentLengthInvalid     "content-length-invalid"         BAD_REQUEST           "RFC 9110 §8.6"    Client   AfterChange
        "`Content-Length` is not a decimal number of bytes{at|}."
        "Send digits only."
    ContentLengthDiffers     "content-length-differs"         BAD_REQUEST           "RFC 9112 §6.3"    Client   AfterChange
        "`Content-Length` is given twice with different values{at|}."
        "Send it once."
    TransferEncodingInHttp10 "transfer-encoding-in-http10"    BAD_REQUEST           "RFC 9112 §6.1"    Client   AfterChange
        "An HTTP/1.0 message has `Transfer-Encoding`, which that version does not know{at|}."
        "Speak HTTP/1.1, or send `Content-Length`."
    TransferEncodingInvalid  "transfer-encoding-invalid"      BAD_REQUEST           "RFC 9112 §6.1"    Client   AfterChange
        "`Transfer-Encoding` is not a list of codings{at|}."
        "Send `Transfer-Encoding: chunked`."
    ChunkedNotLast           "chunked-not-last"               BAD_REQUEST           "RFC 9112 §6.3"    Client   AfterChange
        "The last transfer coding of the request is not `chunked`, so nobody can tell where it ends{at|}."
        "Send `Transfer-Encoding: chunked`."
    ChunkedRepeated          "chunked-repeated"               BAD_REQUEST           "RFC 9112 §6.1"    Client   AfterChange
        "`chunked` is applied twice{at|}."
        "Send `Transfer-Encoding: chunked`."
    ConnectionNamesProtectedField "connection-names-protected-field" BAD_REQUEST    "RFC 9110 §7.6.1"  Client   AfterChange
        "`Connection` names a field that is meant for every recipient, as if it could be dropped on the way{at|}."
        "Name only hop-by-hop fields in `Connection`."
    AuthorityDiffers         "authority-differs"              BAD_REQUEST           "RFC 9113 §8.3.1"  Client   AfterChange
        "`:authority` and `Host` name two different hosts."
        "Send `:authority` alone."
    PlainHttpOnTls           "plain-http-on-tls"              BAD_REQUEST           "RFC 9110 §4.3.3"  Client   AfterChange
        "A plain HTTP request came to a port that speaks TLS."
        "Use `https://` with this port."
    TransferCodingUnknown    "transfer-coding-unknown"        NOT_IMPLEMENTED       "RFC 9112 §6.1"    Client   AfterChange
        "The request uses a transfer coding that this server does not decode{at|}."
        "Send `Transfer-Encoding: chunked` and nothing else."
    ExpectationUnknown       "expectation-unknown"            EXPECTATION_FAILED    "RFC 9110 §10.1.1" Client   AfterChange
        "The request expects something other than `100-continue`{at|}."
        "Send `Expect: 100-continue` or no `Expect`."
    NotThisAuthority         "not-this-authority"             MISDIRECTED_REQUEST   "RFC 9110 §15.5.20" Client  AfterChange
        "This connection does not serve the authority of the request{fact|}."
        "Send it {advice|on a connection of its own for that authority}."
    TooEarly                 "too-early"                      TOO_EARLY             "RFC 8470 §5.2"    Client   AfterWhile
        "The request came in early data, which an attacker could replay, and its method is not safe."
        "Send it again after the handshake."
    TooManyConnections       "too-many-connections"           SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "The server has as many connections as it takes."
        "Come again after `Retry-After`; who runs the server can raise `limits.connections`."
    TooManyConnectionsOfClient "too-many-connections-of-client" SERVICE_UNAVAILABLE "RFC 9110 §15.6.4" Client   AfterWhile
        "This client has as many connections as one client may."
        "Use the connections that are open; who runs the server can raise `limits.per-client`."
    Maintenance              "maintenance"                    SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "The route is closed for maintenance."
        "Come again after `Retry-After`."
    Draining                 "draining"                       SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "The server is stopping and takes no new requests."
        "Come again after `Retry-After`, on a new connection."
    TooManyRequests          "too-many-requests"              SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "The server has as many requests in flight as it takes."
        "Come again after `Retry-After`; who runs the server can raise `limits.requests`."
    ClientOverRate           "client-over-rate"               TOO_MANY_REQUESTS     "RFC 6585 §4"      Client   AfterWhile
        "This client is over the rate of the route."
        "Wait for `Retry-After` and keep to `RateLimit-Policy`."
    FieldOverRate            "field-over-rate"                TOO_MANY_REQUESTS     "RFC 6585 §4"      Client   AfterWhile
        "Requests with this value of the field that the rate counts by are over the rate of the route."
        "Wait for `Retry-After` and keep to `RateLimit-Policy`."
    PreflightAnswered        "preflight-answered"             NO_CONTENT            "RFC 9110 §9.3.7"  Nobody   Unneeded
        "A browser asked whether a page of another origin may send this request."
        ""
    }

    // Authorize: may this client ask?
    Authorize {
    CredentialsMissing       "credentials-missing"            UNAUTHORIZED          "RFC 9110 §11.6.1" Client   AfterChange
        "The route wants to know who asks, and the request does not say."
        "Send `Authorization` in one of the schemes of `WWW-Authenticate`."
    CredentialsMalformed     "credentials-malformed"          UNAUTHORIZED          "RFC 9110 §11.4"   Client   AfterChange
        "`Authorization` cannot be read."
        "Send a scheme, one space and the credentials in the form of that scheme."
    SchemeNotTaken           "scheme-not-taken"               UNAUTHORIZED          "RFC 9110 §11.6.1" Client   AfterChange
        "The route does not take this authentication scheme."
        "Use one of the schemes of `WWW-Authenticate`."
    UserUnknown              "user-unknown"                   UNAUTHORIZED          "RFC 7617 §2"      Client   AfterChange
        "There is no such user, or the password is another."
        "Send the right user and password."
    PasswordWrong            "password-wrong"                 UNAUTHORIZED          "RFC 7617 §2"      Client   AfterChange
        "There is no such user, or the password is another."
        "Send the right user and password."
    TokenUnknown             "token-unknown"                  UNAUTHORIZED          "RFC 6750 §3.1"    Client   AfterChange
        "The token is not one that this route knows."
        "Send a token that was issued for it."
    TokenMalformed           "token-malformed"                UNAUTHORIZED          "RFC 7519 §7.2"    Client   AfterChange
        "The token is not a signed JSON Web Token."
        "Send the token exactly as it was issued."
    TokenKeyUnknown          "token-key-unknown"              UNAUTHORIZED          "RFC 7515 §4.1.4"  Client   AfterChange
        "The token names a key that this route does not have, or an algorithm that its key is not for."
        "Get a new token from the issuer."
    TokenSignatureWrong      "token-signature-wrong"          UNAUTHORIZED          "RFC 7515 §5.2"    Client   AfterChange
        "The token's signature does not hold."
        "Get a new token from the issuer."
    TokenExpired             "token-expired"                  UNAUTHORIZED          "RFC 7519 §4.1.4"  Client   AfterChange
        "The token has expired."
        "Get a new token from the issuer."
    TokenNotYetValid         "token-not-yet-valid"            UNAUTHORIZED          "RFC 7519 §4.1.5"  Client   AfterWhile
        "The token is not valid yet."
        "Wait until it is, or set the clocks right."
    TokenIssuerWrong         "token-issuer-wrong"             UNAUTHORIZED          "RFC 7519 §4.1.1"  Client   AfterChange
        "The token is from another issuer."
        "Get a token from the issuer that the route trusts."
    TokenAudienceWrong       "token-audience-wrong"           UNAUTHORIZED          "RFC 7519 §4.1.3"  Client   AfterChange
        "The token is meant for another audience."
        "Get a token for this audience."
    TokenExpMissing          "token-exp-missing"              UNAUTHORIZED          "RFC 7519 §4.1.4"  Client   AfterChange
        "The token has no `exp`: it does not say until when it holds, and none is taken for ever."
        "Get a token with `exp` from the issuer."
    TokenSubMissing          "token-sub-missing"              UNAUTHORIZED          "RFC 7519 §4.1.2"  Client   AfterChange
        "The token has no `sub`: it does not say whose it is."
        "Get a token with `sub` from the issuer."
    TooManyFailures          "too-many-failures"              TOO_MANY_REQUESTS     "RFC 6585 §4"      Client   AfterWhile
        "This client has failed to identify itself too often."
        "Wait for `Retry-After`, then send the right credentials."
    VerifierBusy             "verifier-busy"                  SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "More passwords wait to be verified than the server holds."
        "Come again after `Retry-After`."
    HiddenFromStranger       "hidden-from-stranger"           NOT_FOUND             "RFC 9110 §15.5.5" Client   Never
        "The client did not identify itself, and the route hides what it does not give."
        ""
    UserNotAllowed           "user-not-allowed"               FORBIDDEN             "RFC 9110 §15.5.4" Client   Never
        "The user is known and is not among those who may do this here."
        "Ask who runs the server for {needed|the right}; identifying again will not help."
    ScopeLacking             "scope-lacking"                  FORBIDDEN             "RFC 6750 §3.1"    Client   AfterChange
        "The token is valid and lacks the scope that this needs."
        "Get a token with {needed|the scope}."
    CrossSiteForm            "cross-site-form"                FORBIDDEN             "RFC 9110 §15.5.4" Client   AfterChange
        "The request is from {fact|a page of another site, whose user's browser may have added credentials}."
        "Send {advice|it from a page of this site, or from one of an origin that the route's `cors` lists}."
    HiddenFromUser           "hidden-from-user"               NOT_FOUND             "RFC 9110 §15.5.5" Client   Never
        "The user may not do this here, and the route hides what it does not give."
        ""
    UserOverRate             "user-over-rate"                 TOO_MANY_REQUESTS     "RFC 6585 §4"      Client   AfterWhile
        "This user is over the rate of the route."
        "Wait for `Retry-After` and keep to `RateLimit-Policy`."
    RouteQueueFull           "route-queue-full"               SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "The route has as many requests at work and waiting as it takes."
        "Come again after `Retry-After`."
    RouteWaitOver            "route-wait-over"                SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "The request waited for its turn as long as the route lets it."
        "Come again after `Retry-After`."
    }

    // Find: is there such a target, for this method?
    Find {
    MethodUnknown            "method-unknown"                 NOT_IMPLEMENTED       "RFC 9110 §9.1"    Client   AfterChange
        "The method is none that this server knows for any target; methods are case-sensitive."
        "Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, in capitals."
    NoRoute                  "no-route"                       NOT_FOUND             "RFC 9110 §15.5.5" Client   AfterChange
        "No route matches this host and path."
        "Check the host and the path; which patterns there are is in the server's config."
    MethodNotTaken           "method-not-taken"               METHOD_NOT_ALLOWED    "RFC 9110 §15.5.6" Client   AfterChange
        "The target does not take {method|this method}."
        "Use one of {allow|the methods of `Allow`}."
    UpgradeMissing           "upgrade-missing"                UPGRADE_REQUIRED      "RFC 9110 §15.5.22" Client  AfterChange
        "The target speaks another protocol than HTTP, and the request does not ask to change to it."
        "Send `Connection: upgrade` and one of the protocols of `Upgrade`."
    MovedPermanently         "moved-permanently"              MOVED_PERMANENTLY     "RFC 9110 §15.4.2" Nobody   Unneeded
        "The route sends everything to another place, for good; a POST may become a GET on the way."
        ""
    FoundElsewhere           "found-elsewhere"                FOUND                 "RFC 9110 §15.4.3" Nobody   Unneeded
        "The route sends everything to another place, for now; a POST may become a GET on the way."
        ""
    SeeOther                 "see-other"                      SEE_OTHER             "RFC 9110 §15.4.4" Nobody   Unneeded
        "The route answers with another resource, to be fetched with GET."
        ""
    RedirectedForNow         "redirected-for-now"             TEMPORARY_REDIRECT    "RFC 9110 §15.4.8" Nobody   Unneeded
        "The route sends everything to another place, for now, with the same method and content."
        ""
    RedirectedForGood        "redirected-for-good"            PERMANENT_REDIRECT    "RFC 9110 §15.4.9" Nobody   Unneeded
        "The route sends everything to another place, for good, with the same method and content."
        ""
    SlashMissing             "slash-missing"                  PERMANENT_REDIRECT    "RFC 9110 §15.4.9" Nobody   Unneeded
        "The target is a folder, and a folder's own URL ends in a slash, so that relative links in it work."
        ""
    LookUpFailed             "look-up-failed"                 INTERNAL_SERVER_ERROR "RFC 9110 §15.6.1" Operator AfterWhile
        "The system failed to look the target up."
        "Tell who runs the server the request's id: the cause is in the log."
    DescriptorsExhausted     "descriptors-exhausted"          SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "The server has as many files open as the system lets it."
        "Come again after `Retry-After`; who runs the server can raise the limit of open files."
    NothingThere             "nothing-there"                  NOT_FOUND             "RFC 9110 §15.5.5" Client   AfterChange
        "There is nothing at this path."
        "Check the path: capitals count, and a file's path has no slash at its end."
    EncodedSlash             "encoded-slash"                  NOT_FOUND             "RFC 9110 §15.5.5" Client   AfterChange
        "The path has an encoded slash, which is no separator and cannot be part of a name here."
        "Write separators as `/`."
    DotfileHidden            "dotfile-hidden"                 NOT_FOUND             "RFC 9110 §15.5.5" Operator AfterChange
        "A name that begins with a dot is not served."
        "Rename it, or set `dotfiles = true` on the route."
    FolderWithoutIndex       "folder-without-index"           NOT_FOUND             "RFC 9110 §15.5.5" Operator AfterChange
        "The folder has no index file, and listings are off."
        "Put an index file into it, or set `listing = true` on the route."
    OutsideRoot              "outside-root"                   NOT_FOUND             "RFC 9110 §15.5.5" Operator AfterChange
        "The name is a link that leads out of the route's folder."
        "Put the file itself into the folder, or give the place that it links to a route of its own."
    NotAFile                 "not-a-file"                     NOT_FOUND             "RFC 9110 §15.5.5" Operator AfterChange
        "The name is neither a regular file nor a folder."
        "Serve regular files only."
    FileOfConfig             "file-of-config"                 NOT_FOUND             "RFC 9110 §15.5.5" Operator Never
        "It is a file that the configuration reads, or in the folder `state`, and those are never served."
        "Move it out of the folder that is served."
    FileDeleted              "file-deleted"                   GONE                  "RFC 9110 §15.5.11" Nobody  Never
        "The file was deleted on purpose."
        "Remove links to it."
    DocumentDeleted          "document-deleted"               GONE                  "RFC 9110 §15.5.11" Nobody  Never
        "The document was deleted on purpose."
        "Remove links to it; a PUT creates it anew."
    ResultExpired            "result-expired"                 GONE                  "RFC 9110 §15.5.11" Nobody  Never
        "The job's result was kept as long as the route says, and is gone."
        "Start the job again."
    FileUnreadable           "file-unreadable"                FORBIDDEN             "RFC 9110 §15.5.4" Operator AfterChange
        "The file is there, and the server's user may not read it."
        "Let that user read the file and enter its folders."
    }

    // Negotiate: can its content be taken and its answer be understood?
    Negotiate {
    LengthMissing            "length-missing"                 LENGTH_REQUIRED       "RFC 9110 §15.5.12" Client  AfterChange
        "The route wants to know the length of the content before it arrives."
        "Send `Content-Length`."
    ContentTooLarge          "content-too-large"              CONTENT_TOO_LARGE     "RFC 9110 §15.5.14" Client  AfterChange
        "The content is declared as {length|more bytes than the limit}, and the limit is {limit|lower}."
        "Send at most {limit|the limit}."
    MediaTypeNotTaken        "media-type-not-taken"           UNSUPPORTED_MEDIA_TYPE "RFC 9110 §15.5.16" Client AfterChange
        "The target does not take content of this media type."
        "Send one of the types of `Accept-Post` or `Accept-Patch`."
    CodingNotTaken           "coding-not-taken"               UNSUPPORTED_MEDIA_TYPE "RFC 9110 §15.5.16" Client AfterChange
        "The content is coded, and this server does not decode request content."
        "Send it without `Content-Encoding`."
    NotAcceptable            "not-acceptable"                 NOT_ACCEPTABLE        "RFC 9110 §15.5.7" Client   AfterChange
        "The target has no form that `Accept` takes."
        "Accept `application/json`."
    ContentRangeOnPut        "content-range-on-put"           BAD_REQUEST           "RFC 9110 §14.5"   Client   AfterChange
        "A PUT carries `Content-Range`, and a part would be stored as the whole."
        "Send the whole representation."
    FilterNotIndexed         "filter-not-indexed"             BAD_REQUEST           "RFC 9110 §15.5.1" Client   AfterChange
        "The query cannot be answered: {query|it filters or sorts by a member that is not indexed}."
        "Ask {advice|by indexed members; who runs the server can add to `index`}."
    IdempotencyKeyMalformed  "idempotency-key-malformed"      BAD_REQUEST           "RFC 9110 §15.5.1" Client   AfterChange
        "`Idempotency-Key` is empty, comes twice, or is no string."
        "Send one such field with a key that no other request has, in quotation marks."
    ParentMissing            "parent-missing"                 CONFLICT              "RFC 9110 §15.5.10" Client  AfterChange
        "The folder that the file would be in does not exist."
        "Create the folder first; who runs the server can set `create-folders = true`."
    QuotaWouldBurst          "quota-would-burst"              INSUFFICIENT_STORAGE  "RFC 4918 §11.5"   Operator AfterChange
        "The declared content does not fit into what is left of the quota{why|}."
        "Delete something, or raise `quota`."
    JobQueueFull             "job-queue-full"                 SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "The queue of jobs is full."
        "Come again after `Retry-After`."
    }

    // Precondition: does it still hold?
    Precondition {
    ConditionMissing         "condition-missing"              PRECONDITION_REQUIRED "RFC 6585 §3"      Client   AfterChange
        "The route changes nothing without a condition, so that no update is lost."
        "Send `If-Match: {etag|the tag of the version that you changed}`, or `If-None-Match: *` to create."
    IfMatchFailed            "if-match-failed"                PRECONDITION_FAILED   "RFC 9110 §13.1.1" Client   AfterChange
        "`If-Match` names {if-match|a version}, and the current one is {etag|another, or none}."
        "Fetch the current version, make the change in it, and send `If-Match: {etag|its tag}`."
    IfUnmodifiedSinceFailed  "if-unmodified-since-failed"     PRECONDITION_FAILED   "RFC 9110 §13.1.4" Client   AfterChange
        "The target was modified after the time in `If-Unmodified-Since`: {last-modified|its time is not told}."
        "Fetch the current version and send its `Last-Modified`, or better its `ETag` as `If-Match`."
    TagUnchanged             "tag-unchanged"                  NOT_MODIFIED          "RFC 9110 §13.1.2" Nobody   Unneeded
        "The client's copy is current: `If-None-Match` has the tag {etag|of the representation}."
        ""
    IfNoneMatchFailed        "if-none-match-failed"           PRECONDITION_FAILED   "RFC 9110 §13.1.2" Client   AfterChange
        "`If-None-Match` says that nothing may be there, or not this version, and {etag|it} is."
        "Use another name, or change the current version with `If-Match: {etag|its tag}`."
    DateUnchanged            "date-unchanged"                 NOT_MODIFIED          "RFC 9110 §13.1.3" Nobody   Unneeded
        "The client's copy is current: the target was last modified {last-modified|no later than `If-Modified-Since` says}."
        ""
    }

    // Process: do it, and what came of it
    Process {
    ContentStalled           "content-stalled"                REQUEST_TIMEOUT       "RFC 9110 §15.5.9" Client   AfterWhile
        "The content stopped arriving for {limit|longer than it may}."
        "Send it again without pauses."
    ContentTooSlow           "content-too-slow"               REQUEST_TIMEOUT       "RFC 9110 §15.5.9" Client   AfterWhile
        "The content arrives more slowly than {limit|it may}."
        "Send it faster, or in smaller requests."
    ContentGrewTooLarge      "content-grew-too-large"         CONTENT_TOO_LARGE     "RFC 9110 §15.5.14" Client  AfterChange
        "The content, of no declared length, grew past {limit|the limit}."
        "Send at most {limit|the limit}."
    ContentCutShort          "content-cut-short"              BAD_REQUEST           "RFC 9112 §8"      Client   AfterWhile
        "The client ended before the content was complete."
        "Send the whole content."
    ContentLengthWrong       "content-length-wrong"           BAD_REQUEST           "RFC 9113 §8.1.1"  Client   AfterChange
        "The content is not as long as `Content-Length` says."
        "Send as many bytes as `Content-Length` says."
    ChunkSizeInvalid         "chunk-size-invalid"             BAD_REQUEST           "RFC 9112 §7.1"    Client   AfterChange
        "A chunk's size is not a hexadecimal number that fits{at|}."
        "Send each chunk's size in hexadecimal digits and CRLF."
    ChunkExtensionInvalid    "chunk-extension-invalid"        BAD_REQUEST           "RFC 9112 §7.1.1"  Client   AfterChange
        "A chunk extension is malformed, or the extensions are longer than the content deserves{at|}."
        "Send no chunk extensions."
    ChunkEndMissing          "chunk-end-missing"              BAD_REQUEST           "RFC 9112 §7.1"    Client   AfterChange
        "A chunk's data is not followed by CRLF{at|}."
        "Send as many bytes as the chunk's size says, then CRLF."
    TrailerInvalid           "trailer-invalid"                BAD_REQUEST           "RFC 9112 §7.1.2"  Client   AfterChange
        "The trailer section is malformed or too large{at|}."
        "Send trailer fields as field lines, or none."
    JsonMalformed            "json-malformed"                 BAD_REQUEST           "RFC 8259 §2"      Client   AfterChange
        "The content is not JSON{at|}."
        "Send well-formed JSON in UTF-8."
    JsonKeyRepeated          "json-key-repeated"              BAD_REQUEST           "RFC 8259 §4"      Client   AfterChange
        "An object has the same key twice{at|}."
        "Send each key once."
    JsonTooDeep              "json-too-deep"                  BAD_REQUEST           "RFC 8259 §9"      Client   AfterChange
        "The JSON is nested more deeply than this server reads{at|}."
        "Nest less deeply."
    JsonIntegerTooLarge      "json-integer-too-large"         BAD_REQUEST           "RFC 8259 §6"      Client   AfterChange
        "An integer is beyond what every reader holds exactly{at|}."
        "Send it as a string."
    FormMalformed            "form-malformed"                 BAD_REQUEST           "URL §5.1"         Client   AfterChange
        "The content is not a form{at|}."
        "Send `name=value` pairs joined by `&`, percent-encoded."
    SchemaViolated           "schema-violated"                UNPROCESSABLE_CONTENT "RFC 9110 §15.5.21" Client  AfterChange
        "The document is well-formed JSON and breaks the schema{why|}."
        "Mend each place that the problem names."
    PatchNotApplicable       "patch-not-applicable"           UNPROCESSABLE_CONTENT "RFC 5789 §2.2"    Client   AfterChange
        "The patch is well-formed and cannot be applied to this document{why|}."
        "Make the patch against the current version."
    IdempotencyKeyReused     "idempotency-key-reused"         UNPROCESSABLE_CONTENT "RFC 9110 §15.5.21" Client  AfterChange
        "The Idempotency-Key was used for another request."
        "Use a new key for a new request."
    UniqueMemberTaken        "unique-member-taken"            CONFLICT              "RFC 9110 §15.5.10" Client  AfterChange
        "The value of {member|a member}, which must be unique, is that of {holder|another document}."
        "Use another value, or change the document that holds it."
    VersionStale             "version-stale"                  CONFLICT              "RFC 9110 §15.5.10" Client  AfterChange
        "The version in the document is not the current one{why|}."
        "Fetch the current version and make the change in it."
    PatchTestFailed          "patch-test-failed"              CONFLICT              "RFC 5789 §2.2"    Client   AfterChange
        "A `test` of the patch does not hold{why|}."
        "Make the patch against the current version."
    JobFinished              "job-finished"                   CONFLICT              "RFC 9110 §15.5.10" Client  Never
        "The job has finished and cannot be cancelled."
        "Fetch its result."
    IdempotencyKeyInFlight   "idempotency-key-in-flight"      CONFLICT              "RFC 9110 §15.5.10" Client  AfterWhile
        "A request with this Idempotency-Key is still at work."
        "Send it again when that one is answered."
    WriteConflict            "write-conflict"                 CONFLICT              "RFC 9110 §15.5.10" Nobody  AfterWhile
        "Others changed the target again and again while this change was tried."
        "Send it again."
    ConfigRefused            "config-refused"                 CONFLICT              "RFC 9110 §15.5.10" Operator AfterChange
        "The config as its files are now cannot be taken, and the one from before stays."
        "Mend what `verdict check` tells of, and take it again."
    MatchedTooLate           "matched-too-late"               PRECONDITION_FAILED   "RFC 9110 §13.1.1" Client   AfterChange
        "The condition held when it was asked, and another change came before this one was written."
        "Fetch the current version, make the change in it, and send its tag."
    UpstreamNameUnknown      "upstream-name-unknown"          BAD_GATEWAY           "RFC 9209 §2.3.2"  Operator AfterWhile
        "The upstream's name does not exist."
        "Mend the name in the route's `proxy`."
    UpstreamLookUpFailed     "upstream-look-up-failed"        BAD_GATEWAY           "RFC 9209 §2.3.2"  Operator AfterWhile
        "The upstream's name could not be looked up."
        "Mend the server's name service."
    UpstreamRefused          "upstream-refused"               BAD_GATEWAY           "RFC 9209 §2.3.7"  Upstream AfterWhile
        "The upstream refused the connection: nothing listens there."
        "Start the upstream."
    UpstreamUnreachable      "upstream-unreachable"           BAD_GATEWAY           "RFC 9209 §2.3.6"  Operator AfterWhile
        "There is no way to the upstream's address."
        "Mend the network or the address."
    UpstreamReset            "upstream-reset"                 BAD_GATEWAY           "RFC 9209 §2.3.8"  Upstream AfterWhile
        "The upstream closed the connection before its answer's head was complete."
        "Look into the upstream's own log."
    UpstreamCutShort         "upstream-cut-short"             BAD_GATEWAY           "RFC 9209 §2.3.18" Upstream AfterWhile
        "The upstream closed the connection before its answer's content was complete."
        "Look into the upstream's own log."
    UpstreamCertificate      "upstream-certificate"           BAD_GATEWAY           "RFC 9209 §2.3.14" Upstream AfterChange
        "The upstream's certificate cannot be trusted."
        "Renew the certificate, or name the authority that signed it."
    UpstreamTls              "upstream-tls"                   BAD_GATEWAY           "RFC 9209 §2.3.13" Upstream AfterChange
        "The upstream and this server found no common TLS."
        "Mend the upstream's TLS, or use `http://` if it speaks plain HTTP."
    UpstreamNotHttp          "upstream-not-http"              BAD_GATEWAY           "RFC 9209 §2.3.28" Upstream AfterChange
        "The upstream answered with something that is not HTTP."
        "Check that the address is that of an HTTP server."
    UpstreamHeadTooLarge     "upstream-head-too-large"        BAD_GATEWAY           "RFC 9209 §2.3.19" Upstream AfterChange
        "The head of the upstream's answer is larger than this server takes."
        "Send less in the upstream's fields."
    UpstreamContentTooLarge  "upstream-content-too-large"     BAD_GATEWAY           "RFC 9209 §2.3.21" Upstream AfterChange
        "The content of the upstream's answer is larger than this server takes."
        "Send less from the upstream, or raise the limit where the answer is kept."
    UpstreamFraming          "upstream-framing"               BAD_GATEWAY           "RFC 9209 §2.3.28" Upstream AfterChange
        "The upstream's answer says two things about where it ends."
        "Mend the upstream."
    UpstreamLoop             "upstream-loop"                  LOOP_DETECTED         "RFC 5842 §7.2"    Operator AfterChange
        "The request has passed through this server already."
        "Break the loop among the gateways."
    NoMember                 "no-member"                      SERVICE_UNAVAILABLE   "RFC 9209 §2.3.4"  Upstream AfterWhile
        "No member of the pool is healthy enough to be asked."
        "Mend the members: each failed its health check."
    PoolBusy                 "pool-busy"                      SERVICE_UNAVAILABLE   "RFC 9209 §2.3.12" Operator AfterWhile
        "Every connection to the upstreams is in use."
        "Come again after `Retry-After`."
    UpstreamConnectSlow      "upstream-connect-slow"          GATEWAY_TIMEOUT       "RFC 9209 §2.3.9"  Upstream AfterWhile
        "The upstream did not accept a connection in time."
        "Look at the upstream's load; `timeout.connect` is the limit."
    UpstreamTlsSlow          "upstream-tls-slow"              GATEWAY_TIMEOUT       "RFC 9209 §2.3.9"  Upstream AfterWhile
        "The upstream's TLS handshake did not finish in time."
        "Look at the upstream's load; `timeout.connect` is the limit."
    UpstreamFirstByteSlow    "upstream-first-byte-slow"       GATEWAY_TIMEOUT       "RFC 9209 §2.3.26" Upstream AfterWhile
        "The upstream took the request and did not begin to answer in time."
        "Look at the upstream's load; `timeout.first-byte` is the limit."
    UpstreamTotalSlow        "upstream-total-slow"            GATEWAY_TIMEOUT       "RFC 9209 §2.3.26" Upstream AfterWhile
        "The upstream's answer did not finish in time."
        "Look at the upstream's load; `timeout.total` is the limit."
    StoreBusy                "store-busy"                     SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "The store has more writes waiting than it holds."
        "Come again after `Retry-After`."
    JobQueueFilled           "job-queue-filled"               SERVICE_UNAVAILABLE   "RFC 9110 §15.6.4" Operator AfterWhile
        "The queue of jobs was filled by others while the content came."
        "Come again after `Retry-After`."
    QuotaBurst               "quota-burst"                    INSUFFICIENT_STORAGE  "RFC 4918 §11.5"   Operator AfterChange
        "The content did not fit into what was left of the quota{why|}; nothing of it remains."
        "Delete something, or raise `quota`."
    DiskFull                 "disk-full"                      INSUFFICIENT_STORAGE  "RFC 4918 §11.5"   Operator AfterWhile
        "The disk is full; nothing of the write remains."
        "Make room on the disk."
    DiskFailed               "disk-failed"                    INTERNAL_SERVER_ERROR "RFC 9110 §15.6.1" Operator AfterWhile
        "The disk failed."
        "Tell who runs the server the request's id: the cause is in the log."
    StoreCorrupt             "store-corrupt"                  INTERNAL_SERVER_ERROR "RFC 9110 §15.6.1" Operator AfterWhile
        "The store is damaged."
        "Tell who runs the server the request's id: the cause is in the log."
    HandlerPanicked          "handler-panicked"               INTERNAL_SERVER_ERROR "RFC 9110 §15.6.1" Us       AfterWhile
        "A bug in this server stopped the request; other requests are not touched."
        "Tell who runs the server the request's id: the place is in the log."
    }

    // Process: done
    Process {
    Served                   "served"                         OK                    "RFC 9110 §15.3.1" Nobody   Unneeded
        "The representation was served."
        ""
    FallbackServed           "fallback-served"                OK                    "RFC 9110 §15.3.1" Nobody   Unneeded
        "There is no such file, and the route serves its fallback instead."
        ""
    FolderListed             "folder-listed"                  OK                    "RFC 9110 §15.3.1" Nobody   Unneeded
        "The folder has no index file and was listed."
        ""
    Updated                  "updated"                        OK                    "RFC 9110 §15.3.1" Nobody   Unneeded
        "The target was updated, and its new representation is returned."
        ""
    JobFinishedInTime        "job-finished-in-time"           OK                    "RFC 7240 §4.3"    Nobody   Unneeded
        "The job finished within the time that the client was ready to wait."
        ""
    JobReported              "job-reported"                   OK                    "RFC 9110 §15.3.1" Nobody   Unneeded
        "The job waits or is at work; this is its state."
        ""
    Created                  "created"                        CREATED               "RFC 9110 §15.3.2" Nobody   Unneeded
        "The target was created."
        ""
    JobQueued                "job-queued"                     ACCEPTED              "RFC 9110 §15.3.3" Nobody   Unneeded
        "The job is durably queued; its monitor tells how it goes."
        ""
    Replaced                 "replaced"                       NO_CONTENT            "RFC 9110 §15.3.5" Nobody   Unneeded
        "The target was replaced."
        ""
    Deleted                  "deleted"                        NO_CONTENT            "RFC 9110 §9.3.5"  Nobody   Unneeded
        "The target was deleted."
        ""
    OptionsAnswered          "options-answered"               NO_CONTENT            "RFC 9110 §9.3.7"  Nobody   Unneeded
        "The target's methods are in `Allow`."
        ""
    FormTaken                "form-taken"                     SEE_OTHER             "RFC 9110 §15.4.4" Nobody   Unneeded
        "The form was taken; what came of it has a URL of its own, so that a reload does not send it again."
        ""
    JobDone                  "job-done"                       SEE_OTHER             "RFC 9110 §15.4.4" Nobody   Unneeded
        "The job is done; its result has a URL of its own."
        ""
    }

    // Range: the whole or a part?
    Range {
    RangeBeyondEnd           "range-beyond-end"               RANGE_NOT_SATISFIABLE "RFC 9110 §14.1.1" Client   AfterChange
        "No part of {range|the range} lies within the {length|bytes} of the representation."
        "Ask for a range below the length that `Content-Range` says."
    PartServed               "part-served"                    PARTIAL_CONTENT       "RFC 9110 §15.3.7.1" Nobody Unneeded
        "The part that was asked for was served."
        ""
    PartsServed              "parts-served"                   PARTIAL_CONTENT       "RFC 9110 §15.3.7.2" Nobody Unneeded
        "The parts that were asked for were served."
        ""
    }

    // The two whose status is data.
    @data Process {
    UpstreamAnswered         "upstream-answered"                                    "RFC 9110 §7.6"    Nobody   Unneeded
        "The upstream gave this status, and it was passed on."
        ""
    ConfiguredAnswer         "configured-answer"                                    "RFC 9110 §15"     Nobody   Unneeded
        "The route answers everything with this status."
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_the_place_in_the_catalogue() {
        for (i, entry) in CATALOGUE.iter().enumerate() {
            assert_eq!(entry.reason.index(), i, "{}", entry.id);
        }
    }

    #[test]
    fn a_reason_is_found_again_by_its_place_and_its_status() {
        let teapot = Status::from_wire(418).unwrap();
        for entry in CATALOGUE {
            let (index, status) = (entry.reason.index(), entry.reason.status());
            assert_eq!(Reason::at(index, status), Some(entry.reason), "{}", entry.id);
            let other = Reason::at(index, teapot);
            assert_eq!(other.map(Reason::status), entry.status.is_none().then_some(teapot), "{}", entry.id);
        }
        assert_eq!(Reason::at(CATALOGUE.len(), Status::OK), None);
    }

    #[test]
    fn a_backtick_that_opens_code_has_one_that_closes_it() {
        for entry in CATALOGUE {
            for text in [entry.sentence, entry.remedy] {
                assert!(text.matches('`').count().is_multiple_of(2), "{}: {text}", entry.id);
            }
        }
    }
}
