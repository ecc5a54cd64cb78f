//! The console's page: a document, a script and a style, in the binary, which ask nobody else for anything.

/// What the page may load, and from where (CSP3): its own script and style, and the console's API.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                                 base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A part of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Document,
    Script,
    Style,
}

impl Part {
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Part::Document => "text/html; charset=utf-8",
            Part::Script => "text/javascript; charset=utf-8",
            Part::Style => "text/css; charset=utf-8",
        }
    }

    pub(super) const fn text(self) -> &'static str {
        match self {
            Part::Document => include_str!("page/index.html"),
            Part::Script => include_str!("page/page.js"),
            Part::Style => include_str!("page/page.css"),
        }
    }
}
