//! The stops: each code with its circumstance, what makes it happen, and what has to come. Every face of the tour is made of this.
//!
//! A message is written with line feeds, and sent with CRLF in its head. `{…}` in it stands for what an earlier answer of the same
//! stop had: `{etag}`, `{location}`; or for something long: `{long}`, `{fields}`. Where its head has no length and it has content,
//! the length is added.

/// One stop.
pub(super) struct Stop {
    pub(super) code: u16,
    /// Why there is such a status.
    pub(super) circumstance: &'static str,
    /// The reason that has to be told.
    pub(super) reason: &'static str,
    /// What is sent first, each on a connection of its own, whatever comes.
    pub(super) before: &'static [&'static str],
    pub(super) message: &'static str,
    /// What is sent once a 100 has come.
    pub(super) then: &'static str,
    /// Whether it is sent over TLS.
    pub(super) secure: bool,
    /// Whether the code is of an answer before the answer.
    pub(super) interim: bool,
    /// Fields that the answer has to have.
    pub(super) carries: &'static [&'static str],
    /// A line for a shell; `{url}`, `{secure}` and `{address}` stand for the tour, `{certificate}` for the file of its certificate.
    pub(super) curl: &'static str,
}

const fn stop(
    code: u16,
    reason: &'static str,
    circumstance: &'static str,
    message: &'static str,
    curl: &'static str,
) -> Stop {
    Stop {
        code,
        circumstance,
        reason,
        before: &[],
        message,
        then: "",
        secure: false,
        interim: false,
        carries: &[],
        curl,
    }
}

const NEW_NOTE: &str = "POST /notes HTTP/1.1\nContent-Type: application/json\n\n{\"title\": \"{unique}\"}";

