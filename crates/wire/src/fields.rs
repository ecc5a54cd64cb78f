//! The field lines of a head, with an index of the known ones: what requests and responses have alike (RFC 9112 §5).

use crate::framing;
use crate::head::Span;
use crate::name::Name;

/// A field line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// The name as it was written.
    pub name: Span,
    /// The value without the white space around it.
    pub value: Span,
    /// Which known name it is.
    pub known: Option<Name>,
}

/// The lines. They are never more than [`crate::Limits::MAX_LINES`]; after the first message they allocate nothing.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    lines: Vec<Line>,
    /// The number of a known name's first line; true where `present` has its bit.
    first: [u8; Name::COUNT],
    present: u64,
    repeated: u64,
}

impl Fields {
    /// None.
    pub(crate) fn new() -> Fields {
        Fields { lines: Vec::new(), first: [0; Name::COUNT], present: 0, repeated: 0 }
    }

    /// Forgets them.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.lines.clear();
        self.present = 0;
        self.repeated = 0;
    }

    /// The field lines in the order in which they came.
    #[inline]
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Whether there is a line of that name.
    #[inline]
    pub(crate) fn has(&self, name: Name) -> bool {
        self.present & name.bit() != 0
    }

    /// Whether there are several lines of that name.
    #[inline]
    pub(crate) fn repeated(&self, name: Name) -> bool {
        self.repeated & name.bit() != 0
    }

    /// The value of the first line of that name.
    #[inline]
    pub(crate) fn first(&self, name: Name) -> Option<Span> {
        self.has(name).then(|| self.lines[self.first[name as usize] as usize].value)
    }

    /// The values of all lines of that name, in order.
    #[inline]
    pub(crate) fn all(&self, name: Name) -> impl Iterator<Item = Span> + Clone {
        self.lines_of(name).map(|line| line.value)
    }

    #[inline]
    pub(crate) fn lines_of(&self, name: Name) -> impl Iterator<Item = &Line> + Clone {
        let lines = match (self.has(name), self.repeated(name)) {
            (false, _) => &[][..],
            (true, false) => &self.lines[self.first[name as usize] as usize..][..1],
            (true, true) => &self.lines[self.first[name as usize] as usize..],
        };
        lines.iter().filter(move |line| line.known == Some(name))
    }

    /// The lines that are not of the connection alone (RFC 9110 §7.6.1).
    pub(crate) fn end_to_end<'a>(&'a self, message: &'a [u8]) -> impl Iterator<Item = &'a Line> {
        let named = self.has(Name::Connection);
        self.lines.iter().filter(move |line| {
            let name = line.name.of(message);
            let is_named = || framing::options(self, message).any(|(option, _)| option.eq_ignore_ascii_case(name));
            let is_of_connection = line.known.is_some_and(is_hop_by_hop) || named && is_named();
            !is_of_connection
        })
    }

    /// Whether there is a line of any of these names.
    #[inline]
    pub(crate) fn has_any(&self, names: u64) -> bool {
        self.present & names != 0
    }

    /// Adds a field line. There are never more than [`Limits::MAX_LINES`].
    #[inline]
    pub(crate) fn push(&mut self, name: Span, value: Span, known: Option<Name>) {
        if let Some(known) = known {
            let bit = known.bit();
            if self.present & bit == 0 {
                self.present |= bit;
                self.first[known as usize] = self.lines.len() as u8;
            } else {
                self.repeated |= bit;
            }
        }
        self.lines.push(Line { name, value, known });
    }
}

/// Fields of one connection, which are not passed on (RFC 9110 §7.6.1), whatever `Connection` names. `Trailer` is among them
/// because what follows the content is decided where it is sent.
pub(crate) fn is_hop_by_hop(name: Name) -> bool {
    matches!(
        name,
        Name::Connection
            | Name::KeepAlive
            | Name::ProxyConnection
            | Name::Te
            | Name::Trailer
            | Name::TransferEncoding
            | Name::Upgrade
    )
}
