//! Reads a file of cases.

/// What a file has.
#[derive(Default)]
pub(super) struct Read {
    pub(super) config: String,
    pub(super) files: Vec<File>,
    pub(super) cases: Vec<Case>,
}

/// A file below `public`.
pub(super) enum File {
    Text { name: String, text: Vec<u8> },
    Link { name: String, to: String },
    Unreadable(String),
    Pipe(String),
}

/// A request, and the answer that it gets.
pub(super) struct Case {
    pub(super) title: String,
    pub(super) status: u16,
    pub(super) reason: String,
    /// The reason of what is told before.
    pub(super) interim: Option<String>,
    text: String,
}

pub(super) fn read(text: &str) -> Read {
    let mut read = Read::default();
    // Before the first heading stands what the file is about.
    for section in format!("\n{text}").split("\n--- ").skip(1) {
        let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
        let text = text.trim_end_matches('\n');
        match heading.split_once(' ').unwrap_or((heading, "")) {
            ("config", _) => read.config = format!("{text}\n"),
            ("file", name) => {
                read.files.push(File::Text { name: name.to_owned(), text: bytes(text, &|_| String::new()) });
            }
            ("unreadable", name) => read.files.push(File::Unreadable(name.to_owned())),
            ("pipe", name) => read.files.push(File::Pipe(name.to_owned())),
            ("link", names) => {
                let (name, to) = names.split_once(" -> ").unwrap_or_else(|| panic!("--- link {names}"));
                read.files.push(File::Link { name: name.to_owned(), to: to.to_owned() });
            }
            (status, rest) => read.cases.push(case(status, rest, text)),
        }
    }
    read
}

/// `200 served: TITLE`, or `200 served after 103 hinted: TITLE`.
fn case(status: &str, rest: &str, text: &str) -> Case {
    let (answer, title) = rest.split_once(": ").unwrap_or_else(|| panic!("--- {status} {rest}: no title"));
    let (reason, before) =
        answer.split_once(" after ").map_or((answer, None), |(reason, before)| (reason, Some(before)));
    Case {
        title: title.to_owned(),
        status: status.parse().unwrap_or_else(|_| panic!("--- {status}: no status")),
        reason: reason.to_owned(),
        interim: before.and_then(|before| before.split_once(' ')).map(|(_, reason)| reason.to_owned()),
        text: text.to_owned(),
    }
}

impl Case {
    /// The bytes of the request; `tag` knows the current tag of a path.
    pub(super) fn message(&self, tag: impl Fn(&str) -> String) -> Vec<u8> {
        let mut sent = String::new();
        let mut has_content = false;
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let last = lines.peek().is_none();
            match line.strip_suffix('\\') {
                Some(line) => sent += line,
                None if last && has_content => sent += line,
                None if last => sent += &format!("{line}\\r\\n\\r\\n"),
                None => sent += &format!("{line}\\r\\n"),
            }
            has_content |= line.is_empty();
        }
        bytes(&sent, &tag)
    }
}

/// The bytes that a text stands for.
fn bytes(text: &str, tag: &dyn Fn(&str) -> String) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '{']) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        if let Some(inside) = rest.strip_prefix('{') {
            let (inside, after) = inside.split_once('}').unwrap_or_else(|| panic!("no `}}`: {text}"));
            match (inside.strip_prefix("etag "), inside.split_once('*')) {
                (Some(path), _) => out.extend(tag(path).bytes()),
                (None, Some((count, what))) => {
                    out.extend(bytes(what, tag).repeat(count.parse().expect("a count")));
                }
                _ => panic!("{{{inside}}}"),
            }
            rest = after;
            continue;
        }
        let (byte, length) = match &rest.as_bytes()[1..] {
            [b'r', ..] => (b'\r', 2),
            [b'n', ..] => (b'\n', 2),
            [b'0', ..] => (0, 2),
            [b'x', ..] => (u8::from_str_radix(&rest[2..4], 16).expect("two digits"), 4),
            _ => panic!("an escape: {rest}"),
        };
        out.push(byte);
        rest = &rest[length..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

#[test]
fn a_request_is_read_as_it_is_sent() {
    let cases = [
        ("GET / HTTP/1.1\nHost: a", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("PUT / HTTP/1.1\nHost: a\n\nabc", "PUT / HTTP/1.1\r\nHost: a\r\n\r\nabc"),
        ("PUT / HTTP/1.1\nHost: a\n\n0\\r\\n\\", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n0\r\n"),
        ("GET / HTTP/1.1\nHo\\", "GET / HTTP/1.1\r\nHo"),
        ("\\r\\n\\\nGET / HTTP/1.1", "\r\nGET / HTTP/1.1\r\n\r\n"),
        ("A: {3*b}{2*\\n}\\0\\x41\nIf-Match: {etag /x}", "A: bbb\n\n\0A\r\nIf-Match: [/x]\r\n\r\n"),
    ];
    for (text, sent) in cases {
        let case = case("200", "served: a title", text);
        assert_eq!(String::from_utf8_lossy(&case.message(|path| format!("[{path}]"))), sent, "{text}");
    }
}
