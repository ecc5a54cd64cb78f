//! The tables of the config, as they are named in messages, and which key is at home where.

/// A table of the config.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Top,
    Limits,
    Tls,
    Certificate,
    Route,
    RouteLimits,
    Files,
    Redirect,
    Respond,
    Documents,
    Jobs,
    Proxy,
    Health,
    Timeout,
    Upload,
    Auth,
    Jwt,
    Allow,
    Rate,
    Concurrency,
    Maintenance,
    Cors,
    Console,
}

impl Place {
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Place::Top => "at the top level",
            Place::Limits => "in `[limits]`",
            Place::Tls => "in `[tls]`",
            Place::Certificate => "in `certificates`",
            Place::Route => "in a route",
            Place::RouteLimits => "in a route's `limits`",
            Place::Files => "in `files`",
            Place::Redirect => "in `redirect`",
            Place::Respond => "in `respond`",
            Place::Documents => "in `documents`",
            Place::Jobs => "in `jobs`",
            Place::Proxy => "in `proxy`",
            Place::Health => "in `health`",
            Place::Timeout => "in `timeout`",
            Place::Upload => "in `upload`",
            Place::Auth => "in `[auth.NAME]`",
            Place::Jwt => "in `jwt`",
            Place::Allow => "in `allow`",
            Place::Rate => "in `rate`",
            Place::Concurrency => "in `concurrency`",
            Place::Maintenance => "in `maintenance`",
            Place::Cors => "in `cors`",
            Place::Console => "in `console`",
        }
    }
}

/// Where a key is at home that stands in the wrong table; `None` for a key of several.
pub(super) fn belongs(key: &str) -> Option<Place> {
    Some(match key {
        "listen" | "workers" | "log" | "drain" | "explain" | "user" | "console" | "state" | "tls"
        | "trusted-proxies" | "h2c-upgrade" => Place::Top,
        "body-idle" | "min-rate" | "send-idle" | "fields" | "connections" | "per-client" | "requests" => Place::Limits,
        "certificate" | "key" | "certificates" | "redirect-http" => Place::Tls,
        "files" | "redirect" | "respond" | "headers" | "pages" | "hints" | "hints-to" | "documents" | "jobs"
        | "proxy" | "upload" | "concurrency" | "timeout" | "cors" | "rate" | "allow" | "hide" | "maintenance" => {
            Place::Route
        }
        "root" | "index" | "listing" | "dotfiles" | "precompressed" | "fallback" => Place::Files,
        "type" => Place::Respond,
        "schema" | "unique" | "version" | "if-match" | "page" => Place::Documents,
        "delete" | "create-folders" => Place::Upload,
        "keep" | "retries" | "mode" => Place::Jobs,
        "connect" | "first-byte" | "total" => Place::Timeout,
        "balance" | "health" | "host" | "strip" | "intercept" | "upgrade" | "show-upstream" | "authorities" => {
            Place::Proxy
        }
        "every" => Place::Health,
        "per" | "burst" => Place::Rate,
        "basic" | "tokens" | "jwt" => Place::Auth,
        "keys" | "issuer" | "audience" => Place::Jwt,
        "read" | "write" => Place::Allow,
        "max" | "wait" => Place::Concurrency,
        "until" => Place::Maintenance,
        "token" | "answers" => Place::Console,
        "origins" | "credentials" | "methods" | "expose" | "max-age" => Place::Cors,
        "length" | "types" => Place::RouteLimits,
        _ => return None,
    })
}