pub(super) const STOPS: &[Stop] = &[
    Stop {
        then: "{\"title\": \"{unique}\"}",
        interim: true,
        ..stop(
            100,
            "content-invited",
            "the client asks before it sends its content, and every question that could refuse it has passed",
            "POST /notes HTTP/1.1\nContent-Type: application/json\nExpect: 100-continue\nContent-Length: {then}\n\n",
            "curl -v {url}/notes -H 'Content-Type: application/json' -H 'Expect: 100-continue' -d '{\"title\": \"'$(date +%s%N)'\"}'",
        )
    },
    Stop {
        carries: &["Upgrade", "Connection"],
        ..stop(
            101,
            "upstream-answered",
            "a websocket that the application accepts; what follows is a tunnel",
            "GET /chat HTTP/1.1\nConnection: upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n",
            "curl -i -m 1 {url}/chat -H 'Connection: upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='",
        )
    },
    Stop {
        interim: true,
        carries: &["Link"],
        ..stop(
            103,
            "hinted",
            "a browser goes to a page, and is told of its style sheet before the page itself",
            "GET /welcome/ HTTP/1.1\nSec-Fetch-Mode: navigate\n\n",
            "curl -i {url}/welcome/ -H 'Sec-Fetch-Mode: navigate'",
        )
    },
    Stop {
        carries: &["ETag", "Last-Modified"],
        ..stop(200, "served", "a file that is there", "GET /hello.txt HTTP/1.1\n\n", "curl -i {url}/hello.txt")
    },
    Stop {
        carries: &["Location", "ETag"],
        ..stop(
            201,
            "created",
            "a document that is new in its collection",
            NEW_NOTE,
            "curl -i {url}/notes -H 'Content-Type: application/json' -d '{\"title\": \"'$(date +%s%N)'\"}'",
        )
    },
    Stop {
        carries: &["Location", "Retry-After"],
        ..stop(
            202,
            "job-queued",
            "a job that is stored, and done later; its monitor is at `Location`",
            "POST /render HTTP/1.1\nContent-Type: application/json\n\n{\"page\": 1}",
            "curl -i {url}/render -H 'Content-Type: application/json' -d '{\"page\": 1}'",
        )
    },
    Stop {
        before: &[NEW_NOTE],
        ..stop(
            204,
            "deleted",
            "a document that is deleted, as the client last saw it",
            "DELETE {location} HTTP/1.1\nIf-Match: {etag}\n\n",
            "curl -i -X DELETE {url}$(curl -si {url}/notes -H 'Content-Type: application/json' -d '{\"title\": \"'$(date +%s%N)'\"}' | tr -d '\\r' | sed -n 's/^Location: //p') -H 'If-Match: *'",
        )
    },
    Stop {
        carries: &["Content-Range", "ETag"],
        ..stop(
            206,
            "part-served",
            "a download that goes on where it broke off, or a player that jumps",
            "GET /film.bin HTTP/1.1\nRange: bytes=50000-50099\n\n",
            "curl -i -r 50000-50099 {url}/film.bin",
        )
    },
    Stop {
        carries: &["Location", "Cache-Control"],
        ..stop(
            301,
            "moved-permanently",
            "a page that has moved for good; a client may make a POST a GET",
            "GET /index.html HTTP/1.1\n\n",
            "curl -i {url}/index.html",
        )
    },
    Stop {
        carries: &["Location"],
        ..stop(
            302,
            "found-elsewhere",
            "a page that is elsewhere today; a client may make a POST a GET",
            "GET /today HTTP/1.1\n\n",
            "curl -i {url}/today",
        )
    },
    Stop {
        carries: &["Location"],
        ..stop(
            303,
            "form-taken",
            "a form that was taken: the client goes on with GET, and a refresh sends nothing again",
            "POST /notes HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\ntitle={unique}",
            "curl -i {url}/notes -d title=$(date +%s%N)",
        )
    },
    Stop {
        before: &["GET /hello.txt HTTP/1.1\n\n"],
        carries: &["ETag"],
        ..stop(
            304,
            "tag-unchanged",
            "a client has a copy, and asks whether it still holds",
            "GET /hello.txt HTTP/1.1\nIf-None-Match: {etag}\n\n",
            "curl -i {url}/hello.txt -H 'If-None-Match: *'",
        )
    },
    Stop {
        carries: &["Location"],
        ..stop(
            307,
            "redirected-for-now",
            "an interface that is elsewhere for now: the same method, with the same content",
            "POST /api/v1/orders?now HTTP/1.1\nContent-Type: application/json\n\n{}",
            "curl -i {url}/api/v1/orders -d {}",
        )
    },
    Stop {
        carries: &["Location", "Cache-Control"],
        ..stop(
            308,
            "slash-missing",
            "a folder that is asked for without its slash, for good, whatever the method",
            "GET /docs HTTP/1.1\n\n",
            "curl -i {url}/docs",
        )
    },
    stop(
        400,
        "json-malformed",
        "content that is not the JSON that it says it is; the answer says where",
        "POST /notes HTTP/1.1\nContent-Type: application/json\n\n{\"title\": ",
        "curl -i {url}/notes -H 'Content-Type: application/json' -d '{\"title\": '",
    ),
    Stop {
        carries: &["WWW-Authenticate"],
        ..stop(401, "credentials-missing", "who are you?", "GET /desk HTTP/1.1\n\n", "curl -i {url}/desk")
    },
    Stop {
        carries: &["WWW-Authenticate"],
        ..stop(
            403,
            "scope-lacking",
            "I know you, but no: the token may read, and not write",
            "POST /desk HTTP/1.1\nAuthorization: Bearer the-token-of-who-may-read\nContent-Type: application/json\n\n{}",
            "curl -i {url}/desk -H 'Authorization: Bearer the-token-of-who-may-read' -H 'Content-Type: application/json' -d {}",
        )
    },
    stop(404, "nothing-there", "there is no such file", "GET /none HTTP/1.1\n\n", "curl -i {url}/none"),
    Stop {
        carries: &["Allow"],
        ..stop(
            405,
            "method-not-taken",
            "a method that there is, and that this target does not take",
            "DELETE /hello.txt HTTP/1.1\n\n",
            "curl -i -X DELETE {url}/hello.txt",
        )
    },
    Stop {
        before: &[NEW_NOTE],
        ..stop(
            406,
            "not-acceptable",
            "a document, asked for in a form that it does not have",
            "GET {location} HTTP/1.1\nAccept: image/png\n\n",
            "curl -i {url}/notes -H 'Accept: image/png'",
        )
    },
    Stop {
        carries: &["Connection"],
        ..stop(
            408,
            "head-timeout",
            "a request that begins and does not go on",
            "GET /hello.txt HTTP/1.1\nUser-Agent: slow",
            "(printf 'GET /hello.txt HTTP/1.1\\r\\n'; sleep 1) | curl -s -m 5 telnet://{address}",
        )
    },
    Stop {
        before: &["POST /notes HTTP/1.1\nContent-Type: application/json\n\n{\"title\": \"taken\"}"],
        ..stop(
            409,
            "unique-member-taken",
            "a title that another document has; the answer says which",
            "POST /notes HTTP/1.1\nContent-Type: application/json\n\n{\"title\": \"taken\"}",
            "for i in 1 2; do curl -i {url}/notes -H 'Content-Type: application/json' -d '{\"title\": \"twice\"}'; done",
        )
    },
    Stop {
        before: &[NEW_NOTE, "DELETE {location} HTTP/1.1\nIf-Match: {etag}\n\n"],
        ..stop(
            410,
            "document-deleted",
            "a document that was there, and was deleted",
            "GET {location} HTTP/1.1\n\n",
            "N=$(curl -si {url}/notes -H 'Content-Type: application/json' -d '{\"title\": \"'$(date +%s%N)'\"}' | tr -d '\\r' | sed -n 's/^Location: //p'); curl -s -X DELETE {url}$N -H 'If-Match: *'; curl -i {url}$N",
        )
    },
    stop(
        411,
        "length-missing",
        "a route that wants to know how much comes, and a client that does not say",
        "POST /notes HTTP/1.1\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n0\r\n\r\n",
        "curl -i {url}/notes -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' -d {}",
    ),
    Stop {
        before: &[NEW_NOTE],
        carries: &["ETag"],
        ..stop(
            412,
            "if-match-failed",
            "a change of a version that is not the current one: somebody else was faster",
            "PUT {location} HTTP/1.1\nIf-Match: \"v7\"\nContent-Type: application/json\n\n{\"title\": \"{unique}\"}",
            "curl -i {url}/hello.txt -H 'If-Match: \"v7\"'",
        )
    },
    stop(
        413,
        "content-too-large",
        "more content than the route takes; it is refused before it is sent",
        "POST /notes HTTP/1.1\nContent-Type: application/json\nContent-Length: 100000\n\n",
        "head -c 100000 /dev/zero | curl -i {url}/notes -H 'Content-Type: application/json' --data-binary @-",
    ),
    stop(
        414,
        "target-too-long",
        "a target that is longer than the server takes",
        "GET /{long} HTTP/1.1\n\n",
        "curl -i {url}/$(printf '%09000d' 0)",
    ),
    Stop {
        carries: &["Accept-Post"],
        ..stop(
            415,
            "media-type-not-taken",
            "content of a type that the collection does not take; the answer says which it does",
            "POST /notes HTTP/1.1\nContent-Type: text/plain\n\nHello",
            "curl -i {url}/notes -H 'Content-Type: text/plain' -d Hello",
        )
    },
    Stop {
        carries: &["Content-Range"],
        ..stop(
            416,
            "range-beyond-end",
            "a range that begins behind the end",
            "GET /hello.txt HTTP/1.1\nRange: bytes=1000-\n\n",
            "curl -i -r 1000- {url}/hello.txt",
        )
    },
    stop(
        417,
        "expectation-unknown",
        "an expectation that nobody can meet",
        "GET /hello.txt HTTP/1.1\nExpect: a-miracle\n\n",
        "curl -i {url}/hello.txt -H 'Expect: a-miracle'",
    ),
    Stop {
        secure: true,
        ..stop(
            421,
            "not-this-authority",
            "a connection that was made for one name, and a request on it for another, which its certificate does not have",
            "GET /hello.txt HTTP/1.1\nHost: other.example\n\n",
            "curl -i --http1.1 --cacert {certificate} {secure}/hello.txt -H 'Host: other.example'",
        )
    },
    stop(
        422,
        "schema-violated",
        "JSON that is well-formed, and against the collection's schema; the answer points at each place",
        "POST /notes HTTP/1.1\nContent-Type: application/json\n\n{\"title\": \"\"}",
        "curl -i {url}/notes -H 'Content-Type: application/json' -d '{\"title\": \"\"}'",
    ),
    stop(
        425,
        "too-early",
        "a change that came in early data, which somebody may have sent again",
        "POST /notes HTTP/1.1\nEarly-Data: 1\nContent-Type: application/json\n\n{}",
        "curl -i {url}/notes -H 'Early-Data: 1' -H 'Content-Type: application/json' -d {}",
    ),
    Stop {
        carries: &["Upgrade"],
        ..stop(
            426,
            "upgrade-missing",
            "a place where only websockets are spoken",
            "GET /chat HTTP/1.1\n\n",
            "curl -i {url}/chat",
        )
    },
    Stop {
        before: &[NEW_NOTE],
        ..stop(
            428,
            "condition-missing",
            "a change without a word about which version it is of, where that could undo another's",
            "PUT {location} HTTP/1.1\nContent-Type: application/json\n\n{\"title\": \"{unique}\"}",
            "curl -i -X PUT {url}/notes/mine -H 'Content-Type: application/json' -d '{\"title\": \"mine\"}'",
        )
    },
    Stop {
        before: &["GET /limited HTTP/1.1\n\n", "GET /limited HTTP/1.1\n\n"],
        carries: &["Retry-After", "RateLimit", "RateLimit-Policy"],
        ..stop(
            429,
            "client-over-rate",
            "a client that asks more often than it may; the answer says when to come again",
            "GET /limited HTTP/1.1\n\n",
            "for i in 1 2 3; do curl -i {url}/limited; done",
        )
    },
    stop(
        431,
        "head-too-large",
        "a head with more fields than the server takes",
        "GET /hello.txt HTTP/1.1\n{fields}\n\n",
        "curl -i {url}/hello.txt -H \"Cookie: $(printf '%09000d' 0)\"",
    ),
    stop(
        500,
        "upstream-answered",
        "an application that throws; its gateway passes on what it says",
        "GET /broken HTTP/1.1\n\n",
        "curl -i {url}/broken",
    ),
    stop(
        501,
        "method-unknown",
        "a method that no part of this server implements, wherever it is sent",
        "BREW /hello.txt HTTP/1.1\n\n",
        "curl -i -X BREW {url}/hello.txt",
    ),
    Stop {
        carries: &["Proxy-Status"],
        ..stop(
            502,
            "upstream-not-http",
            "an application that answers something that is not HTTP",
            "GET /garbage HTTP/1.1\n\n",
            "curl -i {url}/garbage",
        )
    },
    Stop {
        carries: &["Retry-After"],
        ..stop(
            503,
            "maintenance",
            "a route that is closed for maintenance; the answer says for how long",
            "GET /closed HTTP/1.1\n\n",
            "curl -i {url}/closed",
        )
    },
    Stop {
        carries: &["Proxy-Status"],
        ..stop(
            504,
            "upstream-first-byte-slow",
            "an application that does not begin to answer in time",
            "GET /slow HTTP/1.1\n\n",
            "curl -i {url}/slow",
        )
    },
    stop(
        505,
        "version-not-supported",
        "a version of HTTP that is not spoken in these bytes",
        "GET /hello.txt HTTP/3.0\n\n",
        "printf 'GET /hello.txt HTTP/3.0\\r\\nHost: a\\r\\n\\r\\n' | curl -s -m 5 telnet://{address}",
    ),
    stop(
        507,
        "quota-would-burst",
        "a document for which the collection's quota has no room; the answer says how much is used",
        "POST /full HTTP/1.1\nContent-Type: application/json\n\n{\"text\": \"{line}\"}",
        "curl -i {url}/full -H 'Content-Type: application/json' -d '{\"text\": \"'$(printf '%0200d' 0)'\"}'",
    ),
    stop(
        508,
        "upstream-answered",
        "a gateway whose upstream is the gateway itself: the second pass refuses, and the first passes that on",
        "GET /loop HTTP/1.1\n\n",
        "curl -i {url}/loop",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use verdict_core::reason::CATALOGUE;

    /// The mission's own list.
    const MISSION: [u16; 33] = [
        100, 101, 103, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 410,
        411, 413, 415, 422, 429, 500, 501, 502, 503, 504, 507,
    ];

    #[test]
    fn every_status_that_has_a_reason_here_is_met_and_each_once() {
        let codes: Vec<u16> = STOPS.iter().map(|stop| stop.code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        for code in MISSION {
            assert!(codes.contains(&code), "{code} is not met");
        }
        for entry in CATALOGUE {
            let Some(status) = entry.status else { continue };
            assert!(codes.contains(&status.code()), "{status} can be given for {}, and is not met", entry.id);
        }
        for stop in STOPS {
            assert!(CATALOGUE.iter().any(|entry| entry.id == stop.reason), "{}", stop.reason);
        }
    }
}
