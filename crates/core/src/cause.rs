//! What went wrong, in the words of the part that noticed: the wire, the verifier of credentials, a handler, a store, an
//! upstream. A cause knows nothing of status codes: it is mapped to its one reason here, exhaustively.

use crate::path::Question;
use crate::reason::Reason;
use crate::status::Status;

/// What is wrong with a message (RFC 9112), as the wire noticed it first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Malformed {
    /// A head began and did not finish in `limits.head`.
    HeadTimeout,
    /// The client ended its side in the middle of a head.
    HeadCutShort,
    /// The request target is longer than `limits.target`.
    TargetTooLong,
    /// The header section is larger than `limits.fields`.
    HeadTooLarge,
    /// There are more field lines than the server takes.
    TooManyFields,
    /// The major version is not 1, or the minor version is one that is not sent on this connection.
    VersionNotSupported,
    /// The request line is not `method SP target SP version` (RFC 9112 §3).
    RequestLine,
    /// The method has a byte that a token cannot have.
    Method,
    /// The target has a byte that a request target cannot have.
    TargetByte,
    /// The target is in none of the four forms, or in one that the method does not take (RFC 9112 §3.2).
    TargetForm,
    /// A dot segment, `%00` or a broken percent-encoding: two readers could read two targets.
    AmbiguousTarget,
    /// The version is not `HTTP/` DIGIT `.` DIGIT (RFC 9112 §2.3).
    Version,
    /// A line ends in LF without CR (RFC 9112 §2.2).
    BareLf,
    /// A CR is not followed by LF (RFC 9112 §2.2).
    BareCr,
    /// A field line begins with white space (RFC 9112 §5.2).
    ObsFold,
    /// A NUL byte in the head (RFC 9110 §5.5).
    NulByte,
    /// White space between the field name and the colon (RFC 9112 §5.1).
    SpaceBeforeColon,
    /// A field line without a colon (RFC 9112 §5).
    ColonMissing,
    /// The field name is empty or not a token (RFC 9110 §5.1).
    FieldName,
    /// A control byte in a field value (RFC 9110 §5.5).
    FieldValue,
    /// HTTP/1.1 without `Host` (RFC 9112 §3.2).
    HostMissing,
    /// Two lines of `Host` (RFC 9112 §3.2).
    HostRepeated,
    /// `Host` is not `uri-host [":" port]` (RFC 9110 §7.2).
    HostInvalid,
    /// Both `Transfer-Encoding` and `Content-Length` (RFC 9112 §6.1).
    BothLengths,
    /// `Content-Length` is not 1*DIGIT, or beyond 2^63 (RFC 9110 §8.6).
    ContentLengthInvalid,
    /// Two values of `Content-Length` (RFC 9112 §6.3).
    ContentLengthDiffers,
    /// `Transfer-Encoding` in HTTP/1.0 (RFC 9112 §6.1).
    TransferEncodingInHttp10,
    /// `Transfer-Encoding` that is no list of codings (RFC 9112 §6.1).
    TransferEncodingInvalid,
    /// The last transfer coding of a request is not `chunked` (RFC 9112 §6.3).
    ChunkedNotLast,
    /// `chunked` twice (RFC 9112 §6.1).
    ChunkedRepeated,
    /// A transfer coding that the server does not know (RFC 9112 §6.1).
    TransferCodingUnknown,
    /// `Connection` names a field that is not hop-by-hop (RFC 9110 §7.6.1).
    ConnectionNamesProtectedField,
    /// `Expect` other than `100-continue` (RFC 9110 §10.1.1).
    ExpectationUnknown,
    /// A chunk size that is not 1*HEXDIG, or beyond 2^60 (RFC 9112 §7.1).
    ChunkSize,
    /// A chunk extension that is malformed, or longer than its bound (RFC 9112 §7.1.1).
    ChunkExtension,
    /// A chunk's data is not followed by CRLF (RFC 9112 §7.1).
    ChunkEnd,
    /// The trailer section is malformed or too large (RFC 9112 §7.1.2).
    Trailer,
    /// `:authority` and `Host` differ (RFC 9113 §8.3.1).
    AuthorityDiffers,
    /// Plain HTTP on a port that speaks TLS.
    PlainHttpOnTls,
}

