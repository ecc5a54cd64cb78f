//! What holds for any bytes, said once: ordinary tests, the corpora and the fuzzers all call these.

use verdict_core::method::Method;
use verdict_wire::{
    Body, Extent, Fault, Form, Framing, Head, Limits, Name, Piece, Progress, Requested, Response, ResponseFault, Span,
    Version, decode_path,
};

const LIMITS: [Limits; 3] = [
    Limits { target: 8 << 10, fields: 64 << 10, lines: 100 },
    Limits { target: 16, fields: 64, lines: 4 },
    Limits { target: 1, fields: 30, lines: 1 },
];

/// Ends any head: what is fed after a message that is still partial, so that it is decided.
const END: &[u8] = b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";

/// The fast way and the scanner take the same heads and find the same faults, however the bytes are split.
pub(crate) fn head(input: &[u8]) {
    for limits in LIMITS {
        let whole = outcome(input, &[], &limits, Head::parse);
        let scanned = outcome(input, &[], &limits, Head::scan);
        assert_eq!(whole, scanned, "the fast way and the scanner differ on {}", input.escape_ascii());
        let each: Vec<usize> = (1..input.len()).collect();
        for cuts in [&each[..], &cuts(input, 2), &cuts(input, 5)] {
            let split = outcome(input, cuts, &limits, Head::parse);
            assert_eq!(split, whole, "split at {cuts:?}: {}", input.escape_ascii());
        }
        if let Ok(view) = &whole {
            holds_together(view, &limits);
        }
    }
}

/// A few places to cut `input`, which depend on it alone.
fn cuts(input: &[u8], count: u64) -> Vec<usize> {
    let seed = input.iter().fold(count, |seed, b| seed.wrapping_mul(0x100_0000_01b3) ^ u64::from(*b));
    let mut cuts: Vec<usize> = (1..=count)
        .map(|i| (seed.wrapping_mul(i * 2 + 1) >> 33) as usize % (input.len() + 1))
        .filter(|cut| *cut > 0)
        .collect();
    cuts.sort_unstable();
    cuts
}

/// Everything that a head says, apart from where it stands.
#[derive(PartialEq, Debug)]
struct View {
    head: Vec<u8>,
    method: Method,
    method_token: Vec<u8>,
    target: Vec<u8>,
    form: Form,
    authority: Option<Vec<u8>>,
    path: Vec<u8>,
    query: Option<Vec<u8>>,
    plain: bool,
    encoded_slash: bool,
    version: Version,
    framing: Framing,
    flags: [bool; 3],
    lines: Vec<(Vec<u8>, Vec<u8>, Option<Name>)>,
    known: Vec<(Name, bool, Vec<Vec<u8>>)>,
}

type Parse = fn(&mut Head, &[u8], &Limits) -> Result<Progress, Fault>;

/// Feeds the input up to each cut, then all of it, then with [`END`], until the head is decided.
fn outcome(input: &[u8], cuts: &[usize], limits: &Limits, parse: Parse) -> Result<View, Fault> {
    let mut head = Head::new();
    let ended = [input, END].concat();
    let stages = cuts.iter().map(|cut| &input[..*cut]).chain([input, &ended]);
    for seen in stages {
        match parse(&mut head, seen, limits) {
            Ok(Progress::Partial) => {}
            Ok(Progress::Complete) => return Ok(view(&head, seen)),
            Err(fault) => {
                assert!(fault.at <= seen.len(), "{fault:?} beyond {}", seen.escape_ascii());
                return Err(fault);
            }
        }
    }
    panic!("{} is never decided", input.escape_ascii());
}

fn view(head: &Head, message: &[u8]) -> View {
    let bytes = |span: Span| span.of(message).to_vec();
    View {
        head: message[..head.len].to_vec(),
        method: head.method,
        method_token: bytes(head.method_token),
        target: bytes(head.target),
        form: head.parts.form,
        authority: head.authority(message).map(<[u8]>::to_vec),
        path: head.path(message).to_vec(),
        query: head.query(message).map(<[u8]>::to_vec),
        plain: head.parts.plain,
        encoded_slash: head.parts.encoded_slash,
        version: head.version,
        framing: head.framing,
        flags: [head.persistent, head.expects_continue, head.upgrade],
        lines: head.lines().iter().map(|line| (bytes(line.name), bytes(line.value), line.known)).collect(),
        known: Name::ALL
            .iter()
            .filter(|name| head.has(**name))
            .map(|name| {
                let values: Vec<_> = head.all(*name).map(bytes).collect();
                assert_eq!(head.value(*name, message), values.first().map(Vec::as_slice));
                (*name, head.repeated(*name), values)
            })
            .collect(),
    }
}

