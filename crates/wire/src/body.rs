//! The content of a message: found between its framing, never copied (RFC 9112 §6 and §7).
//!
//! How much content a request may have is the caller's to say; what may stand around it is bounded here.

use verdict_core::cause::Malformed;

use crate::byte;
use crate::head::{Fault, Framing};

/// Bytes of extensions after one chunk's size. RFC 9112 §7.1.1 asks for a limit.
const MAX_EXTENSION: u32 = 256;
/// Bytes of extensions in one message.
const MAX_EXTENSIONS: u32 = 16 << 10;
/// Digits of a chunk's size, leading zeros too.
const MAX_DIGITS: u8 = 16;
/// The largest chunk.
const MAX_CHUNK: u64 = 1 << 60;
/// The most content that a message may declare.
const MAX_CONTENT: u64 = i64::MAX as u64;
/// Bytes of the trailer section.
const MAX_TRAILERS: u32 = 8 << 10;

/// What a stretch of input is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece {
    /// Content is `input[skip..skip + len]`, and `len` is not 0; `skip + len` bytes are consumed.
    Data {
        /// Bytes of framing before the content.
        skip: usize,
        /// Bytes of content.
        len: usize,
    },
    /// More input is needed; so many bytes, which is all of it, are consumed.
    More {
        /// Bytes of framing.
        consumed: usize,
    },
    /// The message is over; so many bytes are consumed, and the next message follows.
    End {
        /// Bytes of framing.
        consumed: usize,
    },
}

/// A decoder of content. It is fed what has not been consumed, until it says `End`; any split gives the same content.
#[derive(Clone, Debug)]
pub struct Body {
    state: State,
    /// Input consumed.
    read: u64,
    /// Content found.
    received: u64,
    /// Extension bytes of this chunk, and of all.
    extension: u32,
    extensions: u32,
    trailers: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// So many bytes are left of a message with a length.
    Length(u64),
    /// In a chunk's size.
    Size {
        digits: u8,
        size: u64,
    },
    /// In a chunk's extensions.
    Extension {
        size: u64,
        place: Extension,
    },
    /// After the CR of a chunk's first line.
    SizeLf {
        size: u64,
    },
    /// So many bytes are left of a chunk.
    Data(u64),
    /// At the CR after a chunk's data.
    DataCr,
    /// At its LF.
    DataLf,
    /// In the trailer section.
    Trailer(Trailer),
    /// All that comes, until the connection ends.
    Close,
    Done,
    Failed(Fault),
}

/// A place in `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )` (RFC 9112 §7.1.1).
#[derive(Clone, Copy, Debug)]
enum Extension {
    BeforeSemicolon,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Value,
    Quoted,
    Escaped,
    AfterQuoted,
}

/// A place in `*( field-line CRLF ) CRLF` (RFC 9112 §7.1.2).
#[derive(Clone, Copy, Debug)]
enum Trailer {
    LineStart,
    Name,
    Value,
    LineLf,
    LastLf,
}

impl Body {
    /// The decoder of content with that framing.
    pub fn new(framing: Framing) -> Body {
        let state = match framing {
            Framing::None => State::Done,
            Framing::Length(length) => State::Length(length).settled(),
            Framing::Chunked => State::Size { digits: 0, size: 0 },
        };
        Body { state, read: 0, received: 0, extension: 0, extensions: 0, trailers: 0 }
    }

    /// The decoder of a response's content that ends with the connection (RFC 9112 §6.3). It is never done: the caller sees
    /// the end.
    pub fn until_close() -> Body {
        Body { state: State::Close, ..Body::new(Framing::None) }
    }

