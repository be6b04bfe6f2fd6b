//! What stands behind a parenthesis: groups with and without names, flags, comments, and groups
//! that only look or give nothing back.

use super::{Error, Group, Level, Translator};

impl Translator {
    /// Reads what stands behind a `(` that was taken.
    pub(super) fn open(&mut self) -> Result<(), Error> {
        let (start, groups) = (self.out.len(), self.groups.len());
        let extended = self.levels.last().is_some_and(|level| level.extended);
        if !self.take("?") {
            self.out.push_str("(?:");
        } else if self.take("#") {
            return self
                .take_until(')')
                .map(|_| ())
                .ok_or_else(|| Error::Invalid("a comment `(?#` does not end".into()));
        } else if let Some(name) = self.group_name()? {
            self.groups.push(Group::Named(name));
            self.out.push('(');
        } else if self.take(":") {
            self.out.push_str("(?:");
        } else if let Some((group, construct)) = self.group_beyond_regex() {
            self.go_beyond_regex(construct);
            self.groups.push(group);
            self.out.push('(');
        } else if let Some(construct) = self.unsupported_group() {
            return Err(Error::Unsupported(construct.to_owned()));
        } else {
            return self.flags(start, extended);
        }
        self.levels.push(Level { start, groups, extended, closings: 0 });
        Ok(())
    }

    fn group_name(&mut self) -> Result<Option<String>, Error> {
        let look_behind = self.starts_with("<=") || self.starts_with("<!");
        let end = if !look_behind && (self.take("<") || self.take("P<")) {
            '>'
        } else if self.take("'") {
            '\''
        } else {
            return Ok(None);
        };
        match self.take_until(end) {
            Some(name) if !name.is_empty() => Ok(Some(name)),
            _ => Err(Error::Invalid("a group has an empty or unfinished name".to_owned())),
        }
    }

    /// Takes the beginning of a group that only the backtracking engine knows.
    fn group_beyond_regex(&mut self) -> Option<(Group, &'static str)> {
        let around = |negative, behind| Group::Around { negative, behind };
        let known = [
            ("=", around(false, false), "look-ahead `(?=`"),
            ("!", around(true, false), "negative look-ahead `(?!`"),
            ("<=", around(false, true), "look-behind `(?<=`"),
            ("<!", around(true, true), "negative look-behind `(?<!`"),
            (">", Group::Atomic, "atomic group `(?>`"),
        ];
        let found = known.into_iter().find(|(spelling, _, _)| self.take(spelling));
        found.map(|(_, group, construct)| (group, construct))
    }

    fn unsupported_group(&self) -> Option<&'static str> {
        [("~", "absence operator `(?~`"), ("(", "conditional `(?(`")]
            .into_iter()
            .find(|(spelling, _)| self.starts_with(spelling))
            .map(|(_, construct)| construct)
    }

    /// `(?mi-x:…)`, and `(?mi-x)`, which holds up to the end of the group around it, behind every
    /// `|` too.
    fn flags(&mut self, start: usize, mut extended: bool) -> Result<(), Error> {
        let (mut flags, mut on) = (String::new(), true);
        loop {
            match self.next() {
                Some('-') if on => on = false,
                Some('m') => flags.push_str(if on { "s" } else { "-s" }),
                Some('i') => flags.push_str(if on { "i" } else { "-i" }),
                Some('x') => extended = on,
                Some(end @ (':' | ')')) => {
                    self.out.push_str(&format!("(?{}:", rust_flags(&flags)));
                    if end == ':' {
                        let groups = self.groups.len();
                        self.levels.push(Level { start, groups, extended, closings: 0 });
                    } else if let Some(level) = self.levels.last_mut() {
                        level.closings += 1;
                        level.extended = extended;
                    }
                    return Ok(());
                }
                Some(other @ ('a' | 'd' | 'u')) => {
                    return Err(Error::Unsupported(format!("group option `{other}`")));
                }
                other => {
                    let found = other.map_or_else(|| "the end".to_owned(), |character| format!("`{character}`"));
                    return Err(Error::Invalid(format!("{found} behind `(?` is no group")));
                }
            }
        }
    }

    /// Ends the group that a `)` closes, which was taken.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        let level = self.levels.pop().filter(|_| !self.levels.is_empty());
        let level = level.ok_or_else(|| Error::Invalid("`)` closes no group".to_owned()))?;
        self.out.push_str(&")".repeat(level.closings + 1));
        (self.atom, self.atom_groups) = (level.start, level.groups);
        Ok(())
    }
}

/// Flags in Rust's order: those switched on, one dash, those switched off.
fn rust_flags(flags: &str) -> String {
    let (mut on, mut off) = (String::new(), String::new());
    let mut negative = false;
    for flag in flags.chars() {
        match flag {
            '-' => negative = true,
            other if negative => {
                off.push(other);
                negative = false;
            }
            other => on.push(other),
        }
    }
    if off.is_empty() { on } else { format!("{on}-{off}") }
}