/// What is true of any head that was taken, found by the simplest means.
fn holds_together(view: &View, limits: &Limits) {
    let text = view.head.escape_ascii().to_string();

    // Put together again from its parts, it is the same but for the white space around values.
    let version = view.head.windows(9).find(|w| w.starts_with(b" HTTP/1.")).expect(&text);
    let mut lines = view.head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let start = lines.by_ref().find(|line| !line.is_empty()).expect(&text);
    assert_eq!(start, [&view.method_token, &b" "[..], &view.target, version].concat(), "{text}");
    for ((name, value, known), line) in view.lines.iter().zip(lines.by_ref()) {
        let colon = line.iter().position(|b| *b == b':').expect(&text);
        assert_eq!((&line[..colon], line[colon + 1..].trim_ascii()), (&name[..], &value[..]), "{text}");
        assert_eq!(*known, Name::ALL.iter().copied().find(|k| name.eq_ignore_ascii_case(k.as_str().as_bytes())));
    }
    assert_eq!(lines.next(), Some(&b""[..]), "{text}");
    assert_eq!((lines.next(), lines.next()), (Some(&b""[..]), None), "{text}");
    assert!(!view.head.iter().enumerate().any(|(i, b)| *b == b'\n' && view.head[i - 1] != b'\r'), "{text}");
    assert!(!view.head.contains(&0), "{text}");

    assert!(view.target.len() <= limits.target && view.lines.len() <= limits.lines, "{text}");

    // The index says what the lines say.
    for (name, repeated, values) in &view.known {
        let lines: Vec<_> = view.lines.iter().filter(|(.., k)| *k == Some(*name)).map(|(_, v, _)| v.clone()).collect();
        assert_eq!((*repeated, values), (lines.len() > 1, &lines), "{text}");
    }
    let of = |name| view.known.iter().find(|(known, ..)| *known == name);
    let known = view.lines.iter().filter(|(.., known)| known.is_some()).count();
    assert_eq!(known, view.known.iter().map(|(.., values)| values.len()).sum::<usize>(), "{text}");

    match view.framing {
        Framing::None => assert!(of(Name::ContentLength).is_none() && of(Name::TransferEncoding).is_none(), "{text}"),
        Framing::Length(_) => assert!(of(Name::TransferEncoding).is_none(), "{text}"),
        Framing::Chunked => {
            assert!(view.version == Version::Http11 && of(Name::ContentLength).is_none(), "{text}");
        }
    }
    assert!(view.version == Version::Http10 || of(Name::Host).is_some_and(|(_, repeated, _)| !repeated), "{text}");

    if matches!(view.form, Form::Origin | Form::Absolute) && view.path != b"*" {
        let mut decoded = String::new();
        assert_eq!(decode_path(&view.path, &mut decoded), Ok(view.encoded_slash), "{text}");
        assert_eq!(view.plain, decoded.as_bytes() == view.path && !view.path.contains(&b'%'), "{text}");
        assert!(!decoded.split('/').any(|segment| matches!(segment, "." | "..")), "{text}");
        assert!(!decoded.bytes().any(|b| b < b' ' || b == 0x7f), "{text}");
        let slashes = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'/').count();
        assert_eq!(slashes(decoded.as_bytes()), slashes(&view.path), "{text}");
    }
}

