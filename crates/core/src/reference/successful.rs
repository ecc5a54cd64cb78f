//! 2xx: received, understood and accepted.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: 200,
        meaning: "It worked. The content is what the method asks for: the representation for GET, what came of it for POST, \
                  PUT, PATCH and DELETE.",
        when: "The request was fulfilled and there is something to return. Answers to GET and HEAD carry `ETag` or \
               `Last-Modified` where there is one.",
        when_not: "Something was created: 201. It was only queued: 202. There is nothing to return: 204. A part was asked \
                   for: 206. It failed: never 200 with an error inside, which caches and clients take for success.",
        next: "Uses the content, and may store it with its validators to ask for changes only the next time.",
    },
    Entry {
        code: 201,
        meaning: "The request created a resource, and `Location` says where it is; without that field it is the target itself.",
        when: "A POST made a new member of a collection, or a PUT a name that did not exist. It is there when the answer is sent.",
        when_not: "It exists only later: 202 with a monitor. It existed and was replaced: 200 or 204. The result is to be \
                   looked at rather than linked to, as after a form: 303.",
        next: "Keeps the URL of `Location` and the `ETag` for its next change; it need not fetch what it just sent.",
    },
    Entry {
        code: 202,
        meaning: "The request was accepted and is not done yet; it may still fail, and HTTP does not tell the client later by \
                  itself.",
        when: "The work is a job that is durably queued. Point to a monitor with `Location`, and say with `Retry-After` when to \
               look. Content is not required.",
        when_not: "It is done already: 200, 201 or 204. The queue is full: 503. What was sent is wrong: find that out before \
                   accepting, and say 400 or 422.",
        next: "Asks the monitor, no sooner than `Retry-After`, until that leads on to the result. It does not send the request \
               again.",
    },
    Entry {
        code: 203,
        meaning: "It worked, and a proxy on the way changed the content of the origin server's 200.",
        when: "A transforming proxy wants its change to be known (RFC 9110 §7.7).",
        when_not: "The answer is the origin server's own: 200.",
        next: "Uses the content as that of a 200, knowing that it is not the original.",
    },
    Entry {
        code: 204,
        meaning: "It worked, and there is nothing to return. The fields speak of the target as it is now.",
        when: "A DELETE; a PUT or PATCH whose client does not need the new representation; OPTIONS with `Allow`.",
        when_not: "Any content or length is to be sent: it ends with the head and has no `Content-Length` (RFC 9110 §8.6). An \
                   empty list or an empty file is content of zero length: 200.",
        next: "Stays where it is, and takes a new `ETag` for what it holds. A browser does not leave its page.",
    },
    Entry {
        code: 205,
        meaning: "It worked, and the form or view that sent the request should be cleared for the next entry.",
        when: "Data entry that repeats. It has no content.",
        when_not: "The page is to stay as it is: 204. Another is to be shown: 303. Browsers treat it as 204, so do not count \
                   on the clearing.",
        next: "Resets the document that the request was sent from.",
    },
    Entry {
        code: 206,
        meaning: "This is the part that `Range` asked for, or several; `Content-Range` says which part, and of how many bytes.",
        when: "A GET has a range that can be satisfied, and its `If-Range` holds: downloads that go on where they stopped, \
               jumping in a video. It carries the `ETag`, `Date`, `Vary`, `Cache-Control`, `Expires` and `Content-Location` \
               that a 200 would.",
        when_not: "`If-Range` does not hold, or the range cannot be read: 200 with the whole (RFC 9110 §14.2). No part of it \
                   lies within: 416. Parts of a list, as pages, have nothing to do with it: 200.",
        next: "Joins parts only if they have the same strong validator (RFC 9110 §15.3.7.3), and looks at `Content-Range`: it \
               may be less than was asked for. Several parts come as `multipart/byteranges`.",
    },
    Entry {
        code: 207,
        meaning: "The request touched several resources; the XML content has a status for each, and some may have failed.",
        when: "WebDAV: PROPFIND, PROPPATCH, or a COPY, MOVE or DELETE of a folder that went well in part (RFC 4918 §13).",
        when_not: "There is one outcome: its own status. An API of your own: a list of outcomes in a 200 says the same.",
        next: "Reads the status of each member; the 207 itself does not say that anything worked.",
    },
    Entry {
        code: 208,
        meaning: "This member was listed before, under another URL; it stands inside the content of a 207.",
        when: "WebDAV: the same collection is bound to several names below the one that was asked for.",
        when_not: "As the status of an answer: it never is one.",
        next: "Takes the member's properties from where it was listed first.",
    },
    Entry {
        code: 226,
        meaning: "The content is not the whole but what has changed, in the form that `A-IM` asked for; `IM` says which one.",
        when: "Delta encoding: a GET names the version that it has and the kinds of difference that it understands.",
        when_not: "The client did not send `A-IM`: 200. A range of bytes: 206.",
        next: "Applies the difference to the version that it has. Hardly any client asks for it.",
    },
];