impl Malformed {
    /// Each fault, in the order of the enumeration.
    pub const ALL: [Malformed; 39] = [
        Malformed::HeadTimeout,
        Malformed::HeadCutShort,
        Malformed::TargetTooLong,
        Malformed::HeadTooLarge,
        Malformed::TooManyFields,
        Malformed::VersionNotSupported,
        Malformed::RequestLine,
        Malformed::Method,
        Malformed::TargetByte,
        Malformed::TargetForm,
        Malformed::AmbiguousTarget,
        Malformed::Version,
        Malformed::BareLf,
        Malformed::BareCr,
        Malformed::ObsFold,
        Malformed::NulByte,
        Malformed::SpaceBeforeColon,
        Malformed::ColonMissing,
        Malformed::FieldName,
        Malformed::FieldValue,
        Malformed::HostMissing,
        Malformed::HostRepeated,
        Malformed::HostInvalid,
        Malformed::BothLengths,
        Malformed::ContentLengthInvalid,
        Malformed::ContentLengthDiffers,
        Malformed::TransferEncodingInHttp10,
        Malformed::TransferEncodingInvalid,
        Malformed::ChunkedNotLast,
        Malformed::ChunkedRepeated,
        Malformed::TransferCodingUnknown,
        Malformed::ConnectionNamesProtectedField,
        Malformed::ExpectationUnknown,
        Malformed::ChunkSize,
        Malformed::ChunkExtension,
        Malformed::ChunkEnd,
        Malformed::Trailer,
        Malformed::AuthorityDiffers,
        Malformed::PlainHttpOnTls,
    ];

    /// The one reason for it.
    pub(crate) const fn reason(self) -> Reason {
        match self {
            Malformed::HeadTimeout => Reason::HeadTimeout,
            Malformed::HeadCutShort => Reason::HeadCutShort,
            Malformed::TargetTooLong => Reason::TargetTooLong,
            Malformed::HeadTooLarge => Reason::HeadTooLarge,
            Malformed::TooManyFields => Reason::TooManyFields,
            Malformed::VersionNotSupported => Reason::VersionNotSupported,
            Malformed::RequestLine => Reason::RequestLineMalformed,
            Malformed::Method => Reason::MethodMalformed,
            Malformed::TargetByte => Reason::TargetByteInvalid,
            Malformed::TargetForm => Reason::TargetFormWrong,
            Malformed::AmbiguousTarget => Reason::AmbiguousTarget,
            Malformed::Version => Reason::VersionMalformed,
            Malformed::BareLf => Reason::BareLf,
            Malformed::BareCr => Reason::BareCr,
            Malformed::ObsFold => Reason::ObsFold,
            Malformed::NulByte => Reason::NulByte,
            Malformed::SpaceBeforeColon => Reason::SpaceBeforeColon,
            Malformed::ColonMissing => Reason::ColonMissing,
            Malformed::FieldName => Reason::FieldNameInvalid,
            Malformed::FieldValue => Reason::FieldValueInvalid,
            Malformed::HostMissing => Reason::HostMissing,
            Malformed::HostRepeated => Reason::HostRepeated,
            Malformed::HostInvalid => Reason::HostInvalid,
            Malformed::BothLengths => Reason::BothLengths,
            Malformed::ContentLengthInvalid => Reason::ContentLengthInvalid,
            Malformed::ContentLengthDiffers => Reason::ContentLengthDiffers,
            Malformed::TransferEncodingInHttp10 => Reason::TransferEncodingInHttp10,
            Malformed::TransferEncodingInvalid => Reason::TransferEncodingInvalid,
            Malformed::ChunkedNotLast => Reason::ChunkedNotLast,
            Malformed::ChunkedRepeated => Reason::ChunkedRepeated,
            Malformed::TransferCodingUnknown => Reason::TransferCodingUnknown,
            Malformed::ConnectionNamesProtectedField => Reason::ConnectionNamesProtectedField,
            Malformed::ExpectationUnknown => Reason::ExpectationUnknown,
            Malformed::ChunkSize => Reason::ChunkSizeInvalid,
            Malformed::ChunkExtension => Reason::ChunkExtensionInvalid,
            Malformed::ChunkEnd => Reason::ChunkEndMissing,
            Malformed::Trailer => Reason::TrailerInvalid,
            Malformed::AuthorityDiffers => Reason::AuthorityDiffers,
            Malformed::PlainHttpOnTls => Reason::PlainHttpOnTls,
        }
    }

