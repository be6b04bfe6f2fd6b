//! Records that were given up, by reason.

use std::fmt;
use std::ops::AddAssign;

/// Why an output gave a record up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// `Retry_Limit` retries did not help.
    RetryLimit,
    /// It was refused for good, and the dead letter could not be stored.
    DeadLettersUnwritable,
    /// The body that it was in could not be read back from memory.
    BodyUnreadable,
    /// Its container logged more than it may, and the policy is not to slow it down.
    RateLimit,
}

impl DropReason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::RetryLimit, Self::DeadLettersUnwritable, Self::BodyUnreadable, Self::RateLimit];

    /// Its name in metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RetryLimit => "retry_limit",
            Self::DeadLettersUnwritable => "dead_letters_unwritable",
            Self::BodyUnreadable => "body_unreadable",
            Self::RateLimit => "rate_limit",
        }
    }
}

/// How many records were given up, by reason. Its text is the sum, with the reasons if there are any.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Dropped([u64; DropReason::ALL.len()]);

impl Dropped {
    /// So many for one reason.
    #[must_use]
    pub fn new(reason: DropReason, records: u64) -> Self {
        let mut dropped = Self::default();
        dropped.add(reason, records);
        dropped
    }

    /// Counts some.
    pub fn add(&mut self, reason: DropReason, records: u64) {
        self.0[reason as usize] += records;
    }

    /// For one reason.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// For all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl AddAssign for Dropped {
    fn add_assign(&mut self, other: Self) {
        for (sum, part) in self.0.iter_mut().zip(other.0) {
            *sum += part;
        }
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.total())?;
        for reason in DropReason::ALL.into_iter().filter(|reason| self.of(*reason) > 0) {
            write!(formatter, " {}:{}", reason.name(), self.of(reason))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_reasons_apart() {
        let mut dropped = Dropped::new(DropReason::RetryLimit, 2);
        assert_eq!(Dropped::default().to_string(), "0");
        dropped += Dropped::new(DropReason::DeadLettersUnwritable, 3);
        assert_eq!((dropped.total(), dropped.of(DropReason::RetryLimit)), (5, 2));
        assert_eq!(dropped.to_string(), "5 retry_limit:2 dead_letters_unwritable:3");
        assert!(DropReason::ALL.iter().enumerate().all(|(number, reason)| *reason as usize == number));
    }
}
