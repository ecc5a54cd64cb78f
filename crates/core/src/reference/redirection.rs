//! 3xx: something more must be done.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: 300,
        meaning: "There are several representations, each with a URL of its own, and the client is to choose.",
        when: "Negotiation by the client: the content lists the choices, and `Location` names the preferred one (RFC 9110 §12.2).",
        when_not: "The server can choose: 200 with `Vary`, or a redirect.",
        next: "Chooses from the list, or follows `Location`. No format of the list is defined, so programs seldom can.",
    },
    Entry {
        code: 301,
        meaning: "The resource has a new URL for good: the one in `Location`. A client may turn a POST into a GET on the way.",
        when: "A page, a path or a whole domain moved, and it is reached with GET or HEAD.",
        when_not: "The method must not change, as for POST or PUT: 308, which is otherwise the same and strictly right. It is \
                   not for good: 307. Browsers and caches keep it, so try it out with 307 first.",
        next: "Goes to `Location`, a POST mostly as GET. It may remember the new URL and use it from now on: browsers and \
               crawlers update bookmarks and indexes.",
    },
    Entry {
        code: 302,
        meaning: "The resource is at the URL in `Location` for now. A client may turn a POST into a GET on the way.",
        when: "Something reached with GET is elsewhere for a while, and the URL that was asked for stays the right one.",
        when_not: "The method must not change: 307, which is strictly right. It shall become GET: 303 says so. It is for good: \
                   301 or 308.",
        next: "Goes to `Location`, a POST mostly as GET, and asks the old URL again the next time.",
    },
    Entry {
        code: 303,
        meaning: "What came of the request is to be seen at another URL, the one in `Location`, and is fetched with GET.",
        when: "After a form was posted: POST, redirect, GET, so that a reload does not post it again. A finished job, whose \
               result is elsewhere. A GET for a thing that is not a document, answered with one about it.",
        when_not: "The target itself moved: 307 or 308. Something was created and the client is a program: 201 with `Location`.",
        next: "Fetches `Location` with GET, or with HEAD after HEAD, whatever the method was, and without the content. The new \
               URL does not stand for the old one.",
    },
    Entry {
        code: 304,
        meaning: "The client's stored copy is current: nothing changed since the version that `If-None-Match` names or the \
                  date in `If-Modified-Since`.",
        when: "A conditional GET or HEAD that would otherwise be 200. It carries the `ETag`, `Date`, `Vary`, `Cache-Control`, \
               `Expires` and `Content-Location` that the 200 would.",
        when_not: "Another method: `If-None-Match` that fails on a write is 412 (RFC 9110 §13.2.2). No condition was sent: 200. \
                   It has no content, and leaves out `Content-Type`, `Content-Length` and `Content-Encoding`.",
        next: "Uses its stored copy, and renews the copy's fields and freshness from this answer (RFC 9111 §4.3.4).",
    },
    Entry {
        code: 305,
        meaning: "Deprecated: it once told the client to repeat the request through a proxy.",
        when: "Never: that a server can choose a client's proxy is a danger (RFC 7231 appendix B).",
        when_not: "Always. A client's proxy is set on the client.",
        next: "Does not go through the proxy; treats it as 300.",
    },
    Entry {
        code: 306,
        meaning: "Reserved: a draft used it, and it has no meaning.",
        when: "Never.",
        when_not: "Always.",
        next: "Treats it as 300.",
    },
    Entry {
        code: 307,
        meaning: "The resource is at the URL in `Location` for now, and the request goes there as it was: same method, same \
                  content.",
        when: "Something is elsewhere for a while, for any method. In doubt between 302 and 307, take 307.",
        when_not: "It is for good: 308. The result is to be fetched with GET: 303.",
        next: "Sends the same request to `Location`, and asks the old URL again the next time. A browser may ask its user before \
               it sends an unsafe method on.",
    },
    Entry {
        code: 308,
        meaning: "The resource has a new URL for good, the one in `Location`, and the request goes there as it was: same method, \
                  same content.",
        when: "Something moved for good, for any method, and always when it takes POST or PUT. A folder asked for without its \
               slash. In doubt between 301 and 308, take 308.",
        when_not: "It is not for good: 307. Clients from before 2014 that know only 301 must follow (RFC 7538 §4).",
        next: "Sends the same request to `Location`, and may use the new URL from now on.",
    },
];