    /// The question that it answers with no, when it is noticed in the head.
    pub(crate) const fn question(self) -> Question {
        match self {
            Malformed::HeadTimeout => Question::HeadInTime,
            Malformed::TargetTooLong => Question::TargetFits,
            Malformed::HeadTooLarge | Malformed::TooManyFields => Question::HeadFits,
            Malformed::VersionNotSupported => Question::VersionSpoken,
            Malformed::TransferCodingUnknown => Question::CodingKnown,
            Malformed::ExpectationUnknown => Question::ExpectationKnown,
            Malformed::ChunkSize | Malformed::ChunkExtension | Malformed::ChunkEnd | Malformed::Trailer => {
                Question::ContentSound
            }
            _ => Question::MessageSound,
        }
    }
}

impl Elsewhere {
    /// Where a route is that redirects with this status code.
    pub const fn of_code(code: u16) -> Option<Elsewhere> {
        match code {
            301 => Some(Elsewhere::MovedPermanently),
            302 => Some(Elsewhere::Found),
            303 => Some(Elsewhere::SeeOther),
            307 => Some(Elsewhere::ForNow),
            308 => Some(Elsewhere::ForGood),
            _ => None,
        }
    }

    /// Whether it is there for good, so that a client may go there by itself the next time.
    pub const fn is_permanent(self) -> bool {
        matches!(self, Elsewhere::MovedPermanently | Elsewhere::ForGood | Elsewhere::SlashMissing)
    }

    /// The status of the answer that says so.
    pub const fn status(self) -> Status {
        self.reason().status()
    }
}

/// Causes that a part of the server reports, each with the question that it answers with no and its one reason.
macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident { $($(#[$vdoc:meta])* $variant:ident $question:ident $reason:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $cause { $($(#[$vdoc])* $variant,)* }

        impl $cause {
            /// Each cause, in the order of the enumeration.
            pub const ALL: &[$cause] = &[$($cause::$variant,)*];

            /// The one reason for it.
            pub(crate) const fn reason(self) -> Reason {
                match self { $($cause::$variant => Reason::$reason,)* }
            }

            /// The question that it answers with no.
            #[allow(dead_code)]
            pub(crate) const fn question(self) -> Question {
                match self { $($cause::$variant => Question::$question,)* }
            }
        }
    )*};
}

