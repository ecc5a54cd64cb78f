//! One answer as it is kept: numbers first, then texts of whose lengths the numbers tell, the request's head last.

use super::put_head;
use super::ring::{BYTES, Ring};
use crate::handler::proxy::Journey;
use crate::maintenance::Until;
use crate::representation::Representation;
use crate::serve::{Passed, Remark};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;
use verdict_core::field::date::HttpDate;
use verdict_core::path::Verdict;
use verdict_core::reason::{CATALOGUE, Reason};
use verdict_wire::{Close, Head, Version};

/// How much is kept of each text at most.
const LONGEST_ID: usize = 128;
const LONGEST_NAME: usize = 48;
const LONGEST_EVIDENCE: usize = 120;
const LONGEST_SENTENCE: usize = 200;

/// Stands for a number that there is none of.
const NONE_16: u16 = u16::MAX;
const NONE_32: u32 = u32::MAX;
const NONE_64: i64 = i64::MIN;
/// Stands for a closing time that has no end.
const REOPENED: i64 = i64::MAX;

/// Where the texts begin, of which the id is the first; and how long all of them may be, so that the head has some room too.
const TEXTS: usize = 132;
const ROOM: usize = BYTES - TEXTS - 112;

/// What is so of an answer: bits.
const UNDERSTOOD: u8 = 1;
const GONE: u8 = 2;
const RATED: u8 = 4;
const FOUND: u8 = 8;
const RANGES: u8 = 16;
const CROSS_SITE: u8 = 32;
const CUT: u8 = 64;

/// One answer, as it was given.
pub(crate) struct Noted<'a> {
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) id: &'a [u8],
    pub(crate) client: IpAddr,
    pub(crate) verdict: Verdict,
    pub(crate) told: Option<Reason>,
    pub(crate) interim: Option<Reason>,
    pub(crate) route: Option<usize>,
    /// Which config it was decided by.
    pub(crate) config: u32,
    pub(crate) bytes: u64,
    /// Of the head, the decision and the sending.
    pub(crate) times: Option<[Duration; 3]>,
    pub(crate) at_byte: Option<usize>,
    pub(crate) close: Option<Close>,
    pub(crate) gone: bool,
    /// The head and the bytes that it is of; or of one that could not be read, what stood where method and target should.
    pub(crate) head: Asked<'a>,
    /// The target in the place of that of the head, where that has a secret.
    pub(crate) target: Option<&'a [u8]>,
    /// What was there.
    pub(crate) found: Option<&'a Representation>,
    pub(crate) passed: Option<&'a Passed>,
    pub(crate) remark: Option<&'a Remark>,
    pub(crate) journey: Option<&'a Journey>,
}

/// A head with its bytes; or a method and a target.
type Asked<'a> = Result<(&'a Head, &'a [u8]), (&'a [u8], &'a [u8])>;

/// Writes a record from its beginning.
pub(super) struct Pen<'a> {
    bytes: &'a mut [u8; BYTES],
    at: usize,
}

impl Pen<'_> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes[self.at..self.at + N].copy_from_slice(&bytes);
        self.at += N;
    }

    /// Appends as much of a text as there is room for; whether that was all.
    #[inline]
    pub(super) fn text(&mut self, text: &[u8]) -> bool {
        let room = BYTES - self.at;
        let fits = text.len() <= room;
        let text = if fits { text } else { &text[..room] };
        self.bytes[self.at..self.at + text.len()].copy_from_slice(text);
        self.at += text.len();
        fits
    }

    /// Appends a line behind another, or nothing if it has no room; whether it had.
    #[inline]
    pub(super) fn line(&mut self, sent: &[u8], behind: &[u8]) -> bool {
        let fits = 2 + sent.len() + behind.len() <= BYTES - self.at;
        if fits {
            self.put(*b"\r\n");
            self.text(sent);
            if !behind.is_empty() {
                self.text(behind);
            }
        }
        fits
    }
}

