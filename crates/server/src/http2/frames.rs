//! What frames a client sends, counted as they pass: some ask for nothing, and cost all the same.

use super::TURN;
use verdict_wire::Close;

/// How many frames that ask for nothing a client may send before it has earned more.
const MOST: i64 = 10_000;

/// What the connection's age, what it asks and what it is sent are worth.
const EARNED_BY_SECOND: i64 = 100;
const EARNED_BY_REQUEST: i64 = 4;
const BYTES_SENT_FOR_ONE: u64 = 1 << 10;

/// What it costs to take a request back: twice what it earned, so that who takes back each one is over soon.
const RESET: i64 = 8;

// RFC 9113 §6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;

/// Nine bytes before each frame's content (RFC 9113 §4.1).
const HEADER: usize = 9;

/// The frames of one client.
pub(super) struct Frames {
    header: [u8; HEADER],
    /// How much of the next frame's header has come.
    known: usize,
    /// How much of the preface or a frame's content is still to come.
    content: usize,
    last: u8,
    left: i64,
    /// Requests that have passed since they were last answered.
    asked: usize,
    /// Bytes sent for which nothing was earned yet.
    sent: u64,
}

impl Frames {
    /// Of a client that begins with a preface of so many bytes.
    pub(super) fn behind(preface: usize) -> Frames {
        Frames { header: [0; HEADER], known: 0, content: preface, last: DATA, left: MOST, asked: 0, sent: 0 }
    }

    /// Bytes that the client sent, in pieces of whatever size. Says how many pass: all, or those up to where there are
    /// requests enough.
    pub(super) fn see(&mut self, piece: &[u8]) -> usize {
        let mut bytes = piece;
        while !self.are_enough() {
            let passed = self.content.min(bytes.len());
            self.content -= passed;
            bytes = &bytes[passed..];
            if bytes.is_empty() {
                break;
            }
            let n = (HEADER - self.known).min(bytes.len());
            self.header[self.known..self.known + n].copy_from_slice(&bytes[..n]);
            self.known += n;
            bytes = &bytes[n..];
            if self.known == HEADER {
                self.known = 0;
                self.frame();
            }
        }
        piece.len() - bytes.len()
    }

    /// Whether there are as many requests as are answered in one turn.
    pub(super) fn are_enough(&self) -> bool {
        self.asked >= TURN
    }

    /// They are answered, as far as they can be at once; whether any were kept waiting for that.
    pub(super) fn read_on(&mut self) -> bool {
        let were_enough = self.are_enough();
        self.asked = 0;
        were_enough
    }

    fn frame(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.header;
        self.content = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        self.last = kind;
        self.asked += usize::from(kind == HEADERS);
        let earned = match kind {
            DATA if self.content > 0 || flags & 1 != 0 => 0,
            HEADERS => EARNED_BY_REQUEST,
            RST_STREAM => -RESET,
            _ => -1,
        };
        self.earn(earned);
    }

    fn earn(&mut self, earned: i64) {
        self.left = (self.left + earned).min(MOST);
    }

