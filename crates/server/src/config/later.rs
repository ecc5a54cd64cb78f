//! The keys that a later version takes: neither unknown nor silently without effect. A line leaves this table when its key is
//! read.

/// A table of the config.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Top,
    Limits,
    Route,
    RouteLimits,
    Files,
    Redirect,
    Respond,
}

impl Place {
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Place::Top => "at the top level",
            Place::Limits => "in `[limits]`",
            Place::Route => "in a route",
            Place::RouteLimits => "in a route's `limits`",
            Place::Files => "in `files`",
            Place::Redirect => "in `redirect`",
            Place::Respond => "in `respond`",
        }
    }
}

/// The keys that are known in a place and not supported yet.
pub(super) const fn keys(place: Place) -> &'static [&'static str] {
    match place {
        Place::Top => &["auth", "console", "h2c-upgrade", "state", "tls"],
        Place::Route => &[
            "allow",
            "auth",
            "concurrency",
            "cors",
            "documents",
            "hide",
            "jobs",
            "maintenance",
            "proxy",
            "rate",
            "timeout",
            "upload",
        ],
        Place::RouteLimits => &["types"],
        Place::Limits | Place::Files | Place::Redirect | Place::Respond => &[],
    }
}

/// Where a key is at home that stands in the wrong table; `None` for a key of several.
pub(super) fn belongs(key: &str) -> Option<Place> {
    Some(match key {
        "listen" | "workers" | "log" | "drain" | "explain" | "user" | "console" | "state" | "tls"
        | "trusted-proxies" | "h2c-upgrade" => Place::Top,
        "body-idle" | "min-rate" | "send-idle" | "fields" | "connections" | "per-client" | "requests" => Place::Limits,
        "files" | "redirect" | "respond" | "headers" | "pages" | "hints" | "hints-to" | "documents" | "jobs"
        | "proxy" | "upload" | "concurrency" | "timeout" | "cors" | "rate" | "allow" | "hide" | "maintenance" => {
            Place::Route
        }
        "root" | "index" | "listing" | "dotfiles" | "precompressed" | "fallback" => Place::Files,
        "to" => Place::Redirect,
        "type" => Place::Respond,
        "length" | "types" => Place::RouteLimits,
        _ => return None,
    })
}
