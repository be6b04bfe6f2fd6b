//! What several targets check.

use bumpalo::Bump;
use flytail::decode::multiline::{Chain, Limits, MOST_LINES};
use flytail::decode::{Decoder, Line, Settings};
use flytail::record::{Checkpoint, Position, Timestamp};

/// A line that outlives its block.
type Owned = (Position, Option<&'static str>, Timestamp, Vec<u8>, bool);

/// Decodes a container's log in one go and again with a restart at its checkpoint: the lines must
/// be the same. The input's first two bytes say where the restart is and how long lines may be.
pub fn check_decoder(input: &[u8]) {
    let [restart, limit, log @ ..] = input else { return };
    let limit = 32 + usize::from(*limit);
    let lines = lines_of(log);
    let whole = decode(&lines, usize::MAX, limit);
    let restarted = decode(&lines, usize::from(*restart), limit);
    assert_eq!(whole, restarted);
}

fn decode(lines: &[(Position, &[u8])], restart: usize, limit: usize) -> Vec<Owned> {
    let limits = Limits { bytes: limit, lines: MOST_LINES };
    let settings = Settings { container: true, multiline: Chain::python(), limits };
    let (mut out, mut at) = (Vec::new(), 0);
    let mut decoder = Decoder::new(settings.clone(), Checkpoint::at(0, Timestamp::default()));
    let mut restart = Some(restart);
    while at < lines.len() {
        if restart == Some(at) {
            restart = None;
            let checkpoint = decoder.checkpoint(lines[at].0.start);
            decoder = Decoder::new(settings.clone(), checkpoint);
            at = lines.iter().position(|(position, _)| position.start == checkpoint.offset).unwrap();
        }
        let (position, raw) = lines[at];
        let arena = Bump::new();
        decoder.push(raw, position, false, Timestamp::default(), &arena, &mut |line| out.push(owned(&line)));
        at += 1;
    }
    decoder.finish(&Bump::new(), &mut |line| out.push(owned(&line)));
    out
}

fn owned(line: &Line<'_>) -> Owned {
    (line.position, line.stream.map(|stream| stream.name()), line.time, line.text.to_vec(), line.truncated)
}

fn lines_of(log: &[u8]) -> Vec<(Position, &[u8])> {
    let mut start = 0;
    let lines = log.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let position = Position { start, end: start + line.len() as u64 };
        start = position.end;
        (position, line.strip_suffix(b"\n").unwrap_or(line))
    });
    lines.collect()
}
