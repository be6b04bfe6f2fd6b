//! `Time_Key_Format`: how the seconds of a document's time are written.

use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::config::{Options, Problems};
use crate::record::Timestamp;

/// The format that servers know by themselves, which needs no rendering.
const DEFAULT: &str = "%Y-%m-%dT%H:%M:%S";
/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// A strftime pattern.
#[derive(Debug)]
pub(super) struct TimeFormat(String);

/// A second that was rendered, as records of the same second come together.
#[derive(Debug, Default)]
pub(super) struct Second {
    second: Option<i64>,
    text: Vec<u8>,
}

impl TimeFormat {
    /// As the options say; `None` for the default.
    pub(super) fn of_options(options: &Options<'_>, problems: &mut Problems) -> Option<Self> {
        const KEY: &str = "Time_Key_Format";
        let format = Self(options.text(KEY).filter(|format| *format != DEFAULT)?.to_owned());
        let rendered = format.render(0);
        if let Err(error) = &rendered {
            problems.push(options.problem(KEY, format!("`{}` is no date format: {error}", format.0)));
        }
        rendered.is_ok().then_some(format)
    }

    /// The second of a time, as text that can stand in a JSON string.
    pub(super) fn of<'s>(&self, time: Timestamp, last: &'s mut Second) -> &'s [u8] {
        let second = time.0.div_euclid(SECOND);
        if last.second != Some(second) {
            last.text.clear();
            crate::record::escape::write_escaped(&mut last.text, self.render(second).unwrap_or_default().as_bytes());
            last.second = Some(second);
        }
        &last.text
    }

    fn render(&self, second: i64) -> Result<String, jiff::Error> {
        let time = jiff::Timestamp::from_second(second)?.to_zoned(TimeZone::UTC);
        strtime::format(&self.0, &time)
    }
}
