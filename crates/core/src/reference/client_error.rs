//! 4xx: the request cannot be fulfilled as it is, or not for this client.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: 400,
        meaning: "The server will not work on the request because the request is wrong: its syntax, its framing, its parameters \
                  or its content.",
        when: "The message, the target, a field or the JSON is malformed, or a parameter is invalid. It is also the catch-all of \
               the 4xx, and many APIs give it for every failed validation. Say what is wrong, and where.",
        when_not: "The content can be read and breaks a schema or a rule: 422. A more precise one fits: 411, 413, 414, 415, 417, \
                   431. It was right and clashes with the target's state: 409.",
        next: "Mends the request; repeating it unchanged gives the same answer.",
    },
    Entry {
        code: 401,
        meaning: "Who are you? The request has no valid credentials: none, or wrong or expired ones. `WWW-Authenticate` says \
                  which kinds are taken.",
        when: "The target wants to know who asks. Every scheme that it takes is listed (RFC 9110 §11.6.1).",
        when_not: "The client is known and may not do this: 403. A proxy asks: 407. A page with a login form of its own: 303 to it.",
        next: "Sends the request again with `Authorization`, new credentials if it had sent some; authenticating helps. If the \
               same challenge comes back, it shows the answer to its user.",
    },
    Entry {
        code: 402,
        meaning: "Reserved for payment to come; HTTP gives it no meaning yet.",
        when: "An API says by its own convention that the account is not paid for.",
        when_not: "A right is lacking: 403. A rate is used up: 429. Room is used up: 507.",
        next: "Tells its user; treats it as 400 if it does not know that API's convention.",
    },
    Entry {
        code: 403,
        meaning: "I know you, but no: the server understood the request and refuses it.",
        when: "The client has identified itself and lacks the permission; a valid token lacks the scope. Or it is refused to \
               everybody: a form from another site, a file that the server's user may not read.",
        when_not: "Nobody knows yet who asks, and it would help to say so: 401. That there is something is a secret: 404 (RFC 9110 \
                   §15.5.5).",
        next: "Does not repeat it: authenticating again as the same user will not help. Somebody has to give the permission, or \
               another user has to ask.",
    },
    Entry {
        code: 404,
        meaning: "There is nothing here, or nothing that the server will tell of. It does not say whether that lasts.",
        when: "No route, no such file or document. Also to hide what a client may not see, with the same fields and content as \
               where nothing is.",
        when_not: "It was there and is gone for good: 410. It moved: 308. The method is wrong: 405. A list has no members: 200 \
                   with an empty one.",
        next: "Checks the URL. It may ask again some day; a cache may keep the answer for a while.",
    },
    Entry {
        code: 405,
        meaning: "The server knows the method, and this target does not take it. `Allow` lists the ones that it takes.",
        when: "A PUT or DELETE on something read-only, a POST on a file. `Allow` says what the target takes now.",
        when_not: "The server knows the method for no target: 501. This user may not use it: 403.",
        next: "Uses one of the methods in `Allow`.",
    },
    Entry {
        code: 406,
        meaning: "The target has no form that `Accept` or `Accept-Language` takes, and the server will not send another.",
        when: "A client that cannot use what there is should be told so. The content lists the forms that there are.",
        when_not: "A default form is better than none, as for browsers: 200. It is the request's content that is in the wrong \
                   form: 415.",
        next: "Accepts one of the forms that the content lists.",
    },
    Entry {
        code: 407,
        meaning: "A proxy wants to know who asks. `Proxy-Authenticate` says which kinds of credentials it takes.",
        when: "A proxy that the client chose lets only those through whom it knows (RFC 9110 §11.7.1).",
        when_not: "The origin server asks, or a gateway in its name: 401. The network asks: 511.",
        next: "Sends the request again with `Proxy-Authorization`.",
    },
    Entry {
        code: 408,
        meaning: "The whole request did not arrive within the time that the server waits for it.",
        when: "A head or content that began stops arriving, or arrives too slowly. The connection closes with it.",
        when_not: "Nothing of a request has arrived on an idle connection: close it without a word. The upstream was slow: 504. \
                   The server's own work was slow: 503.",
        next: "May send the request again, on a new connection.",
    },
    Entry {
        code: 409,
        meaning: "The request is right in itself and conflicts with the state that the target is in.",
        when: "A duplicate of what must be unique; a version in the content that is not the current one; concurrent writes; a \
               missing folder above; a finished job that cannot be cancelled. Say what it collides with.",
        when_not: "The condition was in a field, such as `If-Match`: 412. It was demanded and not sent: 428. The content breaks a \
                   rule in any state: 422. Another holds a lock: 423.",
        next: "Fetches the current state, settles the conflict in it, and sends the request again.",
    },
    Entry {
        code: 410,
        meaning: "It was here, was removed on purpose, and will not come back: links to it should go.",
        when: "The server knows that something was deleted or has expired, such as a document, an offer, a job's result.",
        when_not: "Nobody knows whether there was something, or whether it comes back: 404. It moved: 308.",
        next: "Removes its links, and asks no more; a crawler takes it out of its index. A cache may keep the answer.",
    },
    Entry {
        code: 411,
        meaning: "The server takes the content only with its length said before: `Content-Length` is missing.",
        when: "The target wants to refuse or reserve before the content arrives, and content came chunked.",
        when_not: "The length is malformed or contradictory: 400. It is said and too large: 413.",
        next: "Sends it again with `Content-Length`.",
    },
    Entry {
        code: 412,
        meaning: "A condition in the request's fields does not hold, so nothing was done.",
        when: "`If-Match`, `If-Unmodified-Since`, or `If-None-Match` on a write does not hold (RFC 9110 §13.2.2). Send the current \
               `ETag` along.",
        when_not: "`If-None-Match` or `If-Modified-Since` on GET or HEAD: 304. The version is in the content: 409. The condition \
                   is missing: 428.",
        next: "Fetches the current version, makes its change in that, and sends it with the new tag. This is how no update is \
               lost.",
    },
    Entry {
        code: 413,
        meaning: "The content is larger than the server takes.",
        when: "`Content-Length` says more than the limit, or chunked content grows past it: uploads, mostly. Say what the limit \
               is; `Retry-After` if it will be higher later.",
        when_not: "The target is too long: 414. The fields are too large: 431. It is small enough and there is no room: 507.",
        next: "Sends less, or in parts if the API knows a way.",
    },
    Entry {
        code: 414,
        meaning: "The request target is longer than the server takes.",
        when: "A query that should have been content, redirects that add to the URL in a loop, an attack.",
        when_not: "The fields are too large, such as a heap of cookies: 431. The content is: 413.",
        next: "Shortens the URL, or sends the data as the content of a POST.",
    },
    Entry {
        code: 415,
        meaning: "The content is in a form that this target does not take: its `Content-Type`, its `Content-Encoding`, or what it \
                  turns out to be.",
        when: "The media type or the content coding is none that is taken. `Accept-Post`, `Accept-Patch` or `Accept` lists the \
               types, `Accept-Encoding` the codings (RFC 9110 §12.5.3).",
        when_not: "The type is right and the content is broken: 400. It is right and breaks a rule: 422. It is the answer's form \
                   that does not suit: 406.",
        next: "Sends the content in a form that is listed.",
    },
    Entry {
        code: 416,
        meaning: "No part of the range lies within the representation; `Content-Range: bytes */N` says how long it is.",
        when: "The range can be read and begins beyond the end, or asks for too many small parts (RFC 9110 §14.2).",
        when_not: "The range cannot be read, is in another unit, or the method is not GET: ignore it, 200. A part of it lies \
                   within: 206.",
        next: "Asks for a range below that length; a download that already has all bytes is done.",
    },
    Entry {
        code: 417,
        meaning: "An expectation in `Expect` cannot be met.",
        when: "`Expect` names something other than `100-continue`, the only one that is defined (RFC 9110 §10.1.1).",
        when_not: "The expectation is `100-continue` and the answer is no: the status that says why, such as 401 or 413.",
        next: "Sends the request again without `Expect`.",
    },
    Entry {
        code: 418,
        meaning: "Reserved because of a joke: the teapot of RFC 2324 made it unusable for anything else.",
        when: "As the joke.",
        when_not: "Anything that a program should understand, such as refusing robots: 403 or 429.",
        next: "Treats it as 400.",
    },
    Entry {
        code: 421,
        meaning: "The request came to a server, or over a connection, that does not answer for this host and scheme.",
        when: "A client reused a connection for another host whose certificate it seemed to cover, and the server is not set up \
               for that one (RFC 9110 §7.4).",
        when_not: "The host is served here and has no such path: 404. A proxy must never give it.",
        next: "Sends it again over a connection of its own to that host, whatever the method is.",
    },
    Entry {
        code: 422,
        meaning: "The content can be read and is of the right type, and what it says cannot be done: it breaks the rules.",
        when: "Well-formed JSON against the schema, or against a rule of the business; a patch that does not apply. Say which \
               places, all of them. Its older name is Unprocessable Entity.",
        when_not: "It cannot be parsed: 400. Its type is not taken: 415. It would be right in another state of the target: 409.",
        next: "Mends the content at the places that are named; repeating it unchanged gives the same answer.",
    },
    Entry {
        code: 423,
        meaning: "The target is locked by somebody else.",
        when: "WebDAV: a write without the token of a lock that is held (RFC 4918 §6).",
        when_not: "No lock, but two writers: 409 or 412.",
        next: "Sends the lock's token in `If`, or waits until the lock is gone.",
    },
    Entry {
        code: 424,
        meaning: "This was not done because something else, that it depends on, failed.",
        when: "WebDAV: inside a 207, for the changes that fell with the one that failed.",
        when_not: "A server behind this one failed: 502 or 504.",
        next: "Mends the one that failed, and sends all of it again.",
    },
    Entry {
        code: 425,
        meaning: "The request came in TLS early data, which somebody could have recorded and replayed, and the server will not risk \
                  it.",
        when: "A method that is not safe comes in early data, or with `Early-Data: 1` from a gateway (RFC 8470 §5.1).",
        when_not: "The request came after the handshake and without that field: its client need not know how to go on.",
        next: "Sends it again after the handshake, by itself, and not in early data.",
    },
    Entry {
        code: 426,
        meaning: "The target is answered only in another protocol; `Upgrade` names it.",
        when: "A WebSocket target is asked for by plain HTTP/1.1, or a newer version is required.",
        when_not: "The client asked for the upgrade: 101, or the answer without it. Plain HTTP where `https` should be: 308. HTTP/2 \
                   has no `Upgrade` (RFC 9113 §8.6).",
        next: "Asks again with `Connection: upgrade` and one of the protocols in `Upgrade`.",
    },
    Entry {
        code: 428,
        meaning: "The server changes this target only under a condition, and the request has none.",
        when: "Updates must not be lost: who writes has to say which version the change was made in.",
        when_not: "A condition is there and does not hold: 412. It must not be cached.",
        next: "Fetches the target, and sends the change with `If-Match` and its tag, or with `If-None-Match: *` to create.",
    },
    Entry {
        code: 429,
        meaning: "This client has sent too many requests in the time that they are counted over.",
        when: "A rate per client, user or key is used up. `Retry-After` should say when there is room again. It must not be cached.",
        when_not: "The server as a whole has too much to do: 503. A quota of storage is used up: 507.",
        next: "Waits for `Retry-After`, then goes on more slowly.",
    },
    Entry {
        code: 431,
        meaning: "The header fields are larger than the server takes, one of them or all together.",
        when: "Cookies have piled up, or a token is too long. Say which field if it is one. It must not be cached.",
        when_not: "The target is too long: 414. The content is too large: 413.",
        next: "Sends less: a browser's user clears the cookies of the site.",
    },
    Entry {
        code: 451,
        meaning: "A legal demand forbids the server to give access.",
        when: "A court or an authority has ordered it. The content explains it; `Link` with `rel=\"blocked-by\"` names who blocks \
               (RFC 7725 §4).",
        when_not: "The server refuses on its own account: 403. It was removed for good, whoever wanted it: 410.",
        next: "Tells its user; elsewhere the same request may be answered.",
    },
];
