//! How far a download is, on a terminal that shows it.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(200);

/// A line that is drawn over and over, and taken away in the end.
pub(super) struct Progress {
    begun: Instant,
    drawn: Option<Instant>,
    /// Bytes that were there before.
    from: u64,
    total: Option<u64>,
    is_shown: bool,
}

impl Progress {
    pub(super) fn new(from: u64, total: Option<u64>) -> Progress {
        Progress { begun: Instant::now(), drawn: None, from, total, is_shown: std::io::stderr().is_terminal() }
    }

    /// So many bytes are there.
    pub(super) fn at(&mut self, bytes: u64) {
        if self.is_shown && self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY) {
            self.drawn = Some(Instant::now());
            let line = line(bytes, self.from, self.total, self.begun.elapsed());
            let mut stderr = std::io::stderr().lock();
            // Where nobody can be shown it, nobody is.
            let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "\r\x1b[K").and_then(|()| stderr.flush());
        }
    }
}

/// Bytes, share, rate and time left, as far as they are known.
fn line(bytes: u64, from: u64, total: Option<u64>, elapsed: Duration) -> String {
    let mut line = size(bytes);
    if let Some(total) = total.filter(|total| *total > 0) {
        let share = u128::from(bytes) * 100 / u128::from(total);
        let _ = write!(line, " of {}, {share} %", size(total));
    }
    let rate = (bytes.saturating_sub(from) as f64 / elapsed.as_secs_f64().max(0.001)) as u64;
    if rate > 0 {
        let _ = write!(line, ", {}/s", size(rate));
        if let Some(left) = total.and_then(|total| total.checked_sub(bytes)) {
            let left = left.div_ceil(rate);
            let _ = write!(line, ", {}:{:02} left", left / 60, left % 60);
        }
    }
    line
}

/// So many bytes, in the unit in which they have one to four digits.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_known() {
        let second = Duration::from_secs(1);
        assert_eq!(line(0, 0, None, Duration::ZERO), "0 B");
        assert_eq!(line(2048, 1024, Some(4096), second), "2.0 KiB of 4.0 KiB, 50 %, 1.0 KiB/s, 0:02 left");
        assert_eq!(
            line(u64::MAX, 0, Some(1), second),
            "16777216.0 TiB of 1 B, 1844674407370955161500 %, 16777216.0 TiB/s"
        );
        assert_eq!(line(5, 5, Some(0), second), "5 B");
    }
}