causes! {
    /// Why there is no room for a connection.
    Crowded {
        /// `limits.connections` is reached.
        Server ConnectionsFree TooManyConnections,
        /// `limits.per-client` is reached.
        Client ConnectionsFree TooManyConnectionsOfClient,
    }

    /// Why a route is out of service.
    Closed {
        /// Closed by who runs it, until a time.
        Maintenance InService Maintenance,
        /// The server is stopping.
        Draining InService Draining,
    }

    /// What is over its rate before anybody is identified.
    OverRate {
        /// The client's address.
        Client ClientUnderRate ClientOverRate,
        /// The value of a named field.
        Field ClientUnderRate FieldOverRate,
    }

    /// Why a client could not be identified, as the verifier of credentials found.
    Unidentified {
        /// No `Authorization`.
        Missing Identified CredentialsMissing,
        /// `Authorization` that cannot be read.
        Malformed Identified CredentialsMalformed,
        /// A scheme that the route does not take.
        Scheme Identified SchemeNotTaken,
        /// No such user.
        User Identified UserUnknown,
        /// Another password.
        Password Identified PasswordWrong,
        /// An opaque token that is not known.
        Token Identified TokenUnknown,
        /// A token that is no signed JWT.
        TokenMalformed Identified TokenMalformed,
        /// A key id that is not known, or an algorithm that is not the key's.
        TokenKey Identified TokenKeyUnknown,
        /// A signature that does not hold.
        TokenSignature Identified TokenSignatureWrong,
        /// `exp` is past.
        TokenExpired Identified TokenExpired,
        /// `nbf` is to come.
        TokenNotYetValid Identified TokenNotYetValid,
        /// Another `iss`.
        TokenIssuer Identified TokenIssuerWrong,
        /// Another `aud`.
        TokenAudience Identified TokenAudienceWrong,
        /// No `exp`.
        TokenExp Identified TokenExpMissing,
        /// No `sub`.
        TokenSub Identified TokenSubMissing,
        /// Too many failures of this client before.
        TooManyFailures Identified TooManyFailures,
        /// The pool that verifies passwords is full.
        Busy Identified VerifierBusy,
    }

    /// Why an identified client may not do this.
    Denied {
        /// The user or their roles are not in `allow`.
        User Allowed UserNotAllowed,
        /// The token lacks the scope.
        Scope Allowed ScopeLacking,
        /// A form, or another change, of a page of another site.
        CrossSite Allowed CrossSiteForm,
    }

    /// Why a route cannot take one more request now.
    Busy {
        /// Its queue is full.
        Queue RouteFree RouteQueueFull,
        /// The wait in its queue was over.
        Wait RouteFree RouteWaitOver,
    }

    /// Where a target is instead.
    Elsewhere {
        /// A route with `status = 301`.
        MovedPermanently StaysHere MovedPermanently,
        /// A route with `status = 302`.
        Found StaysHere FoundElsewhere,
        /// A route with `status = 303`.
        SeeOther StaysHere SeeOther,
        /// A route with `status = 307`.
        ForNow StaysHere RedirectedForNow,
        /// A route with `status = 308`.
        ForGood StaysHere RedirectedForGood,
        /// A folder whose URL lacks the slash at its end.
        SlashMissing StaysHere SlashMissing,
    }

    /// Why a target cannot be served, as the look-up found.
    Absent {
        /// The system failed: EIO and the like.
        Failed LookUpWorked LookUpFailed,
        /// No more descriptors or memory.
        Exhausted LookUpWorked DescriptorsExhausted,
        /// Nothing is there.
        Nothing Exists NothingThere,
        /// The path has an encoded slash.
        EncodedSlash Exists EncodedSlash,
        /// A name that begins with a dot.
        Dotfile Exists DotfileHidden,
        /// A folder without an index, and no listing.
        NoIndex Exists FolderWithoutIndex,
        /// A link that leads out of the root.
        Outside Exists OutsideRoot,
        /// A device, a socket or a pipe.
        NotAFile Exists NotAFile,
        /// A file that the configuration reads.
        OfConfig Exists FileOfConfig,
        /// A file that was deleted, within its retention.
        FileDeleted Kept FileDeleted,
        /// A document that was deleted, within its retention.
        DocumentDeleted Kept DocumentDeleted,
        /// A job's result whose time is over.
        ResultExpired Kept ResultExpired,
        /// A file that the process may not read.
        Unreadable Readable FileUnreadable,
    }

    /// Why there is no place for the content: a handler's last question before it reads any.
    Unplaceable {
        /// `Content-Range` on a PUT.
        ContentRange ContentHasPlace ContentRangeOnPut,
        /// A filter or an order by a member without index.
        Filter ContentHasPlace FilterNotIndexed,
        /// An `Idempotency-Key` that is none.
        Key ContentHasPlace IdempotencyKeyMalformed,
        /// The folder above is missing.
        ParentMissing ContentHasPlace ParentMissing,
        /// The declared length is beyond the quota.
        Quota ContentHasPlace QuotaWouldBurst,
        /// The queue of jobs is full.
        Queue ContentHasPlace JobQueueFull,
    }

    /// Why the content did not arrive whole.
    Unarrived {
        /// It stopped for `limits.body-idle`.
        Stalled ContentArrived ContentStalled,
        /// It drips below `limits.min-rate`.
        TooSlow ContentArrived ContentTooSlow,
        /// It grew past `limits.body`.
        TooLarge ContentArrived ContentGrewTooLarge,
        /// The client ended too early.
        CutShort ContentArrived ContentCutShort,
        /// HTTP/2: DATA does not add up to `Content-Length`.
        LengthWrong ContentArrived ContentLengthWrong,
    }

    /// What is wrong with the content.
    Rejected {
        /// Not JSON.
        Json ContentSound JsonMalformed,
        /// A key twice in one object.
        JsonKeyRepeated ContentSound JsonKeyRepeated,
        /// Nested too deeply.
        JsonTooDeep ContentSound JsonTooDeep,
        /// An integer beyond ±2^53.
        JsonInteger ContentSound JsonIntegerTooLarge,
        /// Not a form.
        Form ContentSound FormMalformed,
        /// Against the schema.
        Schema ContentValid SchemaViolated,
        /// A patch that cannot be applied.
        Patch ContentValid PatchNotApplicable,
        /// An Idempotency-Key of another request.
        KeyReused ContentValid IdempotencyKeyReused,
    }

    /// How the state of the target disagrees.
    Conflict {
        /// A unique member's value is taken.
        Unique StateAgrees UniqueMemberTaken,
        /// A stale version in the document.
        Version StateAgrees VersionStale,
        /// A `test` of a JSON Patch failed.
        PatchTest StateAgrees PatchTestFailed,
        /// The job has finished.
        JobFinished StateAgrees JobFinished,
        /// An Idempotency-Key in flight.
        KeyInFlight StateAgrees IdempotencyKeyInFlight,
        /// Retries did not settle it.
        Write StateAgrees WriteConflict,
        /// The server's config is wrong as it is now.
        Config StateAgrees ConfigRefused,
        /// The compare-and-set changed no row.
        MatchedTooLate StateAgrees MatchedTooLate,
    }

    /// What came of asking an upstream.
    Upstream {
        /// Its name does not exist.
        NameUnknown UpstreamAnswered UpstreamNameUnknown,
        /// Its name could not be looked up.
        LookUp UpstreamAnswered UpstreamLookUpFailed,
        /// It refused the connection.
        Refused UpstreamAnswered UpstreamRefused,
        /// No route to its address.
        Unreachable UpstreamAnswered UpstreamUnreachable,
        /// It reset the connection before its head was complete.
        Reset UpstreamAnswered UpstreamReset,
        /// It ended in the middle of its content.
        CutShort UpstreamAnswered UpstreamCutShort,
        /// Its certificate cannot be trusted.
        Certificate UpstreamAnswered UpstreamCertificate,
        /// No common TLS.
        Tls UpstreamAnswered UpstreamTls,
        /// It does not speak HTTP.
        NotHttp UpstreamAnswered UpstreamNotHttp,
        /// Its head is too large.
        HeadTooLarge UpstreamAnswered UpstreamHeadTooLarge,
        /// Its content is larger than is taken.
        ContentTooLarge UpstreamAnswered UpstreamContentTooLarge,
        /// Its framing is violated.
        Framing UpstreamAnswered UpstreamFraming,
        /// The request has been here before.
        Loop UpstreamAnswered UpstreamLoop,
        /// No member of the pool is eligible.
        NoMember UpstreamAnswered NoMember,
        /// Every connection is in use.
        PoolBusy UpstreamAnswered PoolBusy,
        /// Connecting took too long.
        ConnectSlow UpstreamAnswered UpstreamConnectSlow,
        /// The TLS handshake took too long.
        TlsSlow UpstreamAnswered UpstreamTlsSlow,
        /// The first byte took too long.
        FirstByteSlow UpstreamAnswered UpstreamFirstByteSlow,
        /// The whole took too long.
        TotalSlow UpstreamAnswered UpstreamTotalSlow,
    }

    /// Why the work failed, with nobody but us and the disk to blame.
    Failure {
        /// The store has too many writes waiting.
        StoreBusy RoomLeft StoreBusy,
        /// The queue of jobs was filled since it was looked at.
        Queue RoomLeft JobQueueFilled,
        /// The quota did not suffice.
        Quota RoomLeft QuotaBurst,
        /// ENOSPC, EDQUOT.
        DiskFull RoomLeft DiskFull,
        /// EIO and the like.
        Disk Worked DiskFailed,
        /// The store is damaged.
        Corrupt Worked StoreCorrupt,
        /// A panic.
        Panicked Worked HandlerPanicked,
    }

    /// What was done, where the status is not data.
    Done {
        /// A representation.
        Served Worked Served,
        /// The fallback of the route.
        FallbackServed Worked FallbackServed,
        /// The listing of a folder.
        FolderListed Worked FolderListed,
        /// An update, with the new representation.
        Updated Worked Updated,
        /// A job that finished while the client waited.
        JobFinishedInTime Worked JobFinishedInTime,
        /// The state of a job.
        JobReported Worked JobReported,
        /// A new target.
        Created Worked Created,
        /// A job in the queue.
        JobQueued Worked JobQueued,
        /// A replaced target.
        Replaced Worked Replaced,
        /// A deleted target.
        Deleted Worked Deleted,
        /// OPTIONS.
        OptionsAnswered Worked OptionsAnswered,
        /// A form, and what came of it elsewhere.
        FormTaken Worked FormTaken,
        /// A job, and its result elsewhere.
        JobDone Worked JobDone,
    }
}
