use std::fs;

use super::super::edit::{Change, rewrite};
use super::super::segment::segments;
use super::*;

/// A writer into `dead` below a temporary directory.
fn writer(root: &Path, limits: Limits) -> (Arc<DeadLetters>, Arc<DeadLetterAccount>) {
    let account = Arc::new(DeadLetterAccount::default());
    (Arc::new(DeadLetters::new(root.join("dead"), limits, Arc::clone(&account))), account)
}

fn letter(number: u32) -> DeadLetter {
    DeadLetter::new("o", "d", (400, "k", "r"), format!("{{\"n\":{number}}}\n").as_bytes())
}

/// The numbers of the letters in each segment.
fn kept(root: &Path) -> Vec<Vec<u32>> {
    let number = |line: &str| {
        let letter = DeadLetter::from_line(line.as_bytes()).unwrap_or_else(|| panic!("no letter: {line}"));
        let document: serde_json::Value = serde_json::from_str(letter.document.unwrap().get()).unwrap();
        u32::try_from(document["n"].as_u64().unwrap()).unwrap()
    };
    let segments = segments(&root.join("dead")).unwrap();
    segments.iter().map(|segment| fs::read_to_string(&segment.path).unwrap().lines().map(number).collect()).collect()
}

/// Limits for so many letters in a segment, and so many segments.
fn limits(letters: u64, segments: u64) -> Limits {
    let length = letter(0).to_line().len() as u64;
    Limits { total: length * letters * segments, segment: length * letters }
}

fn first_segment(root: &Path) -> Segment {
    Segment::new(&root.join("dead"), 1)
}

#[test]
fn a_tenth_of_the_limit_is_a_segment_and_10_mb_at_most() {
    assert_eq!(Limits::new(100_000_000).segment, 10_000_000);
    assert_eq!(Limits::new(5_000_000).segment, 500_000);
    assert_eq!(Limits::new(1_000_000_000_000).segment, 10_000_000);
}

#[tokio::test]
async fn full_segments_are_followed_by_new_ones_and_the_oldest_goes_at_the_limit() {
    let root = tempfile::tempdir().unwrap();
    let (letters, account) = writer(root.path(), limits(2, 3));
    assert_eq!(letters.push(&[letter(0)]).await, Stored { kept: 1, lost: 0 });
    let many: Vec<_> = (1..6).map(letter).collect();
    assert_eq!(letters.push(&many).await, Stored { kept: 5, lost: 0 });
    assert_eq!(kept(root.path()), [vec![0, 1], vec![2, 3], vec![4, 5]]);
    assert_eq!((account.records(), account.evicted_records()), (6, 0));
    letters.push(&[letter(6)]).await;
    assert_eq!(kept(root.path()), [vec![2, 3], vec![4, 5], vec![6]]);
    assert_eq!((account.records(), account.evicted_records()), (5, 2));
    assert_eq!(account.bytes(), 5 * letter(0).to_line().len() as u64);
    // A letter that is longer than a segment has one of its own.
    let long = DeadLetter { reason: "r".repeat(300), ..letter(7) };
    letters.push(&[long, letter(8)]).await;
    assert_eq!(kept(root.path()).last().unwrap(), &[8]);
}

#[tokio::test]
async fn another_run_goes_on_where_the_last_one_was_cut_off() {
    let root = tempfile::tempdir().unwrap();
    writer(root.path(), limits(9, 9)).0.push(&[letter(0)]).await;
    let first = first_segment(root.path());
    let torn = [fs::read(&first.path).unwrap(), b"{\"time\":\"20".to_vec()].concat();
    fs::write(&first.path, torn).unwrap();
    let (letters, account) = writer(root.path(), limits(9, 9));
    letters.push(&[letter(1)]).await;
    assert_eq!((kept(root.path()), account.records()), (vec![vec![0, 1]], 2));
}

