use super::super::{Generator, PART_LENGTH};
use super::*;

const TIME: i64 = 1_787_313_601_123_456_789;

fn kubelet(root: &Path, options: KubeletOptions) -> Kubelet {
    Kubelet::new(root, &Cluster::new(1), options).unwrap()
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

/// Stream and kind of each physical line: `out P`, `err F`.
fn kinds(path: &Path) -> Vec<String> {
    let text = text(path);
    let columns = text.lines().map(|line| line.split(' ').skip(1).take(2).collect::<Vec<_>>().join(" "));
    columns.map(|columns| columns.replace("std", "")).collect()
}

#[test]
fn a_symlink_leads_to_each_container_s_log() {
    let root = tempfile::tempdir().unwrap();
    let cluster = Cluster::new(1);
    let mut kubelet = kubelet(root.path(), KubeletOptions::default());
    for (index, container) in cluster.containers.iter().enumerate() {
        kubelet.write_text(index, Stream::Stdout, TIME, container.name.as_bytes()).unwrap();
    }
    kubelet.flush().unwrap();
    for (index, container) in cluster.containers.iter().enumerate() {
        let pod = cluster.pod_of(container);
        let link = root.path().join("var/log/containers").join(cluster.file_name(container));
        assert_eq!(kubelet.link(index), link);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        let pod_directory = format!("{}_{}_{}", pod.namespace, pod.name, pod.uid);
        let real = root.path().join("var/log/pods").join(pod_directory).join(&container.name).join("0.log");
        assert_eq!(link.canonicalize().unwrap(), real.canonicalize().unwrap());
        assert_eq!(text(&link), format!("2026-08-21T12:00:01.123456789Z stdout F {}\n", container.name));
    }
}

#[test]
fn rotation_renames_the_file_and_keeps_the_link() {
    let root = tempfile::tempdir().unwrap();
    let mut kubelet = kubelet(root.path(), KubeletOptions { keep_rotated: 2, ..KubeletOptions::default() });
    for round in 0..4 {
        kubelet.write_text(3, Stream::Stdout, TIME, format!("round {round}").as_bytes()).unwrap();
        kubelet.rotate(3).unwrap();
    }
    kubelet.write_text(3, Stream::Stdout, TIME, b"last").unwrap();
    kubelet.flush().unwrap();
    let rotated: Vec<_> = kubelet.rotated(3).map(Path::to_owned).collect();
    let names: Vec<_> = rotated.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["0.log.20260821-120003", "0.log.20260821-120004"]);
    assert!(text(&rotated[0]).ends_with("round 2\n"));
    assert!(text(&rotated[1]).ends_with("round 3\n"));
    assert!(text(kubelet.link(3)).ends_with("last\n"));
    assert_eq!(fs::read_dir(kubelet.directory(3)).unwrap().count(), 3);
}

#[test]
fn rotation_by_size_counts_what_is_buffered() {
    let root = tempfile::tempdir().unwrap();
    let options = KubeletOptions { rotate_at: Some(200), keep_rotated: 100, ..KubeletOptions::default() };
    let mut kubelet = kubelet(root.path(), options);
    for _ in 0..40 {
        kubelet.write_text(0, Stream::Stdout, TIME, &[b'x'; 59]).unwrap();
    }
    kubelet.flush().unwrap();
    assert_eq!(kubelet.rotated(0).count(), 20);
    assert!(kubelet.rotated(0).all(|path| text(path).lines().count() == 2));
}

#[test]
fn a_rotation_can_fall_between_the_parts_of_a_line() {
    let root = tempfile::tempdir().unwrap();
    let mut kubelet = kubelet(root.path(), KubeletOptions::default());
    kubelet.rotate_in_next_long_line(0);
    kubelet.write_text(0, Stream::Stdout, TIME, b"short").unwrap();
    kubelet.write_text(0, Stream::Stdout, TIME, &[b'x'; PART_LENGTH * 2 + 5]).unwrap();
    kubelet.write_text(0, Stream::Stdout, TIME, &[b'x'; PART_LENGTH * 2]).unwrap();
    kubelet.flush().unwrap();
    let rotated = kubelet.rotated(0).next().unwrap().to_owned();
    assert_eq!(kinds(&rotated), ["out F", "out P"]);
    assert_eq!(kinds(kubelet.link(0)), ["out P", "out F", "out P", "out F"]);
}

#[test]
fn a_rotation_by_size_falls_into_a_record_if_it_may() {
    let root = tempfile::tempdir().unwrap();
    for (within, expected) in [(false, 2), (true, 1)] {
        let options =
            KubeletOptions { rotate_at: Some(1000), rotate_within_records: within, ..KubeletOptions::default() };
        let mut kubelet = kubelet(&root.path().join(within.to_string()), options);
        kubelet.write_text(0, Stream::Stdout, TIME, &[b'x'; PART_LENGTH + 5]).unwrap();
        kubelet.flush().unwrap();
        let first = kubelet.rotated(0).next().unwrap();
        assert_eq!(kinds(first).len(), expected);
    }
}

#[test]
fn streams_interleave_and_nothing_is_lost() {
    let root = tempfile::tempdir().unwrap();
    let mut kubelet = kubelet(root.path(), KubeletOptions { interleave_streams: true, ..KubeletOptions::default() });
    kubelet.write_text(0, Stream::Stdout, TIME, &[b'x'; PART_LENGTH * 2 + 5]).unwrap();
    kubelet.write_text(0, Stream::Stderr, TIME, b"between").unwrap();
    kubelet.write_text(0, Stream::Stdout, TIME, &[b'x'; PART_LENGTH + 5]).unwrap();
    kubelet.write_text(0, Stream::Stdout, TIME, b"behind").unwrap();
    kubelet.write_text(0, Stream::Stderr, TIME, &[b'x'; PART_LENGTH + 5]).unwrap();
    kubelet.rotate(0).unwrap();
    kubelet.flush().unwrap();
    let expected = ["out P", "out P", "err F", "out F", "out P", "out F", "out F", "err P"];
    assert_eq!(kinds(kubelet.rotated(0).next().unwrap()), expected);
    assert_eq!(kinds(kubelet.link(0)), ["err F"]);
}

#[test]
fn tracebacks_are_written_line_by_line() {
    let root = tempfile::tempdir().unwrap();
    let mut generator = Generator::new(1);
    let mut kubelet = kubelet(root.path(), KubeletOptions::default());
    let line = (0..).map(|step| generator.next(TIME + step)).find(|line| line.text.len() > 4).unwrap();
    kubelet.write(&line).unwrap();
    kubelet.flush().unwrap();
    let written = text(kubelet.link(line.container));
    let expected: Vec<_> = line.text.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    let found: Vec<_> = written.lines().map(|line| line.splitn(4, ' ').last().unwrap().to_owned()).collect();
    assert_eq!(found, expected);
    assert!(written.lines().all(|line| line.contains(" stderr F ")));
}

#[test]
fn existing_logs_are_continued() {
    let root = tempfile::tempdir().unwrap();
    for word in ["one", "two"] {
        let mut kubelet = kubelet(root.path(), KubeletOptions::default());
        kubelet.write_text(0, Stream::Stdout, TIME, word.as_bytes()).unwrap();
    }
    let kubelet = kubelet(root.path(), KubeletOptions::default());
    assert_eq!(text(kubelet.link(0)).lines().count(), 2);
}

#[test]
fn errors_name_the_path() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("var"), "in the way").unwrap();
    let error = Kubelet::new(root.path(), &Cluster::new(1), KubeletOptions::default()).unwrap_err();
    assert!(error.to_string().contains("var/log/containers"), "{error}");
}
