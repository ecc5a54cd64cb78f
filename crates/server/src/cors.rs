//! What pages of other origins may do with a route, told to their browsers: the CORS protocol of the Fetch standard.
//!
//! Rule: an origin that is not allowed is told nothing, and is no reason to refuse: it is its browser that keeps the answer
//! from it. What a route answers is the same with and without `Origin` but for these fields.

use crate::answer::Fields;
use crate::config::{self, Origins};
use std::borrow::Cow;
use verdict_core::field::list::{Lines, elements, is_token};
use verdict_core::method::{Method, MethodSet};

/// The most fields that a preflight can ask for and be told that it may, and the most bytes of their names.
const MOST_FIELDS: usize = 64;
const MOST_BYTES: usize = 4096;

/// The longest method without a name here that is allowed by saying it.
const LONGEST_METHOD: usize = 32;

/// A route's `cors`, as it is told.
pub(crate) struct Cors {
    origins: Origins,
    credentials: bool,
    /// `Access-Control-Allow-Methods`, where the config says which.
    methods: Option<String>,
    /// `Access-Control-Allow-Headers`, where the config says which.
    headers: Option<String>,
    /// `Access-Control-Expose-Headers`; may be empty.
    expose: String,
    /// `Access-Control-Max-Age`.
    max_age: String,
}

/// Whether a request is a preflight (Fetch, "HTTP requests" of the CORS protocol): no page's own `OPTIONS` names the method
/// that is to come, since pages cannot set that field.
pub(crate) fn is_preflight(method: Method, origin: Option<&[u8]>, asked_method: Option<&[u8]>) -> bool {
    method == Method::Options && origin.is_some() && asked_method.is_some()
}

impl Cors {
    pub(crate) fn new(config: &config::Cors) -> Cors {
        Cors {
            origins: config.origins.clone(),
            credentials: config.credentials,
            methods: config.methods.as_ref().map(|methods| methods.join(", ")),
            headers: config.headers.as_ref().map(|headers| headers.join(", ")),
            expose: config.expose.join(", "),
            max_age: config.max_age.as_secs().to_string(),
        }
    }

    /// What goes into `Vary` of every answer of the route, whether or not the request has an `Origin`: a cache must not give
    /// one origin what was told to another (Fetch, "CORS protocol and HTTP caches"). Nothing where all are told the same.
    pub(crate) fn vary(&self) -> Option<&'static str> {
        match self.origins {
            Origins::Any => None,
            Origins::Listed(_) => Some("Origin"),
        }
    }

    /// The fields of every answer but a preflight's, refusals and 304 included; `Vary` is not among them, see [`Cors::vary`].
    /// `origin` is the value of `Origin`; several lines of it are none.
    pub(crate) fn fields(&self, origin: Option<&[u8]>) -> Fields<'_> {
        let mut fields = self.allowed(origin);
        if !fields.is_empty() && !self.expose.is_empty() {
            fields.push(("Access-Control-Expose-Headers", Cow::Borrowed(&*self.expose)));
        }
        fields
    }

    /// The fields of the answer to a preflight. `method` is what it asks for, `headers` the lines of
    /// `Access-Control-Request-Headers`, and `allow` what the route takes.
    ///
    /// Unless the config lists them, a page may use the methods that the route takes and whichever fields it asks for: what
    /// makes a request dangerous is its origin, and that has been listed.
    pub(crate) fn preflight<'a>(
        &'a self,
        origin: Option<&[u8]>,
        method: &'a [u8],
        headers: impl Lines<'a>,
        allow: MethodSet,
    ) -> Fields<'a> {
        let mut fields = self.allowed(origin);
        if fields.is_empty() {
            return fields;
        }
        let methods = self.methods.as_deref().map_or_else(|| Cow::Owned(methods(method, allow)), Cow::Borrowed);
        fields.push(("Access-Control-Allow-Methods", methods));
        let headers = self.headers.as_deref().map(Cow::Borrowed).or_else(|| echoed(headers).map(Cow::Owned));
        if let Some(headers) = headers.filter(|headers| !headers.is_empty()) {
            fields.push(("Access-Control-Allow-Headers", headers));
        }
        fields.push(("Access-Control-Max-Age", Cow::Borrowed(&*self.max_age)));
        fields
    }

    /// Whether a page of this origin may change something. `asked`: its browser asks for leave before it sends such a request.
    /// Where any origin may, that is for requests without the user's credentials, which a browser adds to those that it sends
    /// without asking.
    pub(crate) fn lets_change(&self, origin: &[u8], asked: bool) -> bool {
        match &self.origins {
            Origins::Any => asked,
            Origins::Listed(origins) => origins.iter().any(|listed| listed.as_bytes() == origin),
        }
    }

    /// What says that the origin is allowed; empty if it is not.
    fn allowed(&self, origin: Option<&[u8]>) -> Fields<'_> {
        let mut fields = Fields::new();
        let told = match &self.origins {
            // The same to everybody, with or without an origin, so that caches may keep it.
            Origins::Any => "*",
            Origins::Listed(origins) => {
                // Compared byte by byte, as browsers do (Fetch, "CORS check"); what is echoed is the config's text.
                match origin.and_then(|origin| origins.iter().find(|listed| listed.as_bytes() == origin)) {
                    Some(listed) => listed,
                    None => return fields,
                }
            }
        };
        fields.push(("Access-Control-Allow-Origin", Cow::Borrowed(told)));
        // Never beside `*`: the config refuses that.
        if self.credentials {
            fields.push(("Access-Control-Allow-Credentials", Cow::Borrowed("true")));
        }
        fields
    }
}

