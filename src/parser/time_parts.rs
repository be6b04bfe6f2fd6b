//! What a text says about a time, and which point in time that is.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use crate::record::Timestamp;

/// The parts of a time that a format read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Parts {
    /// Four-digit year.
    pub(super) year: Option<i64>,
    /// The year's first two digits.
    pub(super) century: Option<i64>,
    /// The year's last two digits.
    pub(super) year_of_century: Option<i64>,
    /// 1 to 12.
    pub(super) month: Option<i64>,
    /// 1 to 31.
    pub(super) day: Option<i64>,
    /// 1 to 366.
    pub(super) day_of_year: Option<i64>,
    /// 0 to 23, or 1 to 12 with `afternoon`.
    pub(super) hour: i64,
    /// Whether the hour is one after noon.
    pub(super) afternoon: Option<bool>,
    /// 0 to 59.
    pub(super) minute: i64,
    /// 0 to 61.
    pub(super) second: i64,
    /// 0 to 999,999,999.
    pub(super) nanosecond: i64,
    /// Seconds since 1970: with it, nothing but the fraction counts.
    pub(super) epoch: Option<i64>,
    /// Seconds east of UTC.
    pub(super) offset: Option<i64>,
}

impl Parts {
    /// Whether a year (or an epoch) was read.
    pub(super) fn has_year(&self) -> bool {
        self.epoch.is_some() || self.year.is_some() || self.century.is_some() || self.year_of_century.is_some()
    }

    /// The point in time; `zone` is where a text without one was written. A text without a year
    /// means the current one, or the one before if that is more than a day ahead: logs do not
    /// come from the future. (Fluent Bit always takes the current year.) `None` for dates that do
    /// not exist and for times that [`Timestamp`] cannot hold.
    pub(super) fn resolve(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        const DAY: i64 = 86_400_000_000_000;
        if let Some(epoch) = self.epoch {
            return epoch.checked_mul(1_000_000_000)?.checked_add(self.nanosecond).map(Timestamp);
        }
        if self.has_year() {
            return self.at(self.full_year()?, (1, 1), zone);
        }
        let today = self.today(zone, now)?;
        let (month, day) = (i64::from(today.month()), i64::from(today.day()));
        let year = i64::from(today.year());
        match self.at(year, (month, day), zone) {
            Some(time) if time.0 - now.0 <= DAY || self.month.is_none() => Some(time),
            _ => self.at(year - 1, (month, day), zone),
        }
    }

    fn today(&self, zone: &TimeZone, now: Timestamp) -> Option<Date> {
        let now = jiff::Timestamp::from_nanosecond(i128::from(now.0)).ok()?;
        Some(match self.offset {
            Some(seconds) => offset(seconds)?.to_datetime(now).date(),
            None => zone.to_datetime(now).date(),
        })
    }

    fn full_year(&self) -> Option<i64> {
        match (self.year, self.century, self.year_of_century) {
            (Some(year), _, _) => Some(year),
            (None, Some(century), year) => Some(century * 100 + year.unwrap_or(0)),
            (None, None, Some(year)) => Some(if year < 69 { 2000 + year } else { 1900 + year }),
            (None, None, None) => None,
        }
    }

    /// The time in a year; `default` is the month and day where none were read.
    fn at(&self, year: i64, default: (i64, i64), zone: &TimeZone) -> Option<Timestamp> {
        let year = i16::try_from(year).ok()?;
        let date = match self.day_of_year {
            Some(day) if self.month.is_none() => {
                let date = Date::new(year, 1, 1).ok()?.checked_add(jiff::Span::new().days(day - 1)).ok()?;
                (date.year() == year).then_some(date)?
            }
            _ => {
                let month = self.month.unwrap_or(default.0);
                let day = self.day.unwrap_or(default.1);
                Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?
            }
        };
        let hour = match self.afternoon {
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
            None => self.hour,
        };
        // A leap second is the second behind :59.
        let time = date.at(i8::try_from(hour).ok()?, i8::try_from(self.minute).ok()?, 0, 0);
        let seconds = self.second.checked_mul(1_000_000_000)?;
        self.in_zone(time, zone)?.checked_add(seconds)?.checked_add(self.nanosecond).map(Timestamp)
    }

    fn in_zone(&self, time: DateTime, zone: &TimeZone) -> Option<i64> {
        let timestamp = match self.offset {
            Some(seconds) => offset(seconds)?.to_timestamp(time).ok()?,
            None => zone.to_timestamp(time).ok()?,
        };
        i64::try_from(timestamp.as_nanosecond()).ok()
    }
}

