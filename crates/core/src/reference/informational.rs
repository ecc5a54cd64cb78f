//! 1xx: interim answers. They end with their head, go to nobody who speaks HTTP/1.0, and a final answer follows
//! (RFC 9110 §15.2).

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: 100,
        meaning: "The head of the request was received and nothing in it is a reason to refuse; the client should send the \
                  content.",
        when: "A client that sent `Expect: 100-continue` waits, and every check that needs no content has passed. So large \
               content is not sent only to be answered with 401 or 413 (RFC 9110 §10.1.1).",
        when_not: "The content has begun to arrive, there is none, or the client speaks HTTP/1.0. If the head is enough to \
                   refuse, send the final status at once.",
        next: "Sends the content and reads on for the final answer. It does not wait for 100 for ever: after a while it \
               sends the content anyway.",
    },
    Entry {
        code: 101,
        meaning: "The server does what `Upgrade` asked for: from the next byte on, the connection speaks another protocol.",
        when: "A client on HTTP/1.1 asks for WebSocket, or for HTTP/2 in the clear, and the server agrees (RFC 9110 §7.8).",
        when_not: "The client did not ask for it; a server that insists says 426. HTTP/2 has no 101: it opens a tunnel with an \
                   extended CONNECT and 200 (RFC 9113 §8.6, RFC 8441 §4).",
        next: "Speaks the protocol that `Upgrade` names on this connection.",
    },
    Entry {
        code: 102,
        meaning: "The server has the whole request and is still at work on it.",
        when: "Hardly ever: it came with WebDAV's first version and was dropped from its second (RFC 4918 §21.4).",
        when_not: "The client can come back for the result: 202 with a monitor. There are fields to tell early: 103.",
        next: "Ignores it and goes on waiting for the final answer.",
    },
    Entry {
        code: 103,
        meaning: "These are fields that the final answer will probably have, sent while the server still prepares it.",
        when: "The answer takes a while and it is known what a page will need: `Link` with `rel=preload` or `rel=preconnect`.",
        when_not: "The client may take the first answer for the last one, as old ones on HTTP/1.1 do (RFC 8297 §3); or the \
                   answer is ready anyway.",
        next: "May begin to fetch what `Link` names. It judges the final answer by that one's own fields, and goes on waiting \
               for it.",
    },
];
