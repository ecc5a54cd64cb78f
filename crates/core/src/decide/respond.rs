//! What must go with it: the fields and the content that an answer has because of its reason. No status of its own.

use crate::cause::Malformed;
use crate::method::Method;
use crate::reason::Reason;
use crate::status::{Class, Required, Status};

/// What goes with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Respond {
    /// The fields that it must carry.
    pub required: &'static [Required],
    /// Whether content may follow the head (RFC 9112 §6.3).
    pub content: bool,
    /// Whether the connection ends with it, because where the next message begins is unknown (RFC 9112 §9.6) or because
    /// the client is too slow (RFC 9110 §15.5.9).
    pub closes: bool,
}

/// What must go with the answer to this method for this reason.
pub fn respond(reason: Reason, method: Method) -> Respond {
    let status = reason.status();
    Respond { required: required(reason), content: !is_head_only(status, method), closes: closes(reason) }
}

/// Whether the message ends with its head (RFC 9112 §6.3).
fn is_head_only(status: Status, method: Method) -> bool {
    let tunnels = method == Method::Connect && status.class() == Class::Successful;
    method == Method::Head || tunnels || status.forbids_content()
}

fn required(reason: Reason) -> &'static [Required] {
    match reason {
        // RFC 9110 §9.3.7; a preflight's fields are CORS's own.
        Reason::OptionsAnswered => &[Required::Allow],
        // RFC 9110 §15.6.4: we know when to come again, since it is we who refuse.
        Reason::TooManyConnections
        | Reason::TooManyConnectionsOfClient
        | Reason::Maintenance
        | Reason::Draining
        | Reason::TooManyRequests
        | Reason::VerifierBusy
        | Reason::RouteQueueFull
        | Reason::RouteWaitOver
        | Reason::DescriptorsExhausted
        | Reason::JobQueueFilled
        | Reason::JobQueueFull
        | Reason::NoMember
        | Reason::PoolBusy
        | Reason::StoreBusy
        | Reason::TooManyFailures => &[Required::RetryAfter],
        Reason::ClientOverRate | Reason::FieldOverRate | Reason::UserOverRate => {
            &[Required::RetryAfter, Required::RateLimit, Required::RateLimitPolicy]
        }
        Reason::JobQueued => &[Required::Location, Required::RetryAfter],
        Reason::MediaTypeNotTaken => &[Required::AcceptPost],
        Reason::CodingNotTaken => &[Required::AcceptEncoding],
        // RFC 9209 §2: which gateway says so, and what it met.
        Reason::UpstreamNameUnknown
        | Reason::UpstreamLookUpFailed
        | Reason::UpstreamRefused
        | Reason::UpstreamUnreachable
        | Reason::UpstreamReset
        | Reason::UpstreamCutShort
        | Reason::UpstreamCertificate
        | Reason::UpstreamTls
        | Reason::UpstreamNotHttp
        | Reason::UpstreamHeadTooLarge
        | Reason::UpstreamContentTooLarge
        | Reason::UpstreamFraming
        | Reason::UpstreamLoop
        | Reason::UpstreamConnectSlow
        | Reason::UpstreamTlsSlow
        | Reason::UpstreamFirstByteSlow
        | Reason::UpstreamTotalSlow => &[Required::ProxyStatus],
        // Several parts say their range each in its own head (RFC 9110 §14.6).
        Reason::PartsServed => &[],
        // What passes through is the upstream's own.
        Reason::UpstreamAnswered(_) => &[],
        reason => reason.status().entry().map_or(&[], |entry| entry.required),
    }
}

/// Whether the connection ends with an answer for this reason; see [`Respond::closes`]. Hot: asked of every answer.
#[inline]
pub fn closes(reason: Reason) -> bool {
    // A good answer is no reason to end anything.
    reason.status().class() >= Class::ClientError && refusal_closes(reason)
}

fn refusal_closes(reason: Reason) -> bool {
    // RFC 9110 §15.5.9: 408 says that the connection closes. One that is passed on speaks of another connection.
    if reason.status().code() == 408 && !matches!(reason, Reason::UpstreamAnswered(_)) {
        return true;
    }
    // A head that could not be read to its end, or content whose framing broke, leaves no place to go on from.
    Malformed::ALL.iter().any(|fault| fault.reason() == reason)
        || matches!(
            reason,
            Reason::TooManyConnections
                | Reason::TooManyConnectionsOfClient
                | Reason::Draining
                | Reason::ContentCutShort
                | Reason::ContentLengthWrong
        )
}