/// An origin-form target is taken if and only if the plainest reading of the rules takes it, and decodes as that says.
pub(crate) fn target(input: &[u8]) {
    let message = [b"GET ", input, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
    head(&message);
    if input.first() != Some(&b'/') || !input.iter().all(u8::is_ascii_graphic) {
        return;
    }
    let limits = Limits { target: usize::MAX, ..Limits::default() };
    let mut head = Head::new();
    let taken = head.parse(&message, &limits) == Ok(Progress::Complete);
    let expected = plainly_decoded(input);
    assert_eq!(taken, expected.is_some(), "{}", input.escape_ascii());
    if let Some(expected) = expected {
        let mut decoded = String::new();
        decode_path(head.path(&message), &mut decoded).expect("a path that was taken decodes");
        assert_eq!(decoded, expected);
    }
}

/// The path that an origin-form target of visible bytes means, if it may be sent.
fn plainly_decoded(target: &[u8]) -> Option<String> {
    let mut halves = target.splitn(2, |b| *b == b'?');
    let path = halves.next()?;
    if halves.next().is_some_and(|query| query.contains(&b'#')) || path.iter().any(|b| b"\"<>\\^`{}#".contains(b)) {
        return None;
    }
    let mut segments = Vec::new();
    for segment in path.split(|b| *b == b'/') {
        let mut bytes = Vec::new();
        let mut parts = segment.split(|b| *b == b'%');
        bytes.extend_from_slice(parts.next()?);
        for part in parts {
            let (digits, rest) = part.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            match u8::from_str_radix(digits, 16).ok()? {
                b'/' => bytes.extend_from_slice(b"%2F"),
                b if b < b' ' || b == 0x7f => return None,
                b => bytes.push(b),
            }
            bytes.extend_from_slice(rest);
        }
        segments.push(String::from_utf8(bytes).ok().filter(|text| text != "." && text != "..")?);
    }
    Some(segments.join("/"))
}

/// Chunked content is the same however it is split, and is what the plainest reading says.
pub(crate) fn body(input: &[u8]) {
    for framing in [Framing::Chunked, Framing::Length(input.len() as u64 / 2)] {
        let whole = content(framing, input, &[]);
        let each: Vec<usize> = (1..input.len()).collect();
        for cuts in [&each[..], &cuts(input, 2), &cuts(input, 5)] {
            assert_eq!(content(framing, input, cuts), whole, "split at {cuts:?}: {}", input.escape_ascii());
        }
        match whole {
            Ok((content, Some(end))) if framing == Framing::Chunked => {
                assert_eq!(plain_chunks(input), Some((content, end)), "{}", input.escape_ascii());
            }
            Ok((content, Some(end))) => assert_eq!((&content[..], end), (&input[..end], input.len() / 2)),
            Ok((_, None)) => {}
            Err(fault) => assert!(framing == Framing::Chunked && fault.at <= input.len()),
        }
    }
}

/// The content, and where the message ended if it did.
fn content(framing: Framing, input: &[u8], cuts: &[usize]) -> Result<(Vec<u8>, Option<usize>), Fault> {
    let (mut body, mut content, mut at) = (Body::new(framing), Vec::new(), 0);
    for end in cuts.iter().copied().chain([input.len()]) {
        loop {
            match body.decode(&input[at..end.max(at)])? {
                Piece::Data { skip, len } => {
                    content.extend_from_slice(&input[at + skip..at + skip + len]);
                    at += skip + len;
                }
                Piece::More { consumed } => {
                    at += consumed;
                    break;
                }
                Piece::End { consumed } => {
                    assert!(body.is_done() && body.received() == content.len() as u64);
                    return Ok((content, Some(at + consumed)));
                }
            }
        }
    }
    Ok((content, None))
}

/// Chunks that are known to be well formed, read line by line.
fn plain_chunks(input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let line_end = |from: usize| input[from..].windows(2).position(|w| w == b"\r\n").map(|n| from + n);
    let (mut content, mut at) = (Vec::new(), 0);
    loop {
        let end = line_end(at)?;
        let digits = input[at..end].split(|b| !b.is_ascii_hexdigit()).next()?;
        let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        at = end + 2;
        if size == 0 {
            break;
        }
        content.extend_from_slice(input.get(at..at + size)?);
        at += size + 2;
    }
    loop {
        let end = line_end(at)?;
        let empty = end == at;
        at = end + 2;
        if empty {
            return Some((content, at));
        }
    }
}

/// A response is taken if and only if the plainest reading of the rules takes it, means what that says, and does so however
/// its bytes are split, whatever was asked.
pub(crate) fn response(input: &[u8]) {
    let asked = [(Method::Get, false), (Method::Get, true), (Method::Head, false), (Method::Connect, false)];
    for (method, upgrade) in asked {
        let requested = Requested { method, upgrade };
        for limits in LIMITS {
            let whole = answer(input, &[], &limits, requested);
            let text = || format!("{} to {requested:?} within {limits:?}", input.escape_ascii());
            let each: Vec<usize> = (1..input.len()).collect();
            for cuts in [&each[..], &cuts(input, 2), &cuts(input, 5)] {
                assert_eq!(answer(input, cuts, &limits, requested), whole, "split at {cuts:?}: {}", text());
            }
            let plain = plain_answer(&[input, END].concat(), &limits, requested);
            assert_eq!(whole.ok(), plain, "{}", text());
        }
    }
}

/// Everything that a response's head says.
#[derive(PartialEq, Debug)]
struct Answer {
    len: usize,
    status: u16,
    reason: Vec<u8>,
    version: Version,
    extent: Extent,
    persistent: bool,
    lines: Vec<(Vec<u8>, Vec<u8>)>,
    end_to_end: Vec<Vec<u8>>,
}

fn answer(input: &[u8], cuts: &[usize], limits: &Limits, requested: Requested) -> Result<Answer, ResponseFault> {
    let mut response = Response::new();
    let ended = [input, END].concat();
    let stages = cuts.iter().map(|cut| &input[..*cut]).chain([input, &ended]);
    for seen in stages {
        match response.parse(seen, limits, requested) {
            Ok(Progress::Partial) => {}
            Ok(Progress::Complete) => {
                let bytes = |span: Span| span.of(seen).to_vec();
                return Ok(Answer {
                    len: response.len,
                    status: response.status.code(),
                    reason: bytes(response.reason),
                    version: response.version,
                    extent: response.extent,
                    persistent: response.persistent,
                    lines: response.lines().iter().map(|line| (bytes(line.name), bytes(line.value))).collect(),
                    end_to_end: response.end_to_end(seen).map(|line| bytes(line.name)).collect(),
                });
            }
            Err(fault) => {
                assert!(fault.at <= seen.len(), "{fault:?} beyond {}", seen.escape_ascii());
                return Err(fault);
            }
        }
    }
    panic!("{} is never decided", input.escape_ascii());
}

/// The head of a response, read by its lines: RFC 9112 §4, §5 and §6.3 in as few words as they can be said.
fn plain_answer(input: &[u8], limits: &Limits, requested: Requested) -> Option<Answer> {
    let len = input.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let mut lines = Vec::new();
    let mut rest = &input[..len];
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        lines.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    lines.pop();
    let is_text = |bytes: &[u8]| bytes.iter().all(|b| *b == b'\t' || (*b >= b' ' && *b != 0x7f));
    if !lines.iter().all(|line| is_text(line)) {
        return None;
    }

    let (start, fields) = lines.split_first()?;
    let rest = start.strip_prefix(b"HTTP/1.")?;
    let (fixed, reason) = rest.split_at_checked(6)?;
    let &[minor, b' ', ref code @ .., b' '] = fixed else { return None };
    let version = match minor {
        b'0' => Version::Http10,
        b'1'..=b'9' => Version::Http11,
        _ => return None,
    };
    let code = std::str::from_utf8(code).ok().filter(|code| code.bytes().all(|b| b.is_ascii_digit()))?;
    let status: u16 = code.parse().ok().filter(|code| *code >= 100)?;
    if reason.len() > limits.target || len - start.len() - 2 > limits.fields || fields.len() > limits.lines {
        return None;
    }

    let token = |name: &[u8]| {
        !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b))
    };
    let mut found = Vec::new();
    for line in fields {
        let colon = line.iter().position(|b| *b == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if !token(name) {
            return None;
        }
        found.push((name.to_vec(), value.to_vec()));
    }
    let values = |name: &str| -> Vec<String> {
        let of = found.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
        let text = |value: &[u8]| value.iter().copied().map(char::from).collect::<String>();
        of.flat_map(|(_, value)| {
            text(value).split(',').map(|part| part.trim_matches([' ', '\t']).to_ascii_lowercase()).collect::<Vec<_>>()
        })
        .collect()
    };

    let (codings, lengths, options) = (values("transfer-encoding"), values("content-length"), values("connection"));
    let extent = match status {
        101 if !requested.upgrade => return None,
        101 => Extent::Tunnel,
        200..=299 if requested.method == Method::Connect => Extent::Tunnel,
        100..=199 | 204 | 304 => Extent::Head,
        _ if requested.method == Method::Head => Extent::Head,
        _ if !codings.is_empty() => {
            if version == Version::Http10 || !lengths.is_empty() || codings != ["chunked"] {
                return None;
            }
            Extent::Chunked
        }
        _ if lengths.is_empty() => Extent::Close,
        _ => {
            let digits = |length: &String| !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
            let numbers: Vec<&str> = lengths.iter().map(|length| length.trim_start_matches('0')).collect();
            if !lengths.iter().all(digits) || numbers.iter().any(|number| *number != numbers[0]) {
                return None;
            }
            let number = if numbers[0].is_empty() { "0" } else { numbers[0] };
            Extent::Length(number.parse::<i64>().ok()? as u64)
        }
    };
    let says = |word: &str| options.iter().any(|option| option == word);
    let goes = matches!(extent, Extent::Close | Extent::Tunnel) || says("close");
    const HOP_BY_HOP: [&str; 7] =
        ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];
    let end_to_end = found.iter().map(|(name, _)| name).filter(|name| {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        !HOP_BY_HOP.contains(&&*name) && !says(&name)
    });
    let end_to_end = end_to_end.cloned().collect();
    Some(Answer {
        len,
        status,
        reason: reason.to_vec(),
        version,
        extent,
        persistent: !goes && (version == Version::Http11 || says("keep-alive")),
        lines: found,
        end_to_end,
    })
}
