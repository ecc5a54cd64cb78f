//! Request methods: those of RFC 9110 §9 and PATCH (RFC 5789) by name, every other as `Other`.

/// A request method. Methods are case-sensitive (RFC 9110 §9.1): `get` is `Other`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    /// A token that none of the above is.
    Other,
}

impl Method {
    /// Each method that has a name here, in the registry's order.
    pub const KNOWN: [Method; 9] = [
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Delete,
        Method::Connect,
        Method::Options,
        Method::Trace,
        Method::Patch,
    ];

    /// The method that a token of the request line names.
    pub const fn from_token(token: &[u8]) -> Method {
        match token {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"DELETE" => Method::Delete,
            b"CONNECT" => Method::Connect,
            b"OPTIONS" => Method::Options,
            b"TRACE" => Method::Trace,
            b"PATCH" => Method::Patch,
            _ => Method::Other,
        }
    }

    /// The token; `Other` has none of its own and is shown as `(other)`.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Connect => "CONNECT",
            Method::Options => "OPTIONS",
            Method::Trace => "TRACE",
            Method::Patch => "PATCH",
            Method::Other => "(other)",
        }
    }

    /// Whether it asks for nothing to change (RFC 9110 §9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Method::Get | Method::Head | Method::Options | Method::Trace)
    }

    /// Whether sending it twice means what sending it once does (RFC 9110 §9.2.2).
    pub const fn is_idempotent(self) -> bool {
        self.is_safe() || matches!(self, Method::Put | Method::Delete)
    }

    /// Whether it asks for a representation of the target: GET and HEAD.
    pub const fn reads(self) -> bool {
        matches!(self, Method::Get | Method::Head)
    }

    /// Whether it selects or modifies a representation, so that preconditions apply (RFC 9110 §13.2.1).
    pub const fn is_conditional(self) -> bool {
        !matches!(self, Method::Connect | Method::Options | Method::Trace)
    }
}

/// A set of named methods: what a target takes, written as `Allow` (RFC 9110 §10.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MethodSet(u16);

impl MethodSet {
    /// The set of these methods. `Other` stands for every method without a name here.
    pub const fn of(methods: &[Method]) -> MethodSet {
        let mut bits = 0;
        let mut i = 0;
        while i < methods.len() {
            bits |= 1 << methods[i] as u16;
            i += 1;
        }
        MethodSet(bits)
    }

    /// Whether the method is in the set.
    #[inline]
    pub const fn contains(self, method: Method) -> bool {
        self.0 & (1 << method as u16) != 0
    }

    /// The methods in the set that have names.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::KNOWN.into_iter().filter(move |m| self.contains(*m))
    }
}

/// The field value of `Allow`: `GET, HEAD, OPTIONS`.
impl std::fmt::Display for MethodSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, method) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            f.write_str(method.name())?;
        }
        Ok(())
    }
}
