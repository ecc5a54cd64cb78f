//! Whatever the bytes are, a field is read or refused: no panic, and the time grows as the value does.

use proptest::prelude::*;
use std::hint::black_box;
use verdict_core::field::*;

/// Gives a value to every parser, and each result to what reads it.
fn read_as_everything(value: &[u8]) {
    let now = date::HttpDate::from_unix(1_750_000_000);
    let lines = [value, value];
    let tag = entity_tag::EntityTag { weak: false, opaque: b"a" };
    let current = entity_tag::Current::Tagged(tag);
    let html = media_type::MediaType::parse(b"text/html;charset=utf-8;level=1");

    black_box(list::elements(lines).count());
    black_box(list::contains_token(lines, "close"));
    black_box((entity_tag::if_match(lines, current), entity_tag::if_none_match(lines, current)));
    black_box(entity_tag::EntityTag::parse(value).map(|tag| tag.to_string()));
    black_box(date::HttpDate::parse(value, now).map(|date| date.to_imf_fixdate()));
    black_box(modified_since::if_modified_since(value, now, now));
    black_box(idempotency_key::parse(value));
    black_box(if_range::if_range(value, Some(tag), Some(now), now));
    black_box(range::Range::parse(value).map(|range| range.resolve(1 << 40)));
    black_box(content_range::ContentRange::parse(value).map(|range| range.to_string()));
    black_box(media_type::MediaType::parse(value).map(|t| (t.charset(), t.matches("image/*"))));
    black_box(html.map(|html| accept::Accept::new(lines).quality(html)));
    black_box(accept_encoding::AcceptEncoding::parse(lines));
    black_box(expect::expectation(lines));
    black_box(forwarded::elements(lines).filter(|element| element.is_ok()).count());
    black_box(host::Authority::parse(value).map(|a| (a.to_string(), a.is_ip())).ok());
    black_box(link::links(value).filter_map(|link| Some(link.ok()?.has_rel("preload"))).count());
    black_box(prefer::Prefer::parse(lines));
    black_box(retry_after::RetryAfter::parse(value, now).map(|r| r.seconds(now)));
    black_box(authorization::Credentials::parse(value).map(|c| (format!("{c:?}"), c.get("realm").is_some())));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(value in prop::collection::vec(any::<u8>(), 0..64)) {
        read_as_everything(&value);
    }

    #[test]
    fn any_delimiters_are_read_or_refused(value in "[\"\\\\,;=<>*/%:\\[\\]a0-9 \t\u{e9}-]{0,40}") {
        read_as_everything(value.as_bytes());
        for prefix in ["bytes=", "bytes ", "Basic ", "a/b;", "</a>;rel=", "[", "W/\"", "wait=", "for=", "for=\"["] {
            read_as_everything(format!("{prefix}{value}").as_bytes());
        }
    }
}

/// 64 KiB, the default limit of a header section, of what is worst for a scanner that looks ahead or back. Anything but
/// linear would take minutes.
#[test]
fn long_values_take_time_as_they_are_long() {
    for unit in [
        "\"", "\\", "\"\\", ",", ";", "\",", "\"a\",", "a,", "a;", "a=\"b", "<", "<a>;", "*,", "a/b;q=1,", "a/b;c=d;",
        "0-1,", "%41", " ",
    ] {
        for prefix in ["", "bytes=", "</a>;rel=a;", "a/b;", "X ", "\"", "for=_", "host=\""] {
            let mut value = prefix.as_bytes().to_vec();
            value.extend(unit.bytes().cycle().take(1 << 16));
            read_as_everything(&value);
        }
    }
}
