use std::time::Duration;

use super::*;

const LIMITS: Limits = Limits { bytes: u64::MAX, age: Duration::MAX };
const NOW: Timestamp = Timestamp(1_787_313_601_000_000_000);

fn open(disk: &MemoryDisk) -> (Spool, Vec<Segment>) {
    Spool::open_on(Arc::new(disk.clone()), LIMITS).unwrap()
}

/// A segment's only name, when there is one segment.
fn name(segment: &Segment) -> String {
    segment.path().to_str().unwrap().to_owned()
}

/// `length` bytes of the log from `offset` on: every place has its own.
fn log(offset: u64, length: usize) -> Vec<u8> {
    (offset..offset + length as u64).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

fn append(segment: &mut Segment, length: usize) -> Result<(), SpoolError> {
    // What was synced is all that was appended, in these tests.
    let bytes = log(segment.end(), length);
    segment.append(&bytes)?;
    segment.sync()
}

/// Reads all, checks that it is the log, and gives the ranges that are damaged.
fn damaged_of(segment: &mut Segment) -> Vec<(u64, u64)> {
    let (mut at, mut damaged, mut buffer) = (segment.first_offset(), Vec::new(), vec![0; 10_000]);
    while at < segment.end() {
        match segment.read_at(&mut buffer, at) {
            Ok(count) => {
                assert!(count > 0, "nothing to read at {at}, and the end is {}", segment.end());
                assert_eq!(buffer[..count], log(at, count), "at {at}");
                at += count as u64;
            }
            Err(SpoolError::Damaged { from, to, .. }) => {
                assert!(from == at && to > at, "{from} to {to} at {at}");
                damaged.push((from, to));
                at = to;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(segment.read_at(&mut buffer, at).unwrap(), 0);
    damaged
}

#[test]
fn what_was_written_is_read_from_any_offset() {
    let disk = MemoryDisk::default();
    let (mut spool, none) = open(&disk);
    assert!(none.is_empty());
    let mut segment = spool.create(b"one", 500, NOW).unwrap();
    for length in [0, 1, 200_000, 65_536, 131_072, 7, 3] {
        append(&mut segment, length).unwrap();
    }
    let end = 500 + 1 + 200_000 + 65_536 + 131_072 + 10;
    assert_eq!(segment.end(), end);
    for offset in (500..end).step_by(7_919).chain([end - 1]) {
        let mut buffer = vec![0; 70_000];
        let count = segment.read_at(&mut buffer, offset).unwrap();
        assert_eq!(buffer[..count], log(offset, count));
        assert_eq!(count as u64, (end - offset).min(70_000));
    }
    assert!(matches!(segment.read_at(&mut [0], 499), Err(SpoolError::BeforeFirst { first_offset: 500, .. })));
    assert_eq!(spool.bytes(), disk.open(&name(&segment)).unwrap().length().unwrap());
}

#[test]
fn only_what_was_synced_can_be_read() {
    let disk = MemoryDisk::default();
    let mut segment = open(&disk).0.create(b"", 0, NOW).unwrap();
    append(&mut segment, 100).unwrap();
    segment.append(&log(100, 50)).unwrap();
    let mut buffer = [0; 200];
    assert_eq!((segment.end(), segment.read_at(&mut buffer, 0).unwrap()), (100, 100));
    segment.sync().unwrap();
    assert_eq!((segment.end(), segment.read_at(&mut buffer, 0).unwrap()), (150, 150));
}

#[test]
fn a_crash_keeps_what_was_synced_and_whatever_else_is_whole() {
    let frame = format::FRAME_HEAD + 1_000;
    for survivors in 0..=2 * frame {
        let disk = MemoryDisk::default();
        let mut segment = open(&disk).0.create(b"description", 10, NOW).unwrap();
        append(&mut segment, 100_000).unwrap();
        for at in [100_010, 101_010] {
            segment.append(&log(at, 1_000)).unwrap();
        }
        disk.crash(|count| {
            assert!(count == 2 * frame || count == 0);
            survivors
        });
        let (mut spool, mut segments) = open(&disk);
        let [segment] = segments.as_mut_slice() else { panic!("{segments:?}") };
        assert_eq!(segment.end(), 100_010 + 1_000 * (survivors / frame) as u64);
        assert_eq!((segment.lost(), segment.description()), ((survivors % frame) as u64, &b"description"[..]));
        assert_eq!(damaged_of(segment), []);
        // It goes on behind what is whole, and that holds as well.
        append(segment, 500).unwrap();
        let (end, id) = (segment.end(), segment.id());
        assert_eq!(damaged_of(&mut open(&disk).1[0]), []);
        assert_eq!(open(&disk).1[0].end(), end);
        assert_eq!(spool.create(b"", 0, NOW).unwrap().id(), id + 1);
    }
}

#[test]
fn a_segment_that_was_not_finished_is_not_there() {
    let disk = MemoryDisk::default();
    disk.create("00000000000000000009.segment.new").unwrap();
    let (mut spool, segments) = open(&disk);
    assert!(segments.is_empty() && disk.list().unwrap().is_empty());
    assert_eq!(spool.create(b"", 0, NOW).unwrap().id(), 10);
    disk.crash(|_| 0);
    assert_eq!(open(&disk).1.len(), 1, "the name is durable when create comes back");
}

#[test]
fn a_flipped_byte_costs_its_frame() {
    let lengths = [400, 300, 200];
    let header = 36 + 4 + 8;
    let frames = lengths.map(|length| format::FRAME_HEAD + length);
    let total = header + frames.iter().sum::<usize>();
    for at in 0..total {
        let disk = MemoryDisk::default();
        let (mut spool, _) = open(&disk);
        let mut before = spool.create(b"four", 0, NOW).unwrap();
        lengths.iter().for_each(|length| append(&mut before, *length).unwrap());
        disk.tamper(&name(&before), |bytes| {
            assert_eq!(bytes.len(), total);
            bytes[at] ^= 0x10;
        });
        let damaged_while_open = damaged_of(&mut before);
        let (spool, mut after) = open(&disk);
        if at < header {
            assert_eq!((after.len(), spool.unreadable()), (0, 1), "byte {at}");
            assert_eq!(disk.list().unwrap(), ["00000000000000000001.segment.aside"]);
            continue;
        }
        let (ends, starts) = ([400, 700, 900], [0, 400, 700]);
        let hit = frames
            .iter()
            .scan(header, |end, frame| {
                *end += frame;
                Some(*end)
            })
            .position(|end| at < end)
            .unwrap();
        assert_eq!(damaged_while_open, [(starts[hit], ends[hit])], "an open segment, byte {at}");
        let in_length = (8..12).contains(&(at - header - frames[..hit].iter().sum::<usize>()));
        if hit == 2 || in_length {
            assert_eq!((damaged_of(&mut after[0]), after[0].end()), (vec![], starts[hit]), "byte {at}");
        } else {
            assert_eq!(damaged_of(&mut after[0]), [(starts[hit], ends[hit])], "byte {at}");
            assert_eq!((after[0].end(), after[0].lost()), (900, lengths[hit] as u64));
        }
    }
}

#[test]
fn a_full_disk_costs_what_it_has_no_room_for() {
    let disk = MemoryDisk::default();
    let (mut spool, _) = open(&disk);
    let mut segment = spool.create(b"", 0, NOW).unwrap();
    append(&mut segment, 100_000).unwrap();
    let bytes = spool.bytes();
    for room in [0, 1, 11, 12, 65_548, 65_549, 80_000] {
        disk.set_capacity(Some(bytes + room));
        let error = segment.append(&log(100_000, 100_000)).unwrap_err();
        assert!(error.is_full(), "{error}");
        assert_eq!((segment.end(), spool.bytes()), (100_000, bytes), "room for {room}");
        assert_eq!(disk.open(&name(&segment)).unwrap().length().unwrap(), bytes, "what does not count is cut off");
        assert_eq!(damaged_of(&mut segment), []);
    }
    disk.set_capacity(Some(bytes + 50_000));
    let error = spool.create(&[b'x'; 60_000], 0, NOW).unwrap_err();
    assert!(error.is_full() && disk.list().unwrap().len() == 1, "a header without room leaves nothing");
    disk.set_capacity(None);
    append(&mut segment, 150_000).unwrap();
    assert_eq!((segment.end(), damaged_of(&mut segment)), (250_000, vec![]));
    assert_eq!(damaged_of(&mut open(&disk).1[0]), []);
}

#[test]
fn a_full_disk_is_told_by_the_system_too() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let source = DiskFile::write_all_at(&full, b"x", 0).unwrap_err();
    assert!(SpoolError::Io { action: "write to", path: PathBuf::from("/dev/full"), source }.is_full());
}

#[test]
fn limits_drop_the_oldest_and_say_why() {
    let disk = MemoryDisk::default();
    let limits = Limits { bytes: 3_500, age: Duration::from_secs(60) };
    let (mut spool, _) = Spool::open_on(Arc::new(disk.clone()), limits).unwrap();
    let later = |seconds: i64| Timestamp(NOW.0 + seconds * 1_000_000_000);
    let mut segments: Vec<_> = (0..4).map(|n| spool.create(&[b'0' + n], 100, later(n.into())).unwrap()).collect();
    segments.iter_mut().for_each(|segment| append(segment, 1_000).unwrap());
    let dropped = |id: u64, reason| Dropped {
        id,
        description: vec![b'0' + u8::try_from(id).unwrap() - 1].into(),
        first_offset: 100,
        bytes: 1_000,
        reason,
    };
    assert_eq!(spool.enforce(later(4)), [dropped(1, Reason::Bytes)]);
    assert_eq!(spool.enforce(later(4)), []);
    assert_eq!((spool.segments(), disk.list().unwrap().len()), (3, 3));
    assert_eq!(spool.enforce(later(61)), []);
    assert_eq!(spool.enforce(later(62)), [dropped(2, Reason::Age)]);
    for segment in &mut segments[..2] {
        assert!(matches!(segment.append(b"x"), Err(SpoolError::Gone { .. })));
        assert!(matches!(segment.read_at(&mut [0], 100), Err(SpoolError::Gone { .. })));
    }
    assert_eq!(damaged_of(&mut segments[2]), []);
    spool.remove(3).unwrap();
    spool.remove(3).unwrap();
    assert_eq!((spool.segments(), spool.bytes()), (1, disk.open(&name(&segments[3])).unwrap().length().unwrap()));
    append(&mut segments[3], 5_000).unwrap();
    assert_eq!(spool.enforce(later(62)), [Dropped { bytes: 6_000, ..dropped(4, Reason::Bytes) }]);
    assert_eq!((spool.segments(), spool.bytes()), (0, 0));
}

#[test]
fn of_those_that_share_the_one_with_most_loses_its_oldest() {
    let limits = Limits { bytes: 10_000, age: Duration::from_secs(60) };
    let (mut spool, _) = Spool::open_on(Arc::new(MemoryDisk::default()), limits).unwrap();
    let mut segments: Vec<_> = (0..7).map(|_| spool.create(b"", 0, NOW).unwrap()).collect();
    segments.iter_mut().for_each(|segment| append(segment, 1_000).unwrap());
    // The first is nobody's who only gets a share; of the two who do, one has four and the other has two.
    [(2, 20), (3, 10), (4, 10), (5, 10), (6, 10), (7, 20)].iter().for_each(|(id, owner)| spool.share(*id, *owner));
    assert!(spool.bytes() < limits.bytes && spool.shared_bytes() > limits.share());
    let dropped: Vec<_> = spool.enforce(NOW).iter().map(|dropped| (dropped.id, dropped.reason)).collect();
    assert_eq!(dropped, [(3, Reason::Share), (4, Reason::Share)]);
    assert!(spool.shared_bytes() <= limits.share() && spool.enforce(NOW).is_empty());
}

#[test]
fn a_handle_that_was_given_back_is_opened_again() {
    let disk = MemoryDisk::default();
    let mut segment = open(&disk).0.create(b"", 0, NOW).unwrap();
    append(&mut segment, 10).unwrap();
    segment.close_handle();
    append(&mut segment, 10).unwrap();
    segment.close_handle();
    assert_eq!((segment.end(), damaged_of(&mut segment)), (20, vec![]));
}

#[test]
fn files_that_are_no_segments_are_set_aside_and_never_written_over() {
    let disk = MemoryDisk::default();
    let (mut spool, _) = open(&disk);
    let mut segments: Vec<_> = (0..4).map(|_| spool.create(b"x", 0, NOW).unwrap()).collect();
    segments.iter_mut().for_each(|segment| append(segment, 10).unwrap());
    disk.tamper(&name(&segments[0]), Vec::clear);
    disk.tamper(&name(&segments[1]), |bytes| bytes.fill(0));
    disk.tamper(&name(&segments[2]), |bytes| bytes[7] = 2);
    disk.create("lock").unwrap();
    disk.create("notes.txt").unwrap();
    let (mut spool, after) = open(&disk);
    assert_eq!((after.len(), after[0].id(), spool.unreadable()), (1, 4, 3));
    assert_eq!(disk.list().unwrap().iter().filter(|name| name.ends_with(".segment.aside")).count(), 3);
    assert_eq!(spool.create(b"", 0, NOW).unwrap().id(), 5);
    assert_eq!(open(&disk).0.unreadable(), 0, "they are told once");
}

#[test]
fn renamed_and_copied_files_are_told_by_what_they_say() {
    let disk = MemoryDisk::default();
    let (mut spool, _) = open(&disk);
    let segments: Vec<_> = (0..2).map(|_| spool.create(b"x", 0, NOW).unwrap()).collect();
    let (first, second) = (name(&segments[0]), name(&segments[1]));
    disk.rename(&first, "swap").unwrap();
    disk.rename(&second, &first).unwrap();
    disk.rename("swap", "00000000000000000005.segment").unwrap();
    let mut copy = Vec::new();
    disk.tamper(&first, |bytes| copy.clone_from(bytes));
    disk.create("00000000000000000007.segment").unwrap();
    disk.tamper("00000000000000000007.segment", |bytes| *bytes = copy);
    let (mut spool, after) = open(&disk);
    assert_eq!(after.iter().map(Segment::id).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(spool.unreadable(), 1);
    spool.remove(2).unwrap();
    assert_eq!(open(&disk).1.iter().map(Segment::id).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_directory_belongs_to_one_and_keeps_what_it_got() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state/spool");
    let (mut spool, none) = Spool::open(path.clone(), LIMITS).unwrap();
    assert!(none.is_empty());
    let error = Spool::open(path.clone(), LIMITS).unwrap_err();
    assert!(matches!(&error, SpoolError::InUse { .. }), "{error}");
    for first_offset in [0, 7_000] {
        let mut segment = spool.create(b"{\"file\":1}", first_offset, NOW).unwrap();
        append(&mut segment, 300_000).unwrap();
        segment.close_handle();
    }
    drop(spool);
    let (mut spool, mut segments) = Spool::open(path.clone(), LIMITS).unwrap();
    assert_eq!(segments.iter().map(Segment::first_offset).collect::<Vec<_>>(), [0, 7_000]);
    for segment in &mut segments {
        assert_eq!((segment.description(), segment.created()), (&b"{\"file\":1}"[..], NOW));
        assert_eq!(damaged_of(segment), []);
        append(segment, 1).unwrap();
        spool.remove(segment.id()).unwrap();
    }
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1, "only the lock is left");
}

#[test]
fn descriptions_have_a_limit() {
    let (mut spool, _) = open(&MemoryDisk::default());
    let error = spool.create(&vec![0; 65_537], 0, NOW).unwrap_err();
    assert_eq!(error.to_string(), "a segment's description has at most 65536 bytes, not 65537");
    assert!(spool.create(&vec![0; 65_536], 0, NOW).is_ok());
}