/// What the route takes; and the method that is asked for where it takes any.
fn methods(asked: &[u8], allow: MethodSet) -> String {
    let mut methods = allow.to_string();
    let is_other = Method::from_token(asked) == Method::Other && allow.contains(Method::Other);
    if is_other && is_token(asked) && asked.len() <= LONGEST_METHOD {
        methods.push_str(if methods.is_empty() { "" } else { ", " });
        methods.extend(asked.iter().map(|b| char::from(*b)));
    }
    methods
}

/// The names that are asked for, written anew; `None` if that is not a list of names, or a longer one than any page has.
fn echoed<'a>(lines: impl Lines<'a>) -> Option<String> {
    let mut echoed = String::new();
    for (i, name) in elements(lines).enumerate() {
        if !is_token(name) || i == MOST_FIELDS || echoed.len() + name.len() > MOST_BYTES {
            return None;
        }
        echoed.push_str(if i == 0 { "" } else { ", " });
        echoed.extend(name.iter().map(|b| char::from(*b)));
    }
    Some(echoed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn cors(origins: &[&str]) -> config::Cors {
        let listed = origins.iter().map(|origin| (*origin).to_owned()).collect();
        config::Cors {
            origins: if origins == ["*"] { Origins::Any } else { Origins::Listed(listed) },
            credentials: false,
            methods: None,
            headers: None,
            expose: vec!["ETag".to_owned(), "Location".to_owned()],
            max_age: Duration::from_secs(600),
        }
    }

    fn shown(fields: Fields<'_>) -> String {
        let lines =
            fields.iter().map(|(name, value)| format!("{}: {value}", name.trim_start_matches("Access-Control-")));
        lines.collect::<Vec<_>>().join("\n")
    }

    const READ_WRITE: MethodSet = MethodSet::of(&[Method::Get, Method::Head, Method::Put, Method::Options]);

    #[test]
    fn an_origin_is_allowed_if_it_is_listed_byte_by_byte() {
        let listed = Cors::new(&cors(&["https://a.example", "http://b.example:8080"]));
        let credentials = Cors::new(&config::Cors { credentials: true, ..cors(&["https://a.example"]) });
        let silent = Cors::new(&config::Cors { expose: Vec::new(), ..cors(&["https://a.example"]) });
        let any = Cors::new(&cors(&["*"]));
        const A: &str = "Allow-Origin: https://a.example\nExpose-Headers: ETag, Location";
        const B: &str = "Allow-Origin: http://b.example:8080\nExpose-Headers: ETag, Location";
        const CREDENTIALS: &str =
            "Allow-Origin: https://a.example\nAllow-Credentials: true\nExpose-Headers: ETag, Location";
        const ANY: &str = "Allow-Origin: *\nExpose-Headers: ETag, Location";
        let cases = [
            (&listed, Some("https://a.example"), A),
            (&listed, Some("http://b.example:8080"), B),
            (&listed, Some("http://b.example"), ""),
            (&listed, Some("http://a.example"), ""),
            (&listed, Some("https://a.example."), ""),
            (&listed, Some("https://a.example.evil"), ""),
            (&listed, Some("https://evil.a.example"), ""),
            (&listed, Some("HTTPS://a.example"), ""),
            (&listed, Some("https://a.example/"), ""),
            (&listed, Some("https://a.example https://a.example"), ""),
            (&listed, Some("null"), ""),
            (&listed, Some("*"), ""),
            (&listed, Some(""), ""),
            (&listed, None, ""),
            (&credentials, Some("https://a.example"), CREDENTIALS),
            (&credentials, Some("https://b.example"), ""),
            (&silent, Some("https://a.example"), "Allow-Origin: https://a.example"),
            (&any, Some("https://a.example"), ANY),
            (&any, Some("null"), ANY),
            (&any, None, ANY),
        ];
        for (cors, origin, want) in cases {
            assert_eq!(shown(cors.fields(origin.map(str::as_bytes))), want, "{origin:?}");
        }
    }

    #[test]
    fn answers_vary_by_origin_unless_all_are_told_the_same() {
        assert_eq!(Cors::new(&cors(&["https://a.example"])).vary(), Some("Origin"));
        assert_eq!(Cors::new(&cors(&["*"])).vary(), None);
    }

    #[test]
    fn a_preflight_is_told_what_may_follow() {
        let open = cors(&["https://a.example"]);
        let any_method = MethodSet::of(&[Method::Get, Method::Other]);
        let set = config::Cors {
            methods: Some(vec!["PUT".to_owned(), "DELETE".to_owned()]),
            headers: Some(vec!["X-Token".to_owned()]),
            credentials: true,
            max_age: Duration::ZERO,
            ..open.clone()
        };
        let none = config::Cors { headers: Some(Vec::new()), ..open.clone() };
        let cases: [(&config::Cors, &str, &[&str], MethodSet, &str); 9] = [
            (&open, "PUT", &[], READ_WRITE, "Allow-Methods: GET, HEAD, PUT, OPTIONS\nMax-Age: 600"),
            (
                &open,
                "PUT",
                &["content-type,x-a", " X-B "],
                READ_WRITE,
                "Allow-Methods: GET, HEAD, PUT, OPTIONS\nAllow-Headers: content-type, x-a, X-B\nMax-Age: 600",
            ),
            // What is not a list of names is not echoed.
            (&open, "PUT", &["a, b c"], READ_WRITE, "Allow-Methods: GET, HEAD, PUT, OPTIONS\nMax-Age: 600"),
            (&open, "PUT", &["a\"b\""], READ_WRITE, "Allow-Methods: GET, HEAD, PUT, OPTIONS\nMax-Age: 600"),
            // A method that the route does not take is not among those that it does.
            (&open, "BREW", &[], READ_WRITE, "Allow-Methods: GET, HEAD, PUT, OPTIONS\nMax-Age: 600"),
            (&open, "BREW", &[], any_method, "Allow-Methods: GET, BREW\nMax-Age: 600"),
            (&open, "B R", &[], any_method, "Allow-Methods: GET\nMax-Age: 600"),
            (
                &set,
                "GET",
                &["x-other"],
                READ_WRITE,
                "Allow-Credentials: true\nAllow-Methods: PUT, DELETE\nAllow-Headers: X-Token\nMax-Age: 0",
            ),
            (&none, "PUT", &["x-a"], READ_WRITE, "Allow-Methods: GET, HEAD, PUT, OPTIONS\nMax-Age: 600"),
        ];
        for (config, method, lines, allow, want) in cases {
            let cors = Cors::new(config);
            let told = |origin: &'static str| {
                let lines = lines.iter().map(|line| line.as_bytes());
                shown(cors.preflight(Some(origin.as_bytes()), method.as_bytes(), lines, allow))
            };
            assert_eq!(told("https://a.example"), format!("Allow-Origin: https://a.example\n{want}"), "{method}");
            assert_eq!(told("https://evil.example"), "", "{method}");
        }
    }

    #[test]
    fn what_is_echoed_is_bounded() {
        let many = |count: usize, length: usize| vec!["a".repeat(length); count].join(",");
        let cases =
            [(MOST_FIELDS, 1, true), (MOST_FIELDS + 1, 1, false), (1, MOST_BYTES, true), (1, MOST_BYTES + 1, false)];
        for (count, length, is_echoed) in cases {
            let line = many(count, length);
            assert_eq!(echoed(Some(line.as_bytes())).is_some(), is_echoed, "{count} {length}");
        }
        assert_eq!(echoed(None).as_deref(), Some(""));
    }

    #[test]
    fn a_preflight_is_known_by_its_fields() {
        let origin = Some(&b"https://a.example"[..]);
        for (method, origin, asked, want) in [
            (Method::Options, origin, Some(&b"PUT"[..]), true),
            (Method::Options, origin, None, false),
            (Method::Options, None, Some(&b"PUT"[..]), false),
            (Method::Put, origin, Some(&b"PUT"[..]), false),
        ] {
            assert_eq!(is_preflight(method, origin, asked), want, "{method:?}");
        }
    }
}
