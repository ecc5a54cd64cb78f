//! What holds for any bytes as a field's value: every parser reads them or refuses them, and what it read is read the same
//! when it is written again.

use std::fmt::Display;
use std::net::IpAddr;
use verdict_core::field::accept::Accept;
use verdict_core::field::accept_encoding::{AcceptEncoding, Coding};
use verdict_core::field::authorization::Credentials;
use verdict_core::field::content_range::ContentRange;
use verdict_core::field::date::HttpDate;
use verdict_core::field::entity_tag::{Current, EntityTag, TagList, if_match, if_none_match};
use verdict_core::field::expect::expectation;
use verdict_core::field::forwarded::{self, Element, Node};
use verdict_core::field::host::{Authority, HostError};
use verdict_core::field::if_range::if_range;
use verdict_core::field::link::{Link, links};
use verdict_core::field::list::{contains_token, elements, is_token, trim};
use verdict_core::field::media_type::MediaType;
use verdict_core::field::modified_since::{if_modified_since, if_unmodified_since};
use verdict_core::field::parameters::Parameters;
use verdict_core::field::prefer::{Prefer, Return};
use verdict_core::field::quoted::Value;
use verdict_core::field::range::{MAX_PARTS, MIN_GAP, Range, Resolved};
use verdict_core::field::retry_after::RetryAfter;
use verdict_core::field::weight;

/// 2025-06-15T15:06:40Z.
const NOW: HttpDate = HttpDate::from_unix(1_750_000_000);

/// Gives the input to every parser: as one value, and its lines as the lines of a list field.
pub(crate) fn field(input: &[u8]) {
    let lines: Vec<&[u8]> = input.split(|b| *b == b'\n').collect();
    list(&lines);
    tags(input, &lines);
    dates(input);
    ranges(input);
    media_types(input, &lines);
    accept_encoding(&lines);
    authority(input);
    credentials(input);
    hints(input);
    preferences(&lines);
    weights(input);
    proxies(input, &lines);
}

/// What is written again in its own form is read as the same.
fn is_read_again<T: PartialEq + std::fmt::Debug + Display>(value: &T, parse: impl Fn(&[u8]) -> Option<T>) {
    let text = value.to_string();
    assert_eq!(parse(text.as_bytes()).as_ref(), Some(value), "written as {text:?}");
}

/// Members are what stands between the commas, trimmed and not empty; a line for each says the same.
fn list(lines: &[&[u8]]) {
    let iter = || lines.iter().copied();
    let members: Vec<&[u8]> = elements(iter()).collect();
    assert!(members.iter().all(|member| !member.is_empty() && trim(member) == *member));
    assert!(elements(members.iter().copied()).eq(members.iter().copied()), "{:?}", text(&members));
    if !lines.iter().any(|line| line.contains(&b'"')) {
        let split = iter().flat_map(|line| line.split(|b| *b == b',')).map(trim).filter(|member| !member.is_empty());
        assert!(split.eq(members.iter().copied()), "{:?}", text(lines));
    }
    for token in members.iter().filter(|member| is_token(member)).filter_map(|member| std::str::from_utf8(member).ok())
    {
        assert!(contains_token(iter(), &token.to_ascii_uppercase()), "{token}");
    }
    assert_eq!(expectation(iter()), expectation(members.iter().copied()), "{:?}", text(lines));
}

