//! HTTP dates (RFC 9110 §5.6.7): three formats are read, one is written.

use std::fmt;

/// A second in the years 0000 to 9999, which is what four digits can say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HttpDate(i64);

impl HttpDate {
    /// 0000-01-01T00:00:00Z.
    pub const MIN: HttpDate = HttpDate(-62_167_219_200);
    /// 9999-12-31T23:59:59Z.
    pub const MAX: HttpDate = HttpDate(253_402_300_799);

    /// The date so many seconds after 1970-01-01T00:00:00Z, or the nearest that four digits can say.
    pub const fn from_unix(seconds: i64) -> HttpDate {
        match seconds {
            ..=-62_167_219_201 => HttpDate::MIN,
            253_402_300_800.. => HttpDate::MAX,
            _ => HttpDate(seconds),
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// A field value in one of the three formats; `now` gives the century to the format that has none. `None`: no date.
    ///
    /// The name of the day must be a name, but not that day's: it adds nothing to the date, servers that compute it wrong
    /// exist, and RFC 9110 §5.6.7 encourages robustness. All else is as the grammar has it, case included. The leap second
    /// 23:59:60 is the second after 23:59:59.
    pub fn parse(value: &[u8], now: HttpDate) -> Option<HttpDate> {
        let civil = match value.iter().position(|&b| b == b',') {
            Some(3) => imf_fixdate(value),
            Some(comma) => rfc850_date(&value[..comma], &value[comma..], now),
            None => asctime_date(value),
        }?;
        civil.exists().then(|| HttpDate::from_unix(civil.day_number() * DAY + i64::from(civil.second)))
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`: always 29 bytes of ASCII.
    pub fn to_imf_fixdate(self) -> [u8; 29] {
        let civil = Civil::of(self);
        let mut text = *b"Day, 00 Mon 0000 00:00:00 GMT";
        text[0..3].copy_from_slice(WEEKDAYS[self.0.div_euclid(DAY).rem_euclid(7) as usize]);
        text[5..7].copy_from_slice(&two_digits(u32::from(civil.day)));
        text[8..11].copy_from_slice(MONTHS[usize::from(civil.month) - 1]);
        text[12..14].copy_from_slice(&two_digits(civil.year as u32 / 100));
        text[14..16].copy_from_slice(&two_digits(civil.year as u32 % 100));
        text[17..19].copy_from_slice(&two_digits(civil.second / 3600));
        text[20..22].copy_from_slice(&two_digits(civil.second / 60 % 60));
        text[23..25].copy_from_slice(&two_digits(civil.second % 60));
        text
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_imf_fixdate()).map_err(|_| fmt::Error)?)
    }
}

/// `IMF-fixdate`: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn imf_fixdate(value: &[u8]) -> Option<Civil> {
    let [w1, w2, w3, b',', b' ', day @ .., b' ', b'G', b'M', b'T'] = value else { return None };
    let [d1, d2, b' ', m1, m2, m3, b' ', y1, y2, y3, y4, b' ', time @ ..] = day else { return None };
    is_weekday([*w1, *w2, *w3]).then_some(())?;
    Some(Civil {
        year: year([*y1, *y2, *y3, *y4])?,
        month: month([*m1, *m2, *m3])?,
        day: number([*d1, *d2])?,
        second: second_of_day(time)?,
    })
}

/// `rfc850-date`: `Sunday, 06-Nov-94 08:49:37 GMT`, split at its comma.
fn rfc850_date(weekday: &[u8], rest: &[u8], now: HttpDate) -> Option<Civil> {
    let [b',', b' ', d1, d2, b'-', m1, m2, m3, b'-', y1, y2, b' ', time @ .., b' ', b'G', b'M', b'T'] = rest else {
        return None;
    };
    WEEKDAYS_IN_FULL.contains(&weekday).then_some(())?;
    let mut civil = Civil {
        year: i64::from(number([*y1, *y2])?),
        month: month([*m1, *m2, *m3])?,
        day: number([*d1, *d2])?,
        second: second_of_day(time)?,
    };
    // RFC 9110 §5.6.7: what appears to be more than 50 years in the future is the most recent past year with those digits.
    // Hence the latest such year that is not; in 2095, `05` is 2105.
    let now = Civil::of(now);
    let limit = Civil { year: now.year + 50, ..now };
    civil.year += limit.year - limit.year % 100;
    if civil > limit {
        civil.year -= 100;
    }
    Some(civil)
}

/// `asctime-date`: `Sun Nov  6 08:49:37 1994`.
fn asctime_date(value: &[u8]) -> Option<Civil> {
    let [w1, w2, w3, b' ', m1, m2, m3, b' ', d1, d2, b' ', time @ .., b' ', y1, y2, y3, y4] = value else {
        return None;
    };
    is_weekday([*w1, *w2, *w3]).then_some(())?;
    Some(Civil {
        year: year([*y1, *y2, *y3, *y4])?,
        month: month([*m1, *m2, *m3])?,
        // date3: the day's first digit is a space if it is zero.
        day: number([if *d1 == b' ' { b'0' } else { *d1 }, *d2])?,
        second: second_of_day(time)?,
    })
}

fn is_weekday(name: [u8; 3]) -> bool {
    WEEKDAYS.contains(&&name)
}

fn month(name: [u8; 3]) -> Option<u8> {
    MONTHS.iter().position(|&month| *month == name).map(|i| i as u8 + 1)
}

fn year([y1, y2, y3, y4]: [u8; 4]) -> Option<i64> {
    Some(i64::from(number([y1, y2])?) * 100 + i64::from(number([y3, y4])?))
}

/// `time-of-day`: 00:00:00 to 23:59:60, in seconds.
fn second_of_day(time: &[u8]) -> Option<u32> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = time else { return None };
    let (hour, minute, second) = (number([*h1, *h2])?, number([*m1, *m2])?, number([*s1, *s2])?);
    // RFC 9110 §5.6.7: `second` is 60 in a leap second only, and UTC has those at the end of a day.
    let is_time = hour < 24 && minute < 60 && (second < 60 || (hour, minute, second) == (23, 59, 60));
    is_time.then_some(u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second))
}

/// `2DIGIT`.
fn number([tens, ones]: [u8; 2]) -> Option<u8> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
}

fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

const DAY: i64 = 86_400;

/// From the day of 1970-01-01, a Thursday.
const WEEKDAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const WEEKDAYS_IN_FULL: [&[u8]; 7] =
    [b"Monday", b"Tuesday", b"Wednesday", b"Thursday", b"Friday", b"Saturday", b"Sunday"];
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// A day of the Gregorian calendar and a time in it, UTC. The order of the fields makes the earlier one the less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Civil {
    /// 0 to 9999, if the date exists.
    year: i64,
    /// 1 to 12.
    month: u8,
    /// From 1.
    day: u8,
    /// Of the day; 86400 is 23:59:60.
    second: u32,
}

// Both directions count days from a year that begins in March, so that a leap day is the last of its year, and in eras of
// 400 years, which all have the same number of days.
const DAYS_IN_ERA: i64 = 146_097;
const DAYS_FROM_0000_03_01_TO_1970: i64 = 719_468;

impl Civil {
    fn of(date: HttpDate) -> Civil {
        let day = date.0.div_euclid(DAY) + DAYS_FROM_0000_03_01_TO_1970;
        let era = day.div_euclid(DAYS_IN_ERA);
        let day_of_era = day.rem_euclid(DAYS_IN_ERA);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // 153 days are five months in a row, from March or from August.
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Civil {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month: month as u8,
            day: (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8,
            second: date.0.rem_euclid(DAY) as u32,
        }
    }

    /// Days since 1970-01-01.
    fn day_number(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * DAYS_IN_ERA + day_of_era - DAYS_FROM_0000_03_01_TO_1970
    }

    /// Whether the month has that day, and four digits can say the year.
    fn exists(self) -> bool {
        let is_leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days = match self.month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u8::from(is_leap),
            _ => 31,
        };
        (0..=9999).contains(&self.year) && (1..=days).contains(&self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z, the example of RFC 9110 §5.6.7.
    const EXAMPLE: i64 = 784_111_777;
    const NOW: HttpDate = HttpDate(1_750_000_000); // 2025-06-15T15:06:40Z

    fn parse(text: &str) -> Option<i64> {
        HttpDate::parse(text.as_bytes(), NOW).map(HttpDate::unix)
    }

    #[test]
    fn three_formats_are_read() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun Nov 06 08:49:37 1994",
        ] {
            assert_eq!(parse(text), Some(EXAMPLE), "{text}");
        }
    }

    #[test]
    fn the_days_of_the_calendar_are_known() {
        for (text, want) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Wed, 31 Dec 1969 23:59:59 GMT", Some(-1)),
            ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400)),
            ("Thu, 29 Feb 2024 12:00:00 GMT", Some(1_709_208_000)),
            ("Mon, 29 Feb 1900 00:00:00 GMT", None),
            ("Wed, 29 Feb 2023 00:00:00 GMT", None),
            ("Tue, 31 Apr 2024 00:00:00 GMT", None),
            ("Tue, 30 Apr 2024 00:00:00 GMT", Some(1_714_435_200)),
            ("Tue, 32 Jan 2024 00:00:00 GMT", None),
            ("Tue, 00 Jan 2024 00:00:00 GMT", None),
            ("Sat, 01 Jan 0000 00:00:00 GMT", Some(HttpDate::MIN.0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(HttpDate::MAX.0)),
            ("Fri, 31 Dec 9999 23:59:60 GMT", Some(HttpDate::MAX.0)),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
    }

    #[test]
    fn a_leap_second_is_the_next_second() {
        assert_eq!(parse("Sat, 31 Dec 2016 23:59:60 GMT"), parse("Sun, 01 Jan 2017 00:00:00 GMT"));
        assert_eq!(parse("Sat, 31 Dec 2016 22:59:60 GMT"), None);
        assert_eq!(parse("Sat, 31 Dec 2016 23:59:61 GMT"), None);
    }

    #[test]
    fn the_wrong_name_of_the_day_is_no_matter() {
        assert_eq!(parse("Mon, 06 Nov 1994 08:49:37 GMT"), Some(EXAMPLE));
        assert_eq!(parse("Nov, 06 Nov 1994 08:49:37 GMT"), None);
        assert_eq!(parse("Sundays, 06-Nov-94 08:49:37 GMT"), None);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "0",
            ",",
            "Sun,",
            "784111777",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun,  6 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "sun, 06 Nov 1994 08:49:37 GMT",
            "SUN, 06 NOV 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov +994 08:49:37 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sunday, 06 Nov 94 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sun Nov  6 08:49:37 1994 GMT",
            "Sun Nov 0  08:49:37 1994",
            "Sun Nov  6 08:49:37 94",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn two_digits_are_the_latest_year_not_fifty_years_ahead() {
        let year = |now: &str, two: &str| {
            let now = HttpDate::parse(now.as_bytes(), NOW).unwrap();
            let date = HttpDate::parse(format!("Monday, 15-Jun-{two} 12:00:00 GMT").as_bytes(), now).unwrap();
            Civil::of(date).year
        };
        for (now, two, want) in [
            ("Sun, 15 Jun 2025 12:00:00 GMT", "25", 2025),
            ("Sun, 15 Jun 2025 12:00:00 GMT", "75", 2075),
            ("Sun, 15 Jun 2025 11:59:59 GMT", "75", 1975),
            ("Sun, 15 Jun 2025 12:00:00 GMT", "76", 1976),
            ("Sun, 15 Jun 2025 12:00:00 GMT", "99", 1999),
            ("Sun, 15 Jun 2025 12:00:00 GMT", "00", 2000),
            ("Wed, 15 Jun 2095 12:00:00 GMT", "05", 2105),
            ("Wed, 15 Jun 2095 12:00:00 GMT", "46", 2046),
            ("Tue, 15 Jun 1999 12:00:00 GMT", "49", 2049),
            ("Tue, 15 Jun 1999 12:00:00 GMT", "50", 1950),
        ] {
            assert_eq!(year(now, two), want, "{two} as seen on {now}");
        }
    }

    #[test]
    fn one_format_is_written() {
        for (seconds, want) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (EXAMPLE, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (i64::MIN, "Sat, 01 Jan 0000 00:00:00 GMT"),
            (i64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(HttpDate::from_unix(seconds).to_string(), want);
        }
    }
}
