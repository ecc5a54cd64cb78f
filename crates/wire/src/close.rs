//! Why a connection ends: one word for each reason, for logs and for whoever asks.

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident $id:literal)*) => {
        /// The reason for which a connection ended.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Close { $($(#[doc = $doc])+ $name),* }

        impl Close {
            /// Each reason.
            pub const ALL: &[Close] = &[$(Close::$name),*];

            /// Its stable word in logs.
            pub const fn id(self) -> &'static str {
                match self { $(Close::$name => $id),* }
            }
        }
    };
}

reasons! {
    /// The client closed where a request might have begun.
    PeerClosed "peer-closed"
    /// The client closed in the middle of a head.
    PeerClosedInHead "peer-closed-in-head"
    /// The client closed in the middle of its content.
    PeerClosedInContent "peer-closed-in-content"
    /// The client reset the connection.
    PeerReset "peer-reset"
    /// No request began for the idle time (closed without a word).
    Idle "idle"
    /// A head began and did not finish in its time (408).
    HeadTimeout "head-timeout"
    /// Content stalled or dripped (408).
    ContentTimeout "content-timeout"
    /// The client did not read its answer.
    SendIdle "send-idle"
    /// The head was malformed or too large: what follows it cannot be told apart.
    MalformedHead "malformed-head"
    /// The content's framing was malformed.
    MalformedContent "malformed-content"
    /// The client named `close` in `Connection` (RFC 9112 §9.6).
    ClientAsked "client-asked"
    /// The client spoke HTTP/1.0 and did not ask to stay (RFC 9112 §9.3).
    Http10 "http10"
    /// The answer asked for it.
    AnswerAsked "answer-asked"
    /// The end of the connection is the end of the answer (RFC 9112 §6.3).
    EndOfAnswer "end-of-answer"
    /// The answer was given before the content was read, and too much of that was left to read it away.
    ContentUnread "content-unread"
    /// The answer broke off: its source failed after the head was sent.
    AnswerBroken "answer-broken"
    /// It has served as many requests as one connection may.
    RequestsServed "requests-served"
    /// The server is draining.
    Draining "draining"
    /// The time to drain was over before the answer was.
    DrainOver "drain-over"
    /// The server closed it for want of room.
    Overloaded "overloaded"
    /// The client left before it was answered.
    ClientLeft "client-left"
    /// HTTP/2: the client broke a rule of the protocol, or said that the connection is over.
    Http2 "http2"
    /// HTTP/2: more requests were taken back than anybody needs to.
    ResetFlood "reset-flood"
    /// HTTP/2: a head in more pieces than it has bytes for.
    ContinuationFlood "continuation-flood"
    /// HTTP/2: frames that ask for nothing, more than anybody needs to send.
    FrameFlood "frame-flood"
    /// TLS failed, in the handshake or after it.
    Tls "tls"
    /// It was handed to another protocol, which has ended.
    Upgraded "upgraded"
    /// Reading or writing failed in another way.
    Io "io"
}

#[cfg(test)]
mod tests {
    use super::Close;

    #[test]
    fn each_reason_has_a_word_of_its_own() {
        let mut ids: Vec<_> = Close::ALL.iter().map(|close| close.id()).collect();
        assert!(ids.iter().all(|id| id.bytes().all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit())));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Close::ALL.len());
    }
}