fn tags(input: &[u8], lines: &[&[u8]]) {
    let written = |tag: EntityTag<'_>| {
        let mut out = Vec::new();
        tag.write_to(&mut out);
        out
    };
    if let Some(tag) = EntityTag::parse(input) {
        assert_eq!(written(tag), input);
        assert!(tag.to_string().starts_with(if tag.weak { "W/\"" } else { "\"" }));
    }
    let iter = || lines.iter().copied();
    let list = TagList::new(iter());
    let read: Result<Vec<EntityTag<'_>>, _> = list.tags().collect();
    assert_eq!(list.is_well_formed(), read.is_ok() || list.is_any(), "{:?}", text(lines));
    let Ok(read) = read else {
        // What cannot be read protects, and fetches in full: RFC 9110 §13.1.1, §13.1.2.
        let current = Current::Tagged(EntityTag { weak: false, opaque: b"a" });
        assert_eq!((if_match(iter(), current), if_none_match(iter(), current)), (list.is_any(), !list.is_any()));
        return;
    };
    let again = read.iter().map(|tag| written(*tag)).collect::<Vec<_>>().join(&b", "[..]);
    assert!(TagList::new(Some(&again[..])).tags().eq(read.iter().map(|tag| Ok(*tag))), "{}", again.escape_ascii());
    let ours = EntityTag { weak: false, opaque: b"a" };
    for tag in read.iter().copied().chain([ours]) {
        let current = Current::Tagged(tag);
        let (strong, weak) =
            (read.iter().any(|other| other.strong_eq(tag)), read.iter().any(|other| other.weak_eq(tag)));
        assert_eq!((if_match(iter(), current), if_none_match(iter(), current)), (strong, !weak), "{:?}", text(lines));
    }
}

fn dates(input: &[u8]) {
    let date = HttpDate::parse(input, NOW);
    let read = RetryAfter::parse(input, NOW);
    if let Some(date) = date {
        assert!((HttpDate::MIN..=HttpDate::MAX).contains(&date));
        is_read_again(&date, |text| HttpDate::parse(text, NOW));
        assert_eq!(read, Some(RetryAfter::At(date)));
    }
    if let Some(read) = read {
        is_read_again(&read, |text| RetryAfter::parse(text, NOW));
    }
    let modified = if_modified_since(input, NOW, NOW);
    assert_eq!(modified.is_some(), date.is_some());
    // The two conditions are each other's opposite.
    assert_eq!(if_unmodified_since(input, NOW, NOW), modified.map(|modified| !modified));

    let later = HttpDate::from_unix(NOW.unix() + 60);
    let tag = EntityTag::parse(input);
    assert_eq!(if_range(input, tag, None, later), tag.is_some_and(|tag| !tag.weak), "{}", input.escape_ascii());
    if let Some(date) = date {
        let strong = HttpDate::from_unix(date.unix() + 1);
        // Two digits of a year mean another one a second later at most once in a century.
        if HttpDate::parse(input, strong) == Some(date) && strong > date {
            assert!(if_range(input, None, Some(date), strong), "{}", input.escape_ascii());
        }
    }
}

fn ranges(input: &[u8]) {
    if let Some(range) = ContentRange::parse(input) {
        is_read_again(&range, ContentRange::parse);
    }
    let Some(range) = Range::parse(input) else { return };
    for length in [0, 1, 10, 1000, 1 << 20, u64::MAX] {
        let resolved = range.resolve(length);
        let parts = match &resolved {
            Resolved::Ignored | Resolved::Unsatisfiable => continue,
            Resolved::One(part) => std::slice::from_ref(part),
            Resolved::Many(parts) => {
                assert!((2..=MAX_PARTS).contains(&parts.len()));
                &parts[..]
            }
        };
        let mut sorted = parts.to_vec();
        sorted.sort_by_key(|part| part.first);
        assert!(sorted.iter().all(|part| part.first <= part.last && part.last < length), "{resolved:?} of {length}");
        // RFC 9110 §17.15: no byte is sent twice.
        assert!(sorted.windows(2).all(|pair| pair[1].first - pair[0].last > MIN_GAP), "{resolved:?}");
        let specs: Vec<_> = parts.iter().map(|part| format!("{}-{}", part.first, part.last)).collect();
        let again = format!("bytes={}", specs.join(","));
        let again = Range::parse(again.as_bytes()).map(|range| range.resolve(length));
        assert_eq!(again, Some(resolved), "of {length}");
    }
}