/// Writes it; how many bytes it has.
#[inline]
pub(super) fn put(noted: &Noted<'_>, bytes: &mut [u8; BYTES]) -> usize {
    let index = |reason: Option<Reason>| reason.map_or(NONE_16, |reason| reason.index() as u16);
    let mut flags = 0;
    flags |= if noted.head.is_ok() { UNDERSTOOD } else { 0 };
    flags |= if noted.gone { GONE } else { 0 };
    // Most answers have none of these.
    let (mut user, mut rated, mut closed) = (&b""[..], None, NONE_64);
    if let Some(passed) = noted.passed {
        user = passed.user().unwrap_or_default().as_bytes();
        rated = passed.rated();
        closed = match passed.closed() {
            Some(Until::Unix(second)) => second,
            Some(Until::Reopened) => REOPENED,
            None => NONE_64,
        };
        flags |= if rated.is_some() { RATED } else { 0 };
        flags |= if passed.is_cross_site() { CROSS_SITE } else { 0 };
    }
    let (mut size, mut modified, mut tag, mut media_type) = (0, NONE_64, &b""[..], &b""[..]);
    if let Some(found) = noted.found {
        let description = &found.description;
        flags |= FOUND | if description.ranges { RANGES } else { 0 };
        size = found.content.size();
        modified = description.last_modified.map_or(NONE_64, HttpDate::unix);
        tag = description.tag.as_deref().unwrap_or_default().as_bytes();
        media_type = description.media_type.as_bytes();
    }
    let (mut evidence, mut sentence) = (&b""[..], &b""[..]);
    if let Some(remark) = noted.remark {
        (evidence, sentence) = (remark.evidence.as_bytes(), remark.sentence.as_bytes());
    }
    let (mut member, mut failure) = (&b""[..], None);
    if let Some(journey) = noted.journey {
        (member, failure) = (journey.member_name().unwrap_or_default().as_bytes(), journey.failure());
    }
    let mut room = ROOM;
    let mut cut = |text: &'_ [u8], most: usize| {
        let length = text.len().min(most).min(room);
        room -= length;
        length
    };
    // The shorter ones first: what there is no room for is the end of many words.
    let lengths = [
        cut(noted.id, LONGEST_ID),
        cut(user, LONGEST_NAME),
        cut(tag, LONGEST_NAME),
        cut(media_type, LONGEST_NAME),
        cut(member, LONGEST_NAME),
        cut(evidence, LONGEST_EVIDENCE),
        cut(sentence, LONGEST_SENTENCE),
    ];
    let texts = [noted.id, user, tag, media_type, member, evidence, sentence];
    let mut pen = Pen { bytes, at: 0 };
    pen.put(noted.at.to_le_bytes());
    for number in noted.verdict.to_numbers() {
        pen.put(number.to_le_bytes());
    }
    let client = match noted.client {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    pen.put(client.octets());
    pen.put(noted.bytes.to_le_bytes());
    pen.put(size.to_le_bytes());
    pen.put(modified.to_le_bytes());
    pen.put(closed.to_le_bytes());
    let (remaining, limit) = rated.map_or((0, 0), |rated| (rated.remaining, rated.limit));
    for count in [remaining, limit] {
        pen.put(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }
    let times = noted.times.map_or([NONE_32; 3], |times| times.map(microseconds));
    for time in times {
        pen.put(time.to_le_bytes());
    }
    pen.put(noted.at_byte.map_or(NONE_32, |at| at as u32).to_le_bytes());
    let fields = noted.head.map_or(0, |(head, _)| head.len as u32 - head.target.end);
    pen.put(fields.to_le_bytes());
    pen.put(noted.config.to_le_bytes());
    pen.put(noted.route.map_or(NONE_16, |route| route as u16).to_le_bytes());
    pen.put(index(noted.told).to_le_bytes());
    pen.put(index(noted.interim).to_le_bytes());
    pen.put(index(failure).to_le_bytes());
    pen.put([noted.close.map_or(u8::MAX, |close| close as u8)]);
    let version = noted.head.map_or(Version::Http11, |(head, _)| head.version);
    pen.put([version as u8]);
    pen.put(lengths.map(|length| length as u8));
    // What is known last: the flags, and how long the head is.
    let last = pen.at;
    pen.put([0; 3]);
    debug_assert_eq!(pen.at, TEXTS);
    for (text, length) in texts.into_iter().zip(lengths) {
        if length > 0 {
            pen.text(&text[..length]);
        }
    }
    let begin = pen.at;
    let whole = match noted.head {
        Ok((head, bytes)) => put_head(head, bytes, noted.target, &mut pen),
        Err((method, target)) => pen.text(method) && pen.text(b" ") && pen.text(noted.target.unwrap_or(target)),
    };
    flags |= if whole { 0 } else { CUT };
    let end = pen.at;
    pen.at = last;
    pen.put([flags]);
    pen.put(((end - begin) as u16).to_le_bytes());
    end
}

fn microseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(NONE_32 - 1)
}