    /// What `input` begins with. A fault is final, and its offset counts from the start of the content.
    pub fn decode(&mut self, input: &[u8]) -> Result<Piece, Fault> {
        let mut at = 0;
        loop {
            match self.state {
                State::Done => return Ok(Piece::End { consumed: self.consumed(at) }),
                State::Failed(fault) => return Err(fault),
                _ if at == input.len() => return Ok(Piece::More { consumed: self.consumed(at) }),
                State::Length(left) => {
                    let len = left.min((input.len() - at) as u64);
                    self.state = State::Length(left - len).settled();
                    return Ok(self.data(at, len));
                }
                State::Close => return Ok(self.data(at, (input.len() - at) as u64)),
                State::Data(left) => {
                    let len = left.min((input.len() - at) as u64);
                    self.state = if left == len { State::DataCr } else { State::Data(left - len) };
                    return Ok(self.data(at, len));
                }
                _ => match self.step(input[at]) {
                    Ok(state) => {
                        self.state = state;
                        at += 1;
                    }
                    Err((cause, back)) => {
                        let fault = Fault { cause, at: (self.read as usize).saturating_add(at) - back };
                        self.state = State::Failed(fault);
                        return Err(fault);
                    }
                },
            }
        }
    }

    /// Bytes of content that are still to come, where the message says so.
    pub fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            State::Done => Some(0),
            _ => None,
        }
    }

    /// Whether content is whole if the connection ends now: RFC 9112 §8 calls any other incomplete.
    pub fn is_whole_at_the_end(&self) -> bool {
        matches!(self.state, State::Done | State::Close)
    }

    /// Whether the message is over.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Bytes of the trailer section that have come, the empty line at its end included. They are the last of those that a call
    /// has consumed.
    pub fn trailers(&self) -> usize {
        self.trailers as usize
    }

    /// Bytes of content found so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    fn consumed(&mut self, count: usize) -> usize {
        self.read += count as u64;
        count
    }

    /// `len` is not more than what is left of the input.
    fn data(&mut self, skip: usize, len: u64) -> Piece {
        self.read += skip as u64 + len;
        self.received += len;
        Piece::Data { skip, len: len as usize }
    }

    /// The state after a byte of framing; or what is wrong, and how many bytes before this one.
    fn step(&mut self, b: u8) -> Result<State, (Malformed, usize)> {
        match self.state {
            State::Size { digits, size } => self.size(digits, size, b),
            State::Extension { size, place } => self.extension(size, place, b),
            State::SizeLf { .. } if b != b'\n' => Err((Malformed::BareCr, 1)),
            State::SizeLf { size: 0 } => Ok(State::Trailer(Trailer::LineStart)),
            State::SizeLf { size } => Ok(State::Data(size)),
            State::DataCr if b == b'\r' => Ok(State::DataLf),
            State::DataLf if b == b'\n' => Ok(State::Size { digits: 0, size: 0 }),
            State::DataCr | State::DataLf => Err((Malformed::ChunkEnd, 0)),
            State::Trailer(place) => self.trailer(place, b).ok_or((Malformed::Trailer, 0)),
            state @ (State::Length(_) | State::Data(_) | State::Close | State::Done | State::Failed(_)) => Ok(state),
        }
    }

    /// `1*HEXDIG` (RFC 9112 §7.1), bounded in digits and in value.
    fn size(&mut self, digits: u8, size: u64, b: u8) -> Result<State, (Malformed, usize)> {
        if let Some(digit) = byte::hex(b) {
            let size = size << 4 | u64::from(digit);
            // Sixteen digits fit; one that makes a size too large is refused before the next is looked at.
            if digits == MAX_DIGITS || size > MAX_CHUNK || size > MAX_CONTENT - self.received {
                return Err((Malformed::ChunkSize, 0));
            }
            return Ok(State::Size { digits: digits + 1, size });
        }
        if digits == 0 {
            return Err((Malformed::ChunkSize, 0));
        }
        self.extension = 0;
        match b {
            b'\r' => Ok(State::SizeLf { size }),
            b'\n' => Err((Malformed::BareLf, 0)),
            b';' | b' ' | b'\t' => self.extension(size, Extension::BeforeSemicolon, b),
            _ => Err((Malformed::ChunkSize, 0)),
        }
    }

    fn extension(&mut self, size: u64, place: Extension, b: u8) -> Result<State, (Malformed, usize)> {
        use Extension::*;
        let next = match (place, b) {
            (_, b'\n') => return Err((Malformed::BareLf, 0)),
            // RFC 9112 §7.1.1: BWS belongs to an extension, and none may be left over.
            (Name | Value | AfterQuoted, b'\r') => return Ok(State::SizeLf { size }),
            (Quoted, b'"') => AfterQuoted,
            (Quoted, b'\\') => Escaped,
            (Quoted | Escaped, b) if byte::is_value(b) => Quoted,
            (BeforeSemicolon | Name | AfterName | Value | AfterQuoted, b';') => BeforeName,
            (Name | AfterName, b'=') => BeforeValue,
            (BeforeValue, b'"') => Quoted,
            (BeforeSemicolon | BeforeName | AfterName | BeforeValue, b' ' | b'\t') => place,
            (Name, b' ' | b'\t') => AfterName,
            (Value | AfterQuoted, b' ' | b'\t') => BeforeSemicolon,
            (BeforeName | Name, b) if byte::is_token(b) => Name,
            (BeforeValue | Value, b) if byte::is_token(b) => Value,
            _ => return Err((Malformed::ChunkExtension, 0)),
        };
        self.extension += 1;
        self.extensions += 1;
        if self.extension > MAX_EXTENSION || self.extensions > MAX_EXTENSIONS {
            return Err((Malformed::ChunkExtension, 0));
        }
        Ok(State::Extension { size, place: next })
    }

    /// Trailer fields are checked like those of a head. Who wants them takes them from what was consumed; others drop them, as
    /// RFC 9110 §6.5.1 lets a recipient.
    fn trailer(&mut self, place: Trailer, b: u8) -> Option<State> {
        self.trailers += 1;
        if self.trailers > MAX_TRAILERS {
            return None;
        }
        let next = match (place, b) {
            (Trailer::LineStart, b'\r') => Trailer::LastLf,
            (Trailer::LastLf, b'\n') => return Some(State::Done),
            (Trailer::LineStart | Trailer::Name, b) if byte::is_token(b) => Trailer::Name,
            (Trailer::Name, b':') => Trailer::Value,
            (Trailer::Value, b'\r') => Trailer::LineLf,
            (Trailer::Value, b) if byte::is_value(b) => Trailer::Value,
            (Trailer::LineLf, b'\n') => Trailer::LineStart,
            _ => return None,
        };
        Some(State::Trailer(next))
    }
}