fn media_types(input: &[u8], lines: &[&[u8]]) {
    if let Some(read) = MediaType::parse(input) {
        let again = written(read);
        let again = MediaType::parse(&again).unwrap_or_else(|| panic!("{} is not read", again.escape_ascii()));
        assert_eq!((again.kind, again.subtype), (read.kind, read.subtype));
        assert!(again.parameters.iter().eq(read.parameters.iter()), "{read:?}");
        assert_eq!(again.charset(), read.charset());
        let essence = [read.kind, read.subtype].join(&b'/');
        let essence = String::from_utf8(essence).expect("a token is ASCII");
        assert!(read.is(&essence) && read.matches(&essence) && read.matches("*/*"), "{read:?}");
    }

    let accept = Accept::new(lines.iter().copied());
    let members: Vec<_> = accept.members().collect();
    assert!(members.iter().all(|member| member.weight <= 1000));
    let again: Vec<Vec<u8>> = members.iter().map(|member| written(member.range)).collect();
    let again = Accept::new(again.iter().map(Vec::as_slice));
    for offer in ["text/html", "text/html;charset=utf-8;level=1", "application/json", "image/svg+xml"] {
        let offered = MediaType::parse(offer.as_bytes()).expect("it is a media type");
        assert_eq!(again.quality(offered), accept.quality(offered), "{offer} in {:?}", text(lines));
        let welcome = accept.quality(offered) > 0;
        assert_eq!(accept.best(&[offer]).is_some(), welcome, "{offer} in {:?}", text(lines));
    }
}

/// A media type with its parameters, those that were quoted quoted anew.
fn written(read: MediaType<'_>) -> Vec<u8> {
    let mut out = [read.kind, b"/", read.subtype].concat();
    for (name, value) in read.parameters.iter() {
        out.extend([b"; ", name, b"="].concat());
        write_value(value, &mut out);
    }
    let parameters = Parameters::parse(&out[read.kind.len() + 1 + read.subtype.len()..]).expect("they are well formed");
    assert_eq!(parameters.is_empty(), read.parameters.is_empty());
    out
}

