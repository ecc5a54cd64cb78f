//! What content a route takes, and what a 415 says of it (RFC 9110 §15.5.16).

use crate::answer::Fields;
use std::borrow::Cow;
use verdict_core::field::list::{Lines, elements};
use verdict_core::field::media_type::MediaType;
use verdict_core::method::Method;

/// A route's `limits.types`.
pub(crate) struct Types {
    /// `application/json`, `image/*`.
    ranges: Vec<String>,
    /// The same as a list.
    listed: String,
}

impl Types {
    pub(crate) fn new(ranges: &[String]) -> Types {
        Types { ranges: ranges.to_vec(), listed: ranges.join(", ") }
    }

    /// Whether content of this `Content-Type` is taken. Without one it may be anything (RFC 9110 §8.3), which only
    /// `application/octet-stream` stands for; a value that cannot be read is no type.
    pub(crate) fn take(&self, content_type: Option<&[u8]>) -> bool {
        let content_type = MediaType::parse(content_type.unwrap_or(b"application/octet-stream"));
        content_type.is_some_and(|content_type| self.ranges.iter().any(|range| content_type.matches(range)))
    }

    /// The fields that tell what is taken. `Accept` on every such answer: in one it says what content of a request is preferred
    /// to the same target (RFC 9110 §12.5.1, §15.5.16), and it is all that there is for PUT. `Accept-Patch` on one to PATCH
    /// (RFC 5789 §3.1). `Accept-Post` is POST's (Linked Data Platform 1.0 §7.1), and is on every one all the same: it is what this
    /// server's 415 promises, and a route has one list for all of its methods.
    pub(crate) fn fields(&self, method: Method) -> Fields<'_> {
        let own = (method == Method::Patch).then_some("Accept-Patch");
        ["Accept", "Accept-Post"].into_iter().chain(own).map(|name| (name, Cow::Borrowed(&*self.listed))).collect()
    }
}

/// Whether content is in a coding: it would have to be decoded, which is never done. `identity` is none (RFC 9110 §12.5.3).
pub(crate) fn is_coded<'a>(content_encoding: impl Lines<'a>) -> bool {
    elements(content_encoding).any(|coding| !coding.eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(ranges: &[&str]) -> Types {
        Types::new(&ranges.iter().map(|range| (*range).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn content_is_taken_whose_type_is_listed() {
        let cases: [(&[&str], Option<&str>, bool); 13] = [
            (&["application/json"], Some("application/json"), true),
            (&["application/json"], Some("Application/JSON; charset=utf-8"), true),
            (&["application/json"], Some("application/jsonp"), false),
            (&["application/json"], Some("application/problem+json"), false),
            (&["application/json", "image/*"], Some("image/png"), true),
            (&["image/*"], Some("imagex/png"), false),
            (&["image/*"], Some("text/plain"), false),
            (&["image/*"], Some("image/png, text/html"), false),
            (&["*/*"], Some("image"), false),
            (&["*/*"], Some("x/y"), true),
            (&["image/*"], None, false),
            (&["application/octet-stream"], None, true),
            (&["*/*"], None, true),
        ];
        for (ranges, content_type, want) in cases {
            assert_eq!(types(ranges).take(content_type.map(str::as_bytes)), want, "{ranges:?} {content_type:?}");
        }
    }

    #[test]
    fn what_is_taken_is_told_in_the_fields_of_the_method() {
        let types = types(&["application/json", "image/*"]);
        for (method, want) in [
            (Method::Post, &["Accept", "Accept-Post"][..]),
            (Method::Patch, &["Accept", "Accept-Post", "Accept-Patch"]),
            (Method::Put, &["Accept", "Accept-Post"]),
        ] {
            let fields = types.fields(method);
            assert!(fields.iter().all(|(_, value)| value == "application/json, image/*"));
            assert_eq!(fields.iter().map(|(name, _)| *name).collect::<Vec<_>>(), want, "{method:?}");
        }
    }

    #[test]
    fn every_coding_but_identity_is_one() {
        let cases: [(&[&str], bool); 7] = [
            (&[], false),
            (&[""], false),
            (&["identity"], false),
            (&["Identity, identity"], false),
            (&["gzip"], true),
            (&["identity", "gzip"], true),
            (&["unheard-of"], true),
        ];
        for (lines, want) in cases {
            assert_eq!(is_coded(lines.iter().map(|line| line.as_bytes())), want, "{lines:?}");
        }
    }
}