impl State {
    /// A length of which nothing is left is over.
    fn settled(self) -> State {
        match self {
            State::Length(0) => State::Done,
            state => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` in parts of at most `part` bytes, as a caller does that keeps nothing: the content, what is left over,
    /// and whether the message ended.
    fn read(framing: Framing, input: &[u8], part: usize) -> Result<(Vec<u8>, usize, bool), Fault> {
        let (mut body, mut content, mut at) = (Body::new(framing), Vec::new(), 0);
        loop {
            let end = (at + part).min(input.len());
            let trailers = body.trailers();
            let piece = body.decode(&input[at..end])?;
            // Nothing of the content stands behind the first of them.
            let trailers = body.trailers() - trailers;
            match piece {
                Piece::Data { .. } => assert_eq!(trailers, 0),
                Piece::More { consumed } | Piece::End { consumed } => assert!(trailers <= consumed),
            }
            match piece {
                Piece::Data { skip, len } => {
                    assert!(len > 0);
                    content.extend_from_slice(&input[at + skip..at + skip + len]);
                    at += skip + len;
                }
                Piece::More { consumed } => {
                    assert_eq!(at + consumed, end);
                    at = end;
                    if at == input.len() {
                        return Ok((content, 0, false));
                    }
                }
                Piece::End { consumed } => {
                    assert!(body.is_done());
                    return Ok((content, input.len() - at - consumed, true));
                }
            }
        }
    }

    fn every_part(framing: Framing, input: &[u8], expected: Result<(&[u8], usize, bool), (Malformed, usize)>) {
        for part in [1, 2, 3, 7, input.len().max(1)] {
            let found = read(framing, input, part);
            let found = found.as_ref().map(|(c, left, done)| (&c[..], *left, *done)).map_err(|f| (f.cause, f.at));
            assert_eq!(found, expected, "{} in parts of {part}", input.escape_ascii());
        }
    }

    #[test]
    fn content_ends_where_its_framing_says() {
        for (framing, input, content, left, done) in [
            (Framing::None, "GET", "", 3, true),
            (Framing::Length(0), "GET", "", 3, true),
            (Framing::Length(5), "helloGET", "hello", 3, true),
            (Framing::Length(5), "hel", "hel", 0, false),
            (Framing::Chunked, "0\r\n\r\nGET", "", 3, true),
            (Framing::Chunked, "5\r\nhello\r\n0\r\n\r\nGET", "hello", 3, true),
            (Framing::Chunked, "5\r\nhello\r\n6\r\n world\r\n000\r\n\r\n", "hello world", 0, true),
            (Framing::Chunked, "0000000000000005\r\nhello\r\n0\r\n\r\n", "hello", 0, true),
            (Framing::Chunked, "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", 0, true),
            (Framing::Chunked, "2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0, true),
            (Framing::Chunked, "1;a\r\nx\r\n0;b=c ; d = \"e;\\\"\" \t;f\r\n\r\n", "x", 0, true),
            (Framing::Chunked, "1 ;a\r\nx\r\n0\r\n\r\n", "x", 0, true),
            (Framing::Chunked, "0\r\nA: b\r\nC:\r\n\r\nGET", "", 3, true),
            (Framing::Chunked, "5\r\nhel", "hel", 0, false),
            (Framing::Chunked, "5\r\nhello\r\n0\r\n\r", "hello", 0, false),
            (Framing::Chunked, "", "", 0, false),
        ] {
            every_part(framing, input.as_bytes(), Ok((content.as_bytes(), left, done)));
        }
    }

    #[test]
    fn a_fault_is_named_with_its_offset() {
        use Malformed::*;
        for (input, cause, at) in [
            ("\r\n", ChunkSize, 0),
            ("\n", ChunkSize, 0),
            (";a\r\n", ChunkSize, 0),
            (" 5\r\n", ChunkSize, 0),
            ("+5\r\n", ChunkSize, 0),
            ("-1\r\n", ChunkSize, 0),
            ("0x5\r\n", ChunkSize, 1),
            ("5_0\r\n", ChunkSize, 1),
            ("g\r\n", ChunkSize, 0),
            ("1\0\r\n", ChunkSize, 1),
            ("00000000000000005\r\n", ChunkSize, 16),
            ("1000000000000001\r\n", ChunkSize, 15),
            ("FFFFFFFFFFFFFFFF\r\n", ChunkSize, 15),
            ("10000000000000000\r\n", ChunkSize, 16),
            ("5\nhello", BareLf, 1),
            ("5\rhello", BareCr, 1),
            ("5\r\r\nhello", BareCr, 1),
            ("5;a\nhello", BareLf, 3),
            ("5;a\rb\r\n", BareCr, 3),
            ("5;a=\"\n\"\r\n", BareLf, 5),
            ("5 \r\nhello", ChunkExtension, 2),
            ("5 5\r\nhello", ChunkExtension, 2),
            ("5;\r\n", ChunkExtension, 2),
            ("5;a;\r\n", ChunkExtension, 4),
            ("5;a=\r\n", ChunkExtension, 4),
            ("5;a=\"b\r\n", ChunkExtension, 6),
            ("5;a=\"b\"c\r\n", ChunkExtension, 7),
            ("5;a \r\n", ChunkExtension, 4),
            ("5;\0\r\n", ChunkExtension, 2),
            ("5;a=\x7f\r\n", ChunkExtension, 4),
            ("5\r\nhello0\r\n", ChunkEnd, 8),
            ("5\r\nhello\n", ChunkEnd, 8),
            ("5\r\nhello\r\r\n", ChunkEnd, 9),
            ("5\r\nhello!\r\n", ChunkEnd, 8),
            ("0\r\nA\r\n\r\n", Trailer, 4),
            ("0\r\n: b\r\n\r\n", Trailer, 3),
            ("0\r\n A: b\r\n\r\n", Trailer, 3),
            ("0\r\nA : b\r\n\r\n", Trailer, 4),
            ("0\r\nA: b\n\r\n", Trailer, 7),
            ("0\r\nA: b\rc\r\n", Trailer, 8),
            ("0\r\nA: \0\r\n", Trailer, 6),
            ("0\r\n\n", Trailer, 3),
            ("0\r\n\rGET", Trailer, 4),
            ("0\r\nGET / HTTP/1.1\r\n", Trailer, 6),
        ] {
            every_part(Framing::Chunked, input.as_bytes(), Err((cause, at)));
        }
    }

    #[test]
    fn what_stands_around_content_is_bounded() {
        let extension = |n: usize| format!("1;{}\r\nx\r\n", "a".repeat(n - 1));
        let trailer = |n: usize| format!("0\r\nA:{}\r\n\r\n", "b".repeat(n - 6));
        let ok = |input: String| read(Framing::Chunked, input.as_bytes(), 4096).map(|(content, ..)| content.len());
        let fault = |cause, at| Err(Fault { cause, at });
        assert_eq!(ok(extension(256)), Ok(1));
        assert_eq!(ok(extension(257)), fault(Malformed::ChunkExtension, 257));
        assert_eq!(ok(extension(256).repeat(64)), Ok(64));
        assert_eq!(ok(extension(256).repeat(64) + &extension(2)), fault(Malformed::ChunkExtension, 64 * 262 + 1));
        assert_eq!(ok(trailer(8192)), Ok(0));
        assert_eq!(ok(trailer(8193)), fault(Malformed::Trailer, 3 + 8192));
    }

    #[test]
    fn the_sum_of_all_chunks_fits_the_counter() {
        let mut body = Body::new(Framing::Chunked);
        body.received = MAX_CONTENT - 0x10;
        assert_eq!(body.decode(b"10\r\n"), Ok(Piece::More { consumed: 4 }));
        let mut body = Body::new(Framing::Chunked);
        body.received = MAX_CONTENT - 0x10;
        assert_eq!(body.decode(b"11\r\n"), Err(Fault { cause: Malformed::ChunkSize, at: 1 }));
    }

    #[test]
    fn a_fault_is_final_and_what_remains_is_known_with_a_length() {
        let mut body = Body::new(Framing::Chunked);
        let fault = body.decode(b"x").unwrap_err();
        assert_eq!(body.decode(b"0\r\n\r\n"), Err(fault));

        let mut body = Body::new(Framing::Length(5));
        assert_eq!((body.remaining(), body.received()), (Some(5), 0));
        assert_eq!(body.decode(b"abc"), Ok(Piece::Data { skip: 0, len: 3 }));
        assert_eq!((body.remaining(), body.received(), body.is_done()), (Some(2), 3, false));
        assert_eq!(body.decode(b"defg"), Ok(Piece::Data { skip: 0, len: 2 }));
        assert_eq!((body.remaining(), body.received(), body.is_done()), (Some(0), 5, true));
        assert_eq!(Body::new(Framing::Chunked).remaining(), None);
    }
}
