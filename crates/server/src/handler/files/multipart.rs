//! Several parts of a file in one answer: `multipart/byteranges` (RFC 9110 §14.6).
//!
//! Rule: the length is the sum of what is written, head by head, so it is known before the first byte is.

/// The most parts in one answer: a client gets no more out of a request than it could out of this many.
pub const MOST_PARTS: usize = 16;

/// The framing of an answer that has several parts of one file.
///
/// It is written as `head` and bytes of each part in turn, then `end`.
#[derive(Debug)]
pub struct Multipart {
    boundary: String,
    parts: Vec<Part>,
    content_length: u64,
}

/// One part: a head to be written, then the file's bytes `first..=last`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// What precedes the bytes: the delimiter, the fields, an empty line.
    pub head: String,
    /// The first byte's offset in the file.
    pub first: u64,
    /// The last byte's.
    pub last: u64,
}

impl Multipart {
    /// Frames `ranges` (first and last byte, both included) of a file of `total` bytes, in the order given.
    ///
    /// `content_type` is the file's own, if it is known. The boundary is made from `seed`, which must be random, and not
    /// to be foreseen by whoever can write the file: 128 bits that the content does not contain.
    ///
    /// `None` without a range, with more than [`MOST_PARTS`], with one that is not within the file, or when the length
    /// does not fit 64 bits.
    pub fn new(total: u64, content_type: Option<&str>, ranges: &[(u64, u64)], seed: u128) -> Option<Multipart> {
        if ranges.is_empty() || ranges.len() > MOST_PARTS {
            return None;
        }
        // 32 characters, none of which would make the parameter a quoted string (RFC 2046 §5.1.1: 70 at most).
        let boundary = format!("{seed:032x}");
        let mut parts = Vec::with_capacity(ranges.len());
        let mut content_length = 0u64;
        // RFC 2046 §5.1.1: the line break before a delimiter belongs to it; before the first there is nothing to break.
        let mut line_break = "";
        for &(first, last) in ranges {
            if first > last || last >= total {
                return None;
            }
            let mut head = format!("{line_break}--{boundary}\r\n");
            if let Some(content_type) = content_type {
                head += &format!("Content-Type: {content_type}\r\n");
            }
            // RFC 9110 §14.6: each part has its Content-Range; the answer's own head has none (§15.3.7.2).
            head += &format!("Content-Range: bytes {first}-{last}/{total}\r\n\r\n");
            content_length =
                content_length.checked_add(head.len() as u64)?.checked_add(last - first)?.checked_add(1)?;
            parts.push(Part { head, first, last });
            line_break = "\r\n";
        }
        let mut framing = Multipart { boundary, parts, content_length };
        framing.content_length = content_length.checked_add(framing.end().len() as u64)?;
        Some(framing)
    }

