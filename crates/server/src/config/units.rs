//! Times, sizes and rates as they are written: a whole number and its unit, nothing between, nothing implied.

use std::time::Duration;

/// A form of value: what it is called, its units, and an example.
pub(super) struct Form {
    pub(super) what: &'static str,
    pub(super) units: &'static [(&'static str, u64)],
    pub(super) example: &'static str,
}

/// In milliseconds.
pub(super) const DURATION: Form = Form {
    what: "a duration",
    units: &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)],
    example: "10s",
};

/// In bytes.
pub(super) const SIZE: Form = Form {
    what: "a size",
    units: &[
        ("B", 1),
        ("KB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ],
    example: "16MiB",
};

/// In bytes a second.
pub(super) const RATE: Form = Form {
    what: "a rate",
    units: &[("B/s", 1), ("KB/s", 1000), ("MB/s", 1_000_000), ("KiB/s", 1 << 10), ("MiB/s", 1 << 20)],
    example: "500B/s",
};

/// The longest time that can be set, so that no sum of times overflows: 100 years.
pub(super) const LONGEST: Duration = Duration::from_secs(36_500 * 86_400);

/// The largest size that can be set: 1 EiB, so that sums and signed file offsets do not overflow.
pub(super) const LARGEST: u64 = 1 << 60;

/// Why a text is not of a form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wrong {
    /// It does not begin with a whole number.
    Number,
    /// There is a number and nothing after it.
    UnitMissing,
    /// What follows the number, from this offset, is no unit of the form.
    Unit(usize),
    /// The number is too large.
    TooLarge,
}

impl Form {
    /// The value in the form's smallest unit.
    pub(super) fn parse(&self, text: &str) -> Result<u64, Wrong> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        if number.is_empty() || unit.starts_with('.') {
            return Err(Wrong::Number);
        }
        if unit.is_empty() {
            return Err(Wrong::UnitMissing);
        }
        let factor = self.units.iter().find(|(name, _)| *name == unit).ok_or(Wrong::Unit(digits))?.1;
        number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or(Wrong::TooLarge)
    }

    /// The value as it is written, in the largest unit that leaves no fraction.
    pub(super) fn write(&self, value: u64) -> String {
        let whole = self.units.iter().filter(|(_, factor)| value.is_multiple_of(*factor));
        let (unit, factor) = whole.max_by_key(|(_, factor)| *factor).unwrap_or(&self.units[0]);
        format!("{}{unit}", value / factor)
    }

    /// `ms, s, m, h, d`, quoted as code.
    pub(super) fn units(&self) -> String {
        let names: Vec<_> = self.units.iter().map(|(name, _)| format!("`{name}`")).collect();
        names.join(", ")
    }

    /// The unit that was meant, if it is one but for the case of its letters.
    pub(super) fn unit_in_other_case(&self, unit: &str) -> Option<&'static str> {
        self.units.iter().map(|(name, _)| *name).find(|name| name.eq_ignore_ascii_case(unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit_are_read() {
        let cases = [
            (&DURATION, "500ms", 500),
            (&DURATION, "10s", 10_000),
            (&DURATION, "2m", 120_000),
            (&DURATION, "1h", 3_600_000),
            (&DURATION, "30d", 2_592_000_000),
            (&SIZE, "500B", 500),
            (&SIZE, "1KB", 1000),
            (&SIZE, "8KiB", 8192),
            (&SIZE, "16MiB", 16_777_216),
            (&SIZE, "2GiB", 2_147_483_648),
            (&RATE, "500B/s", 500),
            (&RATE, "0B/s", 0),
            (&RATE, "1KiB/s", 1024),
        ];
        for (form, text, value) in cases {
            assert_eq!(form.parse(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same_value() {
        let cases = [
            (&DURATION, 10_000, "10s"),
            (&DURATION, 75_000, "75s"),
            (&DURATION, 1500, "1500ms"),
            (&SIZE, 16 << 20, "16MiB"),
            (&SIZE, 1000, "1KB"),
            (&RATE, 500, "500B/s"),
        ];
        for (form, value, text) in cases {
            assert_eq!((form.write(value).as_str(), form.parse(text)), (text, Ok(value)));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let cases = [
            (&DURATION, "", Wrong::Number),
            (&DURATION, "s", Wrong::Number),
            (&DURATION, "-1s", Wrong::Number),
            (&DURATION, "+1s", Wrong::Number),
            (&DURATION, " 1s", Wrong::Number),
            (&DURATION, "1.5s", Wrong::Number),
            (&DURATION, "10", Wrong::UnitMissing),
            (&DURATION, "10 s", Wrong::Unit(2)),
            (&DURATION, "10sec", Wrong::Unit(2)),
            (&DURATION, "1m30s", Wrong::Unit(1)),
            (&SIZE, "8kib", Wrong::Unit(1)),
            (&SIZE, "99999999TiB", Wrong::TooLarge),
            (&SIZE, "99999999999999999999B", Wrong::TooLarge),
            (&RATE, "500B", Wrong::Unit(3)),
        ];
        for (form, text, wrong) in cases {
            assert_eq!(form.parse(text), Err(wrong), "{text}");
        }
    }

    #[test]
    fn the_case_of_a_unit_is_told_apart() {
        assert_eq!(SIZE.unit_in_other_case("kib"), Some("KiB"));
        assert_eq!(DURATION.unit_in_other_case("S"), Some("s"));
        assert_eq!(DURATION.unit_in_other_case("KiB"), None);
    }
}