/// One answer, read back.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) at: u64,
    pub(crate) id: String,
    pub(crate) client: IpAddr,
    pub(crate) verdict: Verdict,
    pub(crate) told: Option<Reason>,
    pub(crate) interim: Option<Reason>,
    pub(crate) route: Option<usize>,
    pub(crate) config: u32,
    pub(crate) bytes: u64,
    /// Of the head, the decision and the sending, in microseconds; none of what was answered at once, unless there is a log.
    pub(crate) times: Option<[u32; 3]>,
    pub(crate) at_byte: Option<usize>,
    pub(crate) close: Option<Close>,
    pub(crate) version: Version,
    pub(crate) understood: bool,
    pub(crate) gone: bool,
    pub(crate) cross_site: bool,
    /// Whether something of the head had no room.
    pub(crate) cut: bool,
    pub(crate) found: Option<Found>,
    pub(crate) closed: Option<Until>,
    /// How many more there may be at once, and of how many.
    pub(crate) rated: Option<(u32, u32)>,
    pub(crate) user: Option<String>,
    /// What the decision rested on, and how its reason was told, where that cannot be made anew.
    pub(crate) evidence: String,
    pub(crate) sentence: String,
    /// The upstream that was asked last, and how that failed.
    pub(crate) member: Option<String>,
    pub(crate) failure: Option<Reason>,
    /// Bytes behind the target, in the head as it was sent.
    pub(crate) fields: u32,
    /// The request line and the fields that are kept, without the empty line at the end.
    pub(crate) head: Vec<u8>,
}

/// What was there.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) size: u64,
    pub(crate) last_modified: Option<HttpDate>,
    pub(crate) tag: Option<String>,
    pub(crate) media_type: String,
    pub(crate) ranges: bool,
}

/// Reads a record from its beginning.
struct Eye<'a>(&'a [u8]);

impl<'a> Eye<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn text(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn string(&mut self, length: u8) -> Option<String> {
        Some(String::from_utf8_lossy(self.text(length.into())?).into_owned())
    }

    fn reason(&mut self) -> Option<Option<Reason>> {
        let index = u16::from_le_bytes(self.take()?);
        Some(CATALOGUE.get(usize::from(index)).map(|entry| entry.reason))
    }
}

impl Recorded {
    /// The answer of this number; `None`: it is there no longer.
    pub(crate) fn read(ring: &Ring, number: u64) -> Option<Recorded> {
        Recorded::parse(&ring.read(number)?)
    }

    /// The same, if it has this id.
    pub(crate) fn read_if(ring: &Ring, number: u64, id: &str) -> Option<Recorded> {
        let bytes = ring.read(number)?;
        bytes[TEXTS..].starts_with(id.as_bytes()).then(|| Recorded::parse(&bytes))?.filter(|kept| kept.id == id)
    }

    fn parse(bytes: &[u8; BYTES]) -> Option<Recorded> {
        let mut eye = Eye(bytes);
        let at = u64::from_le_bytes(eye.take()?);
        let numbers = [eye.take()?, eye.take()?, eye.take()?].map(u64::from_le_bytes);
        let verdict = Verdict::from_numbers(numbers)?;
        let client = Ipv6Addr::from(eye.take::<16>()?).to_canonical();
        let content = u64::from_le_bytes(eye.take()?);
        let size = u64::from_le_bytes(eye.take()?);
        let modified = i64::from_le_bytes(eye.take()?);
        let closed = match i64::from_le_bytes(eye.take()?) {
            NONE_64 => None,
            REOPENED => Some(Until::Reopened),
            second => Some(Until::Unix(second)),
        };
        let rated = (u32::from_le_bytes(eye.take()?), u32::from_le_bytes(eye.take()?));
        let times = [eye.take()?, eye.take()?, eye.take()?].map(u32::from_le_bytes);
        let at_byte = u32::from_le_bytes(eye.take()?);
        let fields = u32::from_le_bytes(eye.take()?);
        let config = u32::from_le_bytes(eye.take()?);
        let route = u16::from_le_bytes(eye.take()?);
        let (told, interim, failure) = (eye.reason()?, eye.reason()?, eye.reason()?);
        let [close, version] = eye.take()?;
        let [id, user, tag, media_type, member, evidence, sentence] = eye.take()?;
        let [flags] = eye.take()?;
        let head = u16::from_le_bytes(eye.take()?);
        let is = |flag: u8| flags & flag != 0;
        let (id, user, tag) = (eye.string(id)?, eye.string(user)?, eye.string(tag)?);
        let (media_type, member) = (eye.string(media_type)?, eye.string(member)?);
        let (evidence, sentence) = (eye.string(evidence)?, eye.string(sentence)?);
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Some(Recorded {
            at,
            id,
            client,
            verdict,
            told,
            interim,
            route: (route != NONE_16).then_some(route.into()),
            config,
            bytes: content,
            times: (times[0] != NONE_32).then_some(times),
            at_byte: (at_byte != NONE_32).then_some(at_byte as usize),
            close: Close::ALL.get(usize::from(close)).copied(),
            version: match version {
                v if v == Version::Http10 as u8 => Version::Http10,
                v if v == Version::Http2 as u8 => Version::Http2,
                _ => Version::Http11,
            },
            understood: is(UNDERSTOOD),
            gone: is(GONE),
            cross_site: is(CROSS_SITE),
            cut: is(CUT),
            found: is(FOUND).then(|| Found {
                size,
                last_modified: (modified != NONE_64).then(|| HttpDate::from_unix(modified)),
                tag: given(tag),
                media_type,
                ranges: is(RANGES),
            }),
            closed,
            rated: is(RATED).then_some(rated),
            user: given(user),
            evidence,
            sentence,
            member: given(member),
            failure,
            fields,
            head: eye.text(head.into())?.to_vec(),
        })
    }