fn offset(seconds: i64) -> Option<Offset> {
    Offset::from_seconds(i32::try_from(seconds).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::time_format::TimeFormat;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text.as_bytes()).unwrap()
    }

    fn read(format: &str, text: &str, zone: &TimeZone, now: &str) -> Option<String> {
        let time = TimeFormat::new(format).read_all(text.as_bytes())?.resolve(zone, at(now))?;
        let mut out = Vec::new();
        time.write_rfc3339(&mut out);
        Some(String::from_utf8(out).unwrap().replace(".000000000", ""))
    }

    const NOW: &str = "2026-11-22T10:00:00Z";

    #[test]
    fn formats_of_real_logs() {
        for (format, text, expected) in [
            ("%Y-%m-%dT%H:%M:%S.%L", "2026-08-21T12:00:01.123456789Z", "2026-08-21T12:00:01.123456789Z"),
            ("%Y-%m-%dT%H:%M:%S.%L%z", "2026-08-21T12:00:01.5+02:00", "2026-08-21T10:00:01.500000000Z"),
            ("%d/%b/%Y:%H:%M:%S %z", "21/Aug/2026:12:00:01 -0700", "2026-08-21T19:00:01Z"),
            ("%Y-%m-%d %H:%M:%S,%L", "2026-08-21 12:00:01,042", "2026-08-21T12:00:01.042000000Z"),
            ("%b %d %H:%M:%S", "Aug  1 12:00:01", "2026-08-01T12:00:01Z"),
            ("%s.%L", "1787313601.25", "2026-08-21T12:00:01.250000000Z"),
            ("%s", "1787313601", "2026-08-21T12:00:01Z"),
            ("%a %b %e %T %Z %Y", "Fri Aug 21 12:00:01 CEST 2026", "2026-08-21T10:00:01Z"),
            ("%A, %d-%B-%y %r", "Friday, 21-August-26 12:00:01 AM", "2026-08-21T00:00:01Z"),
            ("%y%m%d %k:%M", "691231  9:05", "1969-12-31T09:05:00Z"),
            ("%F %I:%M %p", "2026-08-21 12:30 pm", "2026-08-21T12:30:00Z"),
            ("%Y %j", "2024 366", "2024-12-31T00:00:00Z"),
            ("%C%y-%m", "2026-08", "2026-08-01T00:00:00Z"),
            ("%c", "Fri Aug 21 12:00:01 2026", "2026-08-21T12:00:01Z"),
            ("%D %R", "08/21/26 12:00", "2026-08-21T12:00:00Z"),
            ("%H:%M:%S", "09:00:01", "2026-11-22T09:00:01Z"),
            ("%F %T", "2016-12-31 23:59:60", "2017-01-01T00:00:00Z"),
        ] {
            assert_eq!(read(format, text, &TimeZone::UTC, NOW).as_deref(), Some(expected), "{format}");
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_no_times() {
        for (format, text) in [
            ("%F", "2026-02-29"),
            ("%Y %j", "2026 366"),
            ("%F", "9999-01-01"),
            ("%s", "99999999999"),
            ("%F", "0001-01-01"),
        ] {
            assert_eq!(read(format, text, &TimeZone::UTC, NOW), None, "{text}");
        }
    }

    #[test]
    fn a_time_without_year_is_of_the_last_twelve_months() {
        let utc = TimeZone::UTC;
        let format = "%b %d %H:%M:%S";
        assert_eq!(read(format, "Dec 31 23:59:59", &utc, "2027-01-01T00:00:01Z").unwrap(), "2026-12-31T23:59:59Z");
        assert_eq!(read(format, "Nov 23 09:00:00", &utc, NOW).unwrap(), "2026-11-23T09:00:00Z", "a clock that is fast");
        assert_eq!(read(format, "Feb 29 09:00:00", &utc, "2028-03-01T00:00:00Z").unwrap(), "2028-02-29T09:00:00Z");
        assert_eq!(read(format, "Feb 29 09:00:00", &utc, "2027-03-01T00:00:00Z"), None);
        let kolkata = TimeZone::fixed(Offset::from_seconds(19_800).unwrap());
        assert_eq!(read(format, "Jan  1 01:00:00", &kolkata, "2026-12-31T20:00:00Z").unwrap(), "2026-12-31T19:30:00Z");
    }

    #[test]
    fn zones_know_their_summer_time() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(read("%F %T", "2026-07-01 12:00:00", &berlin, NOW).unwrap(), "2026-07-01T10:00:00Z");
        assert_eq!(read("%F %T", "2026-12-01 12:00:00", &berlin, NOW).unwrap(), "2026-12-01T11:00:00Z");
        assert_eq!(read("%F %T %z", "2026-12-01 12:00:00 +0500", &berlin, NOW).unwrap(), "2026-12-01T07:00:00Z");
    }
}