#[tokio::test]
async fn a_segment_that_was_rewritten_or_removed_meanwhile_is_not_written_to() {
    let root = tempfile::tempdir().unwrap();
    let (letters, account) = writer(root.path(), limits(9, 9));
    letters.push(&[letter(0), letter(1)]).await;
    let first = letter(0).document.unwrap();
    let is_first = |line: &[u8]| memchr::memmem::find(line, first.get().as_bytes()).is_some();
    rewrite(&first_segment(root.path()), |line| if is_first(line) { Change::Remove } else { Change::Keep }).unwrap();
    letters.push(&[letter(2)]).await;
    assert_eq!((kept(root.path()), account.records()), (vec![vec![1, 2]], 2));
    rewrite(&first_segment(root.path()), |_| Change::Remove).unwrap();
    letters.push(&[letter(3)]).await;
    assert_eq!((kept(root.path()), account.records()), (vec![vec![3]], 1));
}

#[tokio::test]
async fn two_writers_into_one_directory_do_not_harm_each_other() {
    let root = tempfile::tempdir().unwrap();
    let (one, account) = writer(root.path(), limits(3, 9));
    let (other, _) = writer(root.path(), limits(3, 9));
    for number in 0..4 {
        one.push(&[letter(2 * number)]).await;
        other.push(&[letter(2 * number + 1)]).await;
    }
    let mut all = kept(root.path()).concat();
    all.sort_unstable();
    assert_eq!(all, (0..8).collect::<Vec<_>>());
    one.look().unwrap();
    assert_eq!(account.records(), 8);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_stored_is_given_up_after_a_while_and_then_at_once() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("dead"), "a file where the directory should be").unwrap();
    let (letters, account) = writer(root.path(), limits(9, 9));
    let start = Instant::now();
    assert_eq!(letters.push(&[letter(0), letter(1)]).await, Stored { kept: 0, lost: 2 });
    assert!(start.elapsed() >= PATIENCE && start.elapsed() < PATIENCE * 2, "{:?}", start.elapsed());
    assert!(account.error().unwrap().contains("dead: "), "{:?}", account.error());
    let start = Instant::now();
    assert_eq!(letters.push(&[letter(2)]).await, Stored { kept: 0, lost: 1 });
    assert!(start.elapsed() < PAUSE, "others wait behind it");
    fs::remove_file(root.path().join("dead")).unwrap();
    assert_eq!(letters.push(&[letter(3)]).await, Stored { kept: 1, lost: 0 });
    assert_eq!((account.error(), kept(root.path())), (None, vec![vec![3]]));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_for_a_moment_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (letters, account) = writer(root.path(), limits(9, 9));
    let first = first_segment(root.path());
    fs::create_dir(root.path().join("dead")).unwrap();
    std::os::unix::fs::symlink("/dev/full", &first.path).unwrap();
    let pushed = tokio::spawn(async move { letters.push(&[letter(0)]).await });
    while account.error().is_none() {
        tokio::time::sleep(PAUSE / 10).await;
    }
    assert!(account.error().unwrap().contains("No space left"), "{:?}", account.error());
    fs::remove_file(&first.path).unwrap();
    assert_eq!(pushed.await.unwrap(), Stored { kept: 1, lost: 0 });
    assert_eq!((account.error(), kept(root.path())), (None, vec![vec![0]]));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_has_room_again_is_noticed_without_a_letter() {
    let root = tempfile::tempdir().unwrap();
    let dead = root.path().join("dead");
    fs::write(&dead, "a file where the directory should be").unwrap();
    let (letters, account) = writer(root.path(), limits(9, 9));
    letters.push(&[letter(0)]).await;
    let watching = tokio::spawn(Arc::clone(&letters).watch());
    tokio::time::sleep(LOOK_INTERVAL * 2).await;
    assert!(account.error().is_some(), "it is as it was");
    fs::remove_file(&dead).unwrap();
    fs::create_dir(&dead).unwrap();
    std::os::unix::fs::symlink("/dev/full", dead.join(PROBE)).unwrap();
    letters.look().unwrap();
    assert!(letters.probe().is_err() && account.error().is_some(), "it is full");
    while account.error().is_some() {
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    watching.abort();
    assert_eq!(fs::read_dir(&dead).unwrap().count(), 0, "nothing is left of it");
}
