//! Shows how lines are joined: for the one who writes the rules.

use bumpalo::Bump;

use super::{Chain, Joiner, Limits};
use crate::decode::Line;
use crate::record::{Position, Timestamp};

/// What a line is to the group that it ended in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It stands alone: nothing was joined to it.
    Alone,
    /// It begins a group.
    Begins {
        /// Name of the definition that claimed it.
        definition: String,
        /// The state that it leads to.
        state: String,
    },
    /// It goes on with the group.
    Continues {
        /// The state that it leads to.
        state: String,
    },
    /// Behind it the group is complete.
    Ends,
}

/// One line of the output, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The joined text.
    pub text: Vec<u8>,
    /// It was cut at a limit.
    pub truncated: bool,
    /// Number of its first line, from 0.
    pub first: usize,
    /// What each of its lines is to it.
    pub roles: Vec<Role>,
}

/// Joins `lines` (without their line ends), as those of one file, and gives each result to `show`.
pub fn explain<'l>(
    lines: impl IntoIterator<Item = &'l [u8]>,
    chain: &Chain,
    limits: Limits,
    mut show: impl FnMut(Explained),
) {
    let mut joiner = Joiner::default();
    let mut roles: Vec<Role> = Vec::new();
    let mut shown = 0;
    let mut done = Vec::new();
    let mut count = 0;
    let mut flush = |done: &mut Vec<Explained>, roles: &mut Vec<Role>| {
        for mut group in done.drain(..) {
            let length = group.roles.len();
            group.roles = roles.drain(..length.min(roles.len())).collect();
            (group.first, shown) = (shown, shown + length);
            if let [only] = group.roles.as_mut_slice() {
                *only = Role::Alone;
            }
            show(group);
        }
    };
    for text in lines {
        let arena = Bump::new();
        // Offsets count lines: so it shows how many of them a result was made of.
        let position = Position { start: count, end: count + 1 };
        count += 1;
        let line = Line {
            time: Timestamp(0),
            stream: None,
            text,
            position,
            truncated: false,
            carried: 0,
            ended: 0,
            first: None,
        };
        joiner.push(line, chain, limits, &arena, &mut |line| done.push(Explained::of(&line)));
        roles.push(match joiner.describe() {
            None => Role::Ends,
            Some((definition, state)) if joiner.open_since().is_some_and(|(start, _)| start == position.start) => {
                Role::Begins { definition: definition.to_owned(), state: state.into_owned() }
            }
            Some((_, state)) => Role::Continues { state: state.into_owned() },
        });
        flush(&mut done, &mut roles);
    }
    joiner.finish(&Bump::new(), &mut |line| done.push(Explained::of(&line)));
    flush(&mut done, &mut roles);
}

impl Explained {
    /// Its roles are not known yet, only how many there are.
    fn of(line: &Line<'_>) -> Self {
        let count = usize::try_from(line.position.end - line.position.start).unwrap_or_default();
        Self { text: line.text.to_vec(), truncated: line.truncated, first: 0, roles: vec![Role::Alone; count] }
    }
}