fn write_value(value: Value<'_>, out: &mut Vec<u8>) {
    if value.is_token() {
        assert!(is_token(value.raw()));
        return out.extend_from_slice(value.raw());
    }
    out.push(b'"');
    for b in value.bytes() {
        if matches!(b, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
}

fn accept_encoding(lines: &[&[u8]]) {
    let read = AcceptEncoding::parse(lines.iter().copied());
    let members: Vec<_> = Coding::ALL
        .iter()
        .map(|coding| format!("{};q={}", coding.name(), in_decimals(read.quality(*coding))))
        .collect();
    assert_eq!(AcceptEncoding::parse(Some(members.join(", ").as_bytes())), read, "{:?}", text(lines));
    for available in [&Coding::ALL[..], &[Coding::Gzip], &[]] {
        match read.best(available) {
            Some(best) => assert!(read.quality(best) > 0 && (best == Coding::Identity || available.contains(&best))),
            None => assert_eq!(read.quality(Coding::Identity), 0),
        }
    }
}

/// RFC 9110 §12.4.2: at most three decimals.
fn in_decimals(weight: u16) -> String {
    if weight >= 1000 { "1".to_owned() } else { format!("0.{weight:03}") }
}

fn authority(input: &[u8]) {
    match Authority::parse(input) {
        Ok(read) => {
            let again = read.to_string();
            assert_eq!(Authority::parse(again.as_bytes()), Ok(read), "written as {again:?}");
            assert!(!read.host.is_empty() && read.host.is_ascii() && read.host_is(&read.host.to_ascii_uppercase()));
            assert!(!read.host.contains(['/', '@', ' ', '#', '?', '\\']), "{read}");
            assert!(!read.is_ip() || read.host.parse::<IpAddr>().is_ok() || read.host.starts_with('['), "{read}");
            let without = read.without_default_port(443);
            assert_eq!(without.port, if read.port == Some(443) { None } else { read.port });
        }
        Err(HostError::Byte { offset }) => assert!(offset < input.len()),
        Err(_) => {}
    }
}

fn credentials(input: &[u8]) {
    let Some(read) = Credentials::parse(input) else { return };
    let scheme = std::str::from_utf8(read.scheme()).expect("a token is ASCII");
    assert!(is_token(read.scheme()) && read.scheme_is(&scheme.to_ascii_lowercase()));
    if let Some(token) = read.token68() {
        assert!(!token.is_empty() && input.ends_with(token) && read.get("realm").is_none());
        let again = [scheme.as_bytes(), b" ", token].concat();
        let again = Credentials::parse(&again).expect("what is written is read");
        assert_eq!((again.scheme(), again.token68()), (read.scheme(), read.token68()));
    }
    // What was given is secret: the scheme alone is shown.
    let shown = format!("{read:?}");
    let form = shown.strip_prefix(&read.scheme().escape_ascii().to_string());
    assert!(matches!(form, Some("" | " (token)" | " (parameters)")), "{shown}");
}

fn hints(input: &[u8]) {
    for link in links(input) {
        let link = match link {
            Ok(link) => link,
            Err(error) => {
                assert!(error.offset <= input.len(), "{error}");
                continue;
            }
        };
        let mut again = [b"<", link.target, b">"].concat();
        for (name, value) in link.parameters() {
            again.extend([b"; ", name].concat());
            if let Some(value) = value {
                again.push(b'=');
                write_value(value, &mut again);
            }
        }
        let again = Link::parse(&again).unwrap_or_else(|error| panic!("{}: {error}", again.escape_ascii()));
        assert!(again.target == link.target && again.rel() == link.rel() && again.parameters().eq(link.parameters()));
        assert!(link.has("rel") && link.get("REL").is_some_and(|rel| rel == link.rel()), "{link:?}");
    }
    if let Err(error) = Link::parse(input) {
        assert!(error.offset <= input.len(), "{error}");
    }
}

fn preferences(lines: &[&[u8]]) {
    let read = Prefer::parse(lines.iter().copied());
    let returns = read.returns.map(|returns| match returns {
        Return::Minimal => "return=minimal".to_owned(),
        Return::Representation => "return=representation".to_owned(),
    });
    let respond_async = read.respond_async.then(|| "respond-async".to_owned());
    let wait = read.wait.map(|seconds| format!("wait={seconds}"));
    let again: Vec<_> = [returns, respond_async, wait].into_iter().flatten().collect();
    assert_eq!(Prefer::parse(Some(again.join(", ").as_bytes())), read, "{:?}", text(lines));
}

fn weights(input: &[u8]) {
    if let Some(read) = weight::parse(input) {
        assert!(read <= 1000 && weight::parse(in_decimals(read).as_bytes()) == Some(read));
    }
}

/// Each element is read for itself, whatever stands beside it, and again as it is written.
fn proxies(input: &[u8], lines: &[&[u8]]) {
    let iter = || lines.iter().copied();
    let alone = elements(iter()).map(Element::parse);
    assert!(forwarded::elements(iter()).eq(alone), "{:?}", text(lines));
    for element in forwarded::elements(iter()).flatten() {
        let mut again = Vec::new();
        for (name, node) in [("for", element.sender), ("by", element.by)] {
            again.extend(node.map(|node| format!("{name}={node};")).unwrap_or_default().into_bytes());
        }
        for (name, value) in [("host", element.host), ("proto", element.proto)] {
            let Some(value) = value else { continue };
            again.extend([name.as_bytes(), b"="].concat());
            write_value(value, &mut again);
            again.push(b';');
        }
        let read = Element::parse(&again).unwrap_or_else(|error| panic!("{}: {error:?}", again.escape_ascii()));
        assert_eq!((read.sender, read.by), (element.sender, element.by), "{}", again.escape_ascii());
        for (read, value) in [(read.host, element.host), (read.proto, element.proto)] {
            let [read, value] = [read, value].map(|value| value.map(|value| value.bytes().collect::<Vec<_>>()));
            assert_eq!(read, value, "{}", again.escape_ascii());
        }
    }
    // A node is read by itself too, where another field has nothing else in it.
    if let Some(node) = Node::parse(input) {
        let written = node.to_string();
        assert_eq!(Node::parse(written.trim_matches('"').as_bytes()), Some(node), "written as {written:?}");
    }
}

fn text(lines: &[&[u8]]) -> Vec<String> {
    lines.iter().map(|line| line.escape_ascii().to_string()).collect()
}
