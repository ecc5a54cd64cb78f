//! HTTP dates against a calendar that counts years and months one by one.

use proptest::prelude::*;
use verdict_core::field::date::HttpDate;

/// Year, month, day, hour, minute, second.
type Civil = (i64, usize, i64, i64, i64, i64);

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn days_in(year: i64, month: usize) -> i64 {
    let is_leap = if year % 100 == 0 { year % 400 == 0 } else { year % 4 == 0 };
    [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month]
}

fn days_in_year(year: i64) -> i64 {
    (0..12).map(|month| days_in(year, month)).sum()
}

/// Counts from 0000-01-01, which was a Saturday; the months from 0.
fn civil(date: HttpDate) -> Civil {
    let seconds = date.unix() - HttpDate::MIN.unix();
    let (mut days, time) = (seconds / 86_400, seconds % 86_400);
    let mut year = 0;
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let mut month = 0;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    (year, month, days + 1, time / 3600, time / 60 % 60, time % 60)
}

fn weekday(date: HttpDate) -> &'static str {
    WEEKDAYS[((date.unix() - HttpDate::MIN.unix()) / 86_400 + 5) as usize % 7]
}

fn imf_fixdate(date: HttpDate) -> String {
    let (year, month, day, h, m, s) = civil(date);
    format!("{}, {day:02} {} {year:04} {h:02}:{m:02}:{s:02} GMT", &weekday(date)[..3], MONTHS[month])
}

fn asctime(date: HttpDate) -> String {
    let (year, month, day, h, m, s) = civil(date);
    format!("{} {} {day:2} {h:02}:{m:02}:{s:02} {year:04}", &weekday(date)[..3], MONTHS[month])
}

fn rfc850(date: HttpDate) -> String {
    let (year, month, day, h, m, s) = civil(date);
    format!("{}, {day:02}-{}-{:02} {h:02}:{m:02}:{s:02} GMT", weekday(date), MONTHS[month], year % 100)
}

fn dates() -> impl Strategy<Value = HttpDate> {
    prop_oneof![
        (HttpDate::MIN.unix()..=HttpDate::MAX.unix()).prop_map(HttpDate::from_unix),
        // Near our time, where the leap years and the centuries of two digits are.
        (-2_000_000_000i64..8_000_000_000).prop_map(HttpDate::from_unix),
    ]
}

proptest! {
    #[test]
    fn it_is_written_as_the_calendar_says(date in dates()) {
        prop_assert_eq!(date.to_string(), imf_fixdate(date));
    }

    #[test]
    fn what_is_written_in_four_digits_is_read_back(date in dates(), now in dates()) {
        for text in [imf_fixdate(date), asctime(date)] {
            prop_assert_eq!(HttpDate::parse(text.as_bytes(), now), Some(date), "{}", text);
        }
    }

    #[test]
    fn two_digits_are_the_latest_year_that_is_not_fifty_years_ahead(date in dates(), now in dates()) {
        let (year, month, day, h, m, s) = civil(date);
        let now_civil = civil(now);
        let limit = Civil::from((now_civil.0 + 50, now_civil.1, now_civil.2, now_civil.3, now_civil.4, now_civil.5));
        let want = (0..=9999).rev().find(|y| y % 100 == year % 100 && (*y, month, day, h, m, s) <= limit);
        // In a year that cannot be written, or that has no such day, it is no date.
        let want = want.filter(|y| day <= days_in(*y, month)).map(|y| (y, month, day, h, m, s));
        let got = HttpDate::parse(rfc850(date).as_bytes(), now).map(civil);
        if limit.0 <= 9999 {
            prop_assert_eq!(got, want);
        }
    }

    #[test]
    fn one_changed_byte_is_read_as_another_date_or_not_at_all(date in dates(), at in 0usize..29, byte: u8) {
        let mut text = date.to_imf_fixdate();
        text[at] = byte;
        if let Some(read) = HttpDate::parse(&text, date) {
            // The name of the day may be wrong, and 60 seconds are the next minute; all else is written back as it was.
            let is_leap_second = &text[17..25] == b"23:59:60";
            prop_assert!(is_leap_second || read.to_imf_fixdate()[5..] == text[5..], "{}", text.escape_ascii());
        }
    }
}
