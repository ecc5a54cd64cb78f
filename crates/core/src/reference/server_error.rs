//! 5xx: the server failed.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: 500,
        meaning: "Something unexpected stopped the server: a bug, an unhandled exception, a disk that failed.",
        when: "Nothing else fits, and the fault is the server's own. The cause belongs into the log, the request's id into the \
               answer.",
        when_not: "The request is at fault: a 4xx. A server behind this one failed: 502 or 504. It is only busy or closed: 503. \
                   The disk or quota is full: 507.",
        next: "May repeat a request whose method is idempotent (RFC 9110 §9.2.2), later and not often; reports the request's id.",
    },
    Entry {
        code: 501,
        meaning: "The server lacks what the request needs: it knows the method for no target at all, or not the transfer coding.",
        when: "The method is unknown here, misspelt or in small letters, for methods are case-sensitive (RFC 9110 §9.1). A \
               transfer coding that is not decoded (RFC 9112 §6.1).",
        when_not: "The method is known and this target does not take it: 405. The version of HTTP is unknown: 505.",
        next: "Uses another method; repeating it will not help until the server is changed.",
    },
    Entry {
        code: 502,
        meaning: "This server is a gateway, and the server behind it gave an invalid answer or none at all.",
        when: "The upstream's name is unknown, it refuses or resets the connection, its TLS fails, its answer is not HTTP or is \
               cut short. `Proxy-Status` says which of these (RFC 9209 §2).",
        when_not: "The upstream was only too slow: 504. No member of the pool may be asked, or this server refuses: 503. The \
                   upstream answered with an error of its own: pass that on.",
        next: "May repeat an idempotent request after a while; who runs the gateway looks at the upstream.",
    },
    Entry {
        code: 503,
        meaning: "This server cannot answer for the time being: it is overloaded, in maintenance, or being restarted or deployed.",
        when: "It refuses in order to stay alive, or on purpose, and it will pass. `Retry-After` says when, wherever that can be \
               known.",
        when_not: "One client asks too often: 429. The upstream was asked and failed: 502 or 504. It will not pass: 500.",
        next: "Comes again after `Retry-After`, or waits longer from try to try. The request was not acted upon if it was this \
               server that refused it.",
    },
    Entry {
        code: 504,
        meaning: "This server is a gateway, and the server behind it did not answer in time.",
        when: "The upstream was too slow to connect, to begin its answer, or to end it. `Proxy-Status` says which of these.",
        when_not: "The client was too slow: 408. The upstream refused or broke off: 502. This server is too busy to ask: 503.",
        next: "May repeat an idempotent request after a while. Of any other it does not know whether it was acted upon, and asks \
               first.",
    },
    Entry {
        code: 505,
        meaning: "The server does not speak the major version of HTTP that the request is in.",
        when: "The request line says a version that this connection does not speak, such as HTTP/3.0 over TCP.",
        when_not: "The version is not even well-formed: 400. The same version would do after a change of protocol: 426.",
        next: "Speaks a version that the content names; HTTP/1.1 is always a good one.",
    },
    Entry {
        code: 506,
        meaning: "The negotiation of a variant is set up wrong: the variant that was chosen negotiates again.",
        when: "Transparent content negotiation, and only there; an experiment that was not taken up.",
        when_not: "Any other fault of the configuration: 500.",
        next: "Gives up; who runs the server has to mend it.",
    },
    Entry {
        code: 507,
        meaning: "There is no room for what the request would store; nothing of it was kept.",
        when: "The disk is full or the quota used up. It came with WebDAV and is used wherever content is stored.",
        when_not: "This one request is larger than any may be: 413. Too many requests: 429.",
        next: "Deletes something, or asks for more room, before it sends it again; it does not repeat it by itself (RFC 4918 §11.5).",
    },
    Entry {
        code: 508,
        meaning: "The server met a loop while it worked on the request, and stopped.",
        when: "WebDAV: a folder that contains itself, asked for with `Depth: infinity`. A request that comes back to the gateway \
               that sent it.",
        when_not: "A loop of redirects: no server sees it, and the client stops by itself (RFC 9110 §15.4).",
        next: "Asks less deeply; who runs the servers breaks the loop.",
    },
    Entry {
        code: 510,
        meaning: "Obsolete: the request lacked an extension that an experiment of the year 2000 would have had it declare.",
        when: "Never.",
        when_not: "Always. A condition that must be sent: 428. A protocol that must be spoken: 426.",
        next: "Treats it as 500.",
    },
    Entry {
        code: 511,
        meaning: "The network wants its user to log in before it lets requests through; it is not the asked server that says so.",
        when: "A proxy that guards a network (a captive portal) intercepts the request. The content links to the login page.",
        when_not: "In an origin server, ever. Who asks must identify to the server: 401, or to a proxy that it chose: 407.",
        next: "Shows the login page to its user, keeps nothing of this answer, and sends the request again once logged in.",
    },
];