    /// So many bytes were sent: their receiver tells how it gets on (RFC 9113 §6.9).
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        self.earn((self.sent / BYTES_SENT_FOR_ONE) as i64);
        self.sent %= BYTES_SENT_FOR_ONE;
    }

    /// Time has passed.
    pub(super) fn aged(&mut self, seconds: u32) {
        self.earn(EARNED_BY_SECOND.saturating_mul(seconds.into()));
    }

    /// Whether there have been more than anybody needs to send.
    pub(super) fn flood(&self) -> Option<Close> {
        (self.left < 0).then(|| self.kind())
    }

    /// What it is that there is too much of.
    pub(super) fn kind(&self) -> Close {
        match self.last {
            HEADERS | RST_STREAM => Close::ResetFlood,
            CONTINUATION => Close::ContinuationFlood,
            _ => Close::FrameFlood,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;

    fn frame(kind: u8, content: usize) -> Vec<u8> {
        let length = content as u32;
        let mut frame = length.to_be_bytes()[1..].to_vec();
        frame.extend([kind, 0, 0, 0, 0, 1]);
        frame.resize(HEADER + content, 0);
        frame
    }

    /// Has all of it pass.
    fn see(frames: &mut Frames, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[frames.see(bytes)..];
            frames.read_on();
        }
    }

    #[test]
    fn what_asks_for_nothing_is_a_flood_after_so_many() {
        for (kind, content, close) in [
            (PING, 8, Close::FrameFlood),
            (4, 0, Close::FrameFlood),
            (WINDOW_UPDATE, 4, Close::FrameFlood),
            (DATA, 0, Close::FrameFlood),
            (0xbe, 100, Close::FrameFlood),
            (CONTINUATION, 0, Close::ContinuationFlood),
        ] {
            let mut frames = Frames::behind(0);
            for _ in 0..MOST {
                see(&mut frames, &frame(kind, content));
                assert_eq!(frames.flood(), None);
            }
            see(&mut frames, &frame(kind, content));
            assert_eq!(frames.flood(), Some(close), "{kind}");
        }
    }

    #[test]
    fn who_takes_back_each_request_is_over_and_who_asks_is_not() {
        let mut frames = Frames::behind(24);
        see(&mut frames, &[0; 24]);
        for _ in 0..1_000_000 {
            see(&mut frames, &frame(HEADERS, 1));
            see(&mut frames, &frame(WINDOW_UPDATE, 4));
            see(&mut frames, &frame(DATA, 100));
        }
        assert_eq!(frames.flood(), None);
        let taken_back = (0..).take_while(|_| {
            see(&mut frames, &frame(HEADERS, 1));
            see(&mut frames, &frame(RST_STREAM, 4));
            frames.flood().is_none()
        });
        // The first of them earned nothing, as there was nothing to make up for.
        assert_eq!(taken_back.count() as i64, MOST / (RESET - EARNED_BY_REQUEST) - 1);
        assert_eq!(frames.flood(), Some(Close::ResetFlood));
    }

    #[test]
    fn no_more_requests_pass_than_are_answered_in_a_turn() {
        let bytes = [frame(PING, 8), frame(HEADERS, 5)].concat().repeat(3 * TURN);
        let mut frames = Frames::behind(0);
        let mut at = 0;
        for turn in 1..=3 {
            at += frames.see(&bytes[at..]);
            // It stops where the content of the last of them begins.
            assert_eq!(at, turn * TURN * bytes.len() / (3 * TURN) - 5);
            assert_eq!((frames.see(&bytes[at..]), frames.are_enough(), frames.read_on()), (0, true, true));
        }
        assert_eq!((frames.see(&bytes[at..]), frames.read_on()), (5, false));
    }

    #[test]
    fn a_download_and_time_earn_more() {
        let mut frames = Frames::behind(0);
        for _ in 0..2 * MOST {
            frames.sent(4 << 10);
            see(&mut frames, &frame(WINDOW_UPDATE, 4));
            see(&mut frames, &frame(WINDOW_UPDATE, 4));
        }
        for _ in 0..2 * MOST / EARNED_BY_SECOND {
            frames.aged(1);
            (0..EARNED_BY_SECOND).for_each(|_| see(&mut frames, &frame(PING, 8)));
        }
        assert_eq!(frames.flood(), None);
    }

    #[test]
    fn frames_are_the_same_however_they_are_cut() {
        let mut bytes = vec![b'p'; 24];
        for i in 0..2000 {
            bytes.extend(frame([PING, HEADERS, DATA, RST_STREAM][i % 4], i % 300));
        }
        let mut whole = Frames::behind(24);
        see(&mut whole, &bytes);
        for size in [1, 2, 9, 10, 1000] {
            let mut cut = Frames::behind(24);
            bytes.chunks(size).for_each(|piece| see(&mut cut, piece));
            assert_eq!((cut.left, cut.content, cut.known), (whole.left, whole.content, whole.known), "{size}");
        }
    }
}