    /// The answer's `Content-Type`.
    pub fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// The answer's `Content-Length`: all heads, all bytes, the end.
    pub fn content_length(&self) -> u64 {
        self.content_length
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What follows the last part's bytes.
    pub fn end(&self) -> String {
        format!("\r\n--{}--\r\n", self.boundary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u128 = 0x0123_4567_89ab_cdef_0000_0000_0000_0042;

    fn file(total: u64) -> Vec<u8> {
        // Full of line breaks and dashes.
        b"\r\n--0123\r\n\r\n".iter().copied().cycle().take(total as usize).collect()
    }

    fn written(framing: &Multipart, file: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        for part in framing.parts() {
            content.extend_from_slice(part.head.as_bytes());
            content.extend_from_slice(&file[part.first as usize..=part.last as usize]);
        }
        content.extend_from_slice(framing.end().as_bytes());
        content
    }

    type Fields = Vec<(String, String)>;

    /// Reads a multipart body by RFC 2046 §5.1.1 alone: the fields (names in lower case) and bytes of each part.
    fn parsed(content_type: &str, content: &[u8]) -> Vec<(Fields, Vec<u8>)> {
        let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
        assert!((24..=70).contains(&boundary.len()) && boundary.bytes().all(|b| b.is_ascii_alphanumeric()));
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|window| window == what);
        let mut rest = content.strip_prefix(&delimiter[2..]).expect("begins with the delimiter");
        let mut parts = Vec::new();
        while !rest.starts_with(b"--") {
            rest = rest.strip_prefix(b"\r\n").expect("the delimiter's line ends");
            let head_end = find(rest, b"\r\n\r\n").expect("the head ends");
            let head = std::str::from_utf8(&rest[..head_end]).unwrap();
            let fields = head
                .split("\r\n")
                .map(|line| {
                    let (name, value) = line.split_once(':').expect("a field");
                    (name.to_ascii_lowercase(), value.trim().to_owned())
                })
                .collect();
            rest = &rest[head_end + 4..];
            let end = find(rest, &delimiter).expect("the part ends");
            parts.push((fields, rest[..end].to_vec()));
            rest = &rest[end + delimiter.len()..];
        }
        assert_eq!(rest, b"--\r\n");
        parts
    }

    #[test]
    fn what_is_framed_can_be_parsed_and_is_as_long_as_was_said() {
        let sixteen: Vec<(u64, u64)> = (0..16).map(|i| (i * 10, i * 10 + i)).collect();
        for (total, content_type, ranges) in [
            (1, None, &[(0, 0)][..]),
            (1_000, Some("text/plain; charset=utf-8"), &[(0, 0), (999, 999)]),
            (1_000, Some("application/octet-stream"), &[(500, 999), (0, 499), (0, 999)]),
            (1_000, None, &[(9, 9), (10, 10), (99, 100)]),
            (1_000, Some("image/png"), &sixteen),
        ] {
            let file = file(total);
            let framing = Multipart::new(total, content_type, ranges, SEED).unwrap();
            let content = written(&framing, &file);
            assert_eq!(content.len() as u64, framing.content_length(), "{ranges:?}");
            let parts = parsed(&framing.content_type(), &content);
            assert_eq!(parts.len(), ranges.len());
            for ((fields, bytes), (first, last)) in parts.iter().zip(ranges) {
                let field = |name| fields.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str());
                assert_eq!(field("content-type"), content_type);
                assert_eq!(field("content-range"), Some(&*format!("bytes {first}-{last}/{total}")));
                assert_eq!(fields.len(), 1 + usize::from(content_type.is_some()));
                assert_eq!(bytes, &file[*first as usize..=*last as usize]);
            }
        }
    }

    #[test]
    fn the_boundary_is_the_seed_s_alone() {
        let content_type = |seed| Multipart::new(10, None, &[(0, 1), (3, 4)], seed).unwrap().content_type();
        assert_eq!(content_type(1), content_type(1));
        assert_ne!(content_type(1), content_type(2));
        assert!(content_type(0).ends_with(&format!("={}", "0".repeat(32))), "leading zeros count");
    }

    #[test]
    fn what_cannot_be_framed_is_refused() {
        for (total, ranges) in [
            (10, &[][..]),
            (10, &[(0, 0); 17]),
            (10, &[(5, 4)]),
            (10, &[(0, 10)]),
            (10, &[(0, 1), (10, 10)]),
            (0, &[(0, 0)]),
            (u64::MAX, &[(0, u64::MAX - 1), (0, u64::MAX - 1)]),
            // The bytes fit, the framing does not.
            (u64::MAX, &[(0, u64::MAX - 100)]),
        ] {
            assert!(Multipart::new(total, None, ranges, SEED).is_none(), "{total} {ranges:?}");
        }
        assert!(Multipart::new(10, None, &[(0, 0); MOST_PARTS], SEED).is_some());
    }

    #[test]
    fn lengths_beyond_the_memory_are_exact() {
        let total = 1 << 62;
        let framing = Multipart::new(total, None, &[(0, total - 1), (1, total - 1)], SEED).unwrap();
        let heads: usize = framing.parts().iter().map(|part| part.head.len()).sum();
        assert_eq!(framing.content_length(), 2 * total - 1 + (heads + framing.end().len()) as u64);
    }
}
