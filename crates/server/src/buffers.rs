//! What a connection has while it is at work, and gives back when it is not.

use verdict_wire::Head;

/// Buffers larger than this are not kept: one large head would be paid for ever after.
const SMALL: usize = 64 << 10;

/// How much room there is for what comes, at least.
const ROOM: usize = 1 << 10;

/// The bytes of one connection, in and out, and the head that they begin with.
pub(crate) struct Buffers {
    /// What has come; used up to `start`.
    pub(crate) input: Vec<u8>,
    pub(crate) start: usize,
    pub(crate) head: Head,
    /// Answers on their way.
    pub(crate) out: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Buffers {
        Buffers { input: Vec::with_capacity(4 << 10), start: 0, head: Head::new(), out: Vec::with_capacity(4 << 10) }
    }
}

impl Buffers {
    /// What has come and is not used up.
    #[inline]
    pub(crate) fn unused(&self) -> &[u8] {
        &self.input[self.start..]
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.input.clear();
        self.start = 0;
        self.head.clear();
        self.out.clear();
    }

    pub(crate) fn is_small(&self) -> bool {
        self.input.capacity() <= SMALL && self.out.capacity() <= SMALL
    }

    /// Uses up so many bytes.
    #[inline]
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        if self.start == self.input.len() {
            self.input.clear();
            self.start = 0;
        } else if self.start > SMALL {
            self.input.drain(..self.start);
            self.start = 0;
        }
    }

    /// Makes room for more to come.
    #[inline]
    pub(crate) fn make_room(&mut self) {
        if self.input.capacity() - self.input.len() < ROOM {
            self.input.reserve(4 * ROOM);
        }
    }
}