    /// The method and the target, as they were sent and as far as they are kept.
    pub(crate) fn asked(&self) -> (String, String) {
        let line = self.head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let (method, rest) = line.split_once(' ').unwrap_or((&line, ""));
        // A target that was understood has no spaces, and what stands behind it may be cut.
        let target = if self.understood { rest.split(' ').next().unwrap_or_default() } else { rest };
        (method.to_owned(), target.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use verdict_core::{Facts, decide};
    use verdict_wire::{Limits, Progress};

    fn noted<'a>(head: Asked<'a>, id: &'a [u8], remark: &'a Remark) -> Noted<'a> {
        Noted {
            at: 1_784_111_777_042,
            id,
            client: IpAddr::from([127, 0, 0, 1]),
            verdict: decide(&Facts::default()),
            told: None,
            interim: None,
            route: Some(3),
            config: 7,
            bytes: 5,
            times: Some([Duration::from_micros(1), Duration::from_secs(2), Duration::from_secs(1 << 40)]),
            at_byte: None,
            close: Some(Close::Upgraded),
            gone: false,
            head,
            target: None,
            found: None,
            passed: None,
            remark: Some(remark),
            journey: None,
        }
    }

    fn kept(noted: &Noted<'_>) -> (Box<[u8; BYTES]>, Recorded) {
        let mut bytes = Box::new([0; BYTES]);
        let length = put(noted, &mut bytes);
        assert!(length <= BYTES);
        let read = Recorded::parse(&bytes).expect("it can be read");
        (bytes, read)
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_again_however_long_it_is(
            id in "[!-~]{1,128}",
            evidence in ".{0,300}",
            sentence in ".{0,300}",
            target in "/[a-z]{0,600}",
            host in "[a-z.]{1,300}",
        ) {
            let message = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nIf-Match: \"x\"\r\n\r\n");
            let mut head = Head::new();
            prop_assert_eq!(head.parse(message.as_bytes(), &Limits::default()), Ok(Progress::Complete));
            let remark = Remark { evidence: evidence.clone(), sentence: sentence.clone() };
            let (_, read) = kept(&noted(Ok((&head, message.as_bytes())), id.as_bytes(), &remark));
            prop_assert_eq!(&read.id, &id);
            prop_assert_eq!((read.route, read.config, read.bytes, read.close), (Some(3), 7, 5, Some(Close::Upgraded)));
            prop_assert_eq!(read.times, Some([1, 2_000_000, NONE_32 - 1]));
            let (method, asked) = read.asked();
            prop_assert_eq!(method, "GET");
            let as_sent = target == asked || read.cut && target.starts_with(&asked);
            prop_assert!(as_sent, "{} {}", target, asked);
            let whole = evidence.len() <= LONGEST_EVIDENCE && id.len() + evidence.len() <= ROOM;
            prop_assert!(!whole || read.evidence == evidence, "{}", read.evidence);
        }
    }

    #[test]
    fn nothing_that_is_secret_is_kept() {
        let message =
            b"GET http://ann:s3cr3t@a/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cr3t\r\nCookie: s3cr3t=1\r\n\
                        Proxy-Authorization: Basic s3cr3t\r\nX-Api-Key: s3cr3t\r\nReferer: http://b/?s3cr3t\r\n\
                        Idempotency-Key: \"s3cr3t\"\r\nAccept: text/html\r\n\r\n";
        let mut head = Head::new();
        // The wire refuses such a target; whoever would keep it has it hidden.
        let _ = head.parse(message, &Limits::default());
        let plain: Vec<u8> = String::from_utf8_lossy(message).replace("http://ann:s3cr3t@a/x", "/x").into_bytes();
        assert_eq!(head.parse(&plain, &Limits::default()), Ok(Progress::Complete));
        let remark = Remark::default();
        let (bytes, read) = kept(&noted(Ok((&head, &plain)), b"an-id", &remark));
        let text = String::from_utf8_lossy(&bytes[..]).into_owned();
        assert!(!text.contains("s3cr3t") && !text.contains("X-Api-Key"), "{text}");
        let head = String::from_utf8(read.head).unwrap();
        assert_eq!(head, "GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: -\r\nAccept: text/html");
        let (_, read) = kept(&noted(Err((b"GET", b"http://(hidden)@a/")), b"an-id", &remark));
        assert_eq!(read.asked(), ("GET".to_owned(), "http://(hidden)@a/".to_owned()));
    }
}
