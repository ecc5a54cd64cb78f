//! What nobody is to see: typed at a terminal that does not show it, or read from standard input that is none.

use crate::command::Failure;
use crate::screen;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{IsTerminal, Read, Stdin, stdin};

/// The most that is read.
const LONGEST: usize = 4096;

/// One line. `asked`: what a terminal shows before it. Of what is no terminal all is read, and the line break at its end is no
/// part of it.
pub(crate) fn read(asked: &str) -> Result<String, Failure> {
    let input = stdin();
    let bytes = if input.is_terminal() { typed(&input, asked)? } else { piped(&input)? };
    String::from_utf8(bytes).map_err(|_| Failure::Wrong("what was given is not UTF-8".to_owned()))
}

/// Whether it is somebody who types.
pub(crate) fn is_typed() -> bool {
    stdin().is_terminal()
}

fn piped(input: &Stdin) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = input.lock().take(LONGEST as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::Wrong(format!("standard input cannot be read: {error}")))?;
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    if bytes.len() > LONGEST {
        return Err(Failure::Wrong(format!("what was given is longer than {LONGEST} bytes")));
    }
    Ok(bytes)
}

/// A terminal that shows nothing, until this is dropped.
struct Unshown<'a> {
    terminal: &'a Stdin,
    before: Termios,
}

impl Unshown<'_> {
    /// Signals are off as well: one that ended the process would leave the terminal as it is now.
    fn new(terminal: &Stdin) -> rustix::io::Result<Unshown<'_>> {
        let before = tcgetattr(terminal)?;
        let mut now = before.clone();
        now.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(terminal, OptionalActions::Flush, &now)?;
        Ok(Unshown { terminal, before })
    }
}

impl Drop for Unshown<'_> {
    fn drop(&mut self) {
        // Nothing is left to be done about a terminal that does not take it.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
        screen::tell("");
    }
}

fn typed(terminal: &Stdin, asked: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::Wrong(format!("the terminal cannot be read: {error}"));
    let _unshown = Unshown::new(terminal).map_err(|error| failed(error.into()))?;
    screen::ask(asked);
    let mut line = Line::default();
    for byte in terminal.lock().bytes() {
        match line.take(byte.map_err(failed)?) {
            Typed::More => {}
            Typed::Done => return Ok(line.0),
            Typed::Stop => return Err(Failure::Wrong("stopped".to_owned())),
        }
    }
    Ok(line.0)
}

/// A line that is being typed, with the keys that a terminal would see to if it were not told otherwise.
#[derive(Default)]
struct Line(Vec<u8>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Typed {
    More,
    Done,
    Stop,
}

impl Line {
    fn take(&mut self, byte: u8) -> Typed {
        match byte {
            // Enter, and the end of input.
            b'\r' | b'\n' | 0x04 => return Typed::Done,
            // Control-C and Control-\.
            0x03 | 0x1c => return Typed::Stop,
            // Backspace takes a whole character of UTF-8, Control-U all.
            0x08 | 0x7f => while self.0.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            0x15 => self.0.clear(),
            _ if self.0.len() < LONGEST => self.0.push(byte),
            _ => {}
        }
        Typed::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_typed_as_at_any_terminal() {
        let cases: &[(&[u8], &str, Typed)] = &[
            (b"secret\r", "secret", Typed::Done),
            (b"secret\n", "secret", Typed::Done),
            (b"secret\x04", "secret", Typed::Done),
            (b"sek\x7fcret\n", "secret", Typed::Done),
            (b"\x7f\x08a\n", "a", Typed::Done),
            ("aé\u{7f}b\n".as_bytes(), "ab", Typed::Done),
            (b"wrong\x15right\n", "right", Typed::Done),
            (b"secret\x03", "secret", Typed::Stop),
            (b"secret\x1c", "secret", Typed::Stop),
            (b"secret", "secret", Typed::More),
        ];
        for (keys, text, end) in cases {
            let mut line = Line::default();
            let ended = keys.iter().map(|key| line.take(*key)).find(|typed| *typed != Typed::More);
            assert_eq!((line.0.as_slice(), ended.unwrap_or(Typed::More)), (text.as_bytes(), *end), "{keys:?}");
        }
    }

    #[test]
    fn a_line_has_an_end() {
        let mut line = Line::default();
        (0..2 * LONGEST).for_each(|_| assert_eq!(line.take(b'x'), Typed::More));
        assert_eq!(line.0.len(), LONGEST);
    }
}
