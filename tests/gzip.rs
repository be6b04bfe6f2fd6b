//! What the gzip writer writes is gzip to other readers, too. flate2's is asked in the unit tests.

#![allow(clippy::unwrap_used, reason = "that is how a test fails")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use flytail::pipeline::gzip::GzipWriter;

/// Bodies of all kinds of blocks: none, fixed codes, codes that change, bytes as they are.
fn bodies() -> Vec<Vec<u8>> {
    let document = |number: u64| {
        let id = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let labels: String = (0..30).map(|label| format!(",\"label{label}\":\"pod {}\"", number % 4)).collect();
        format!("{{\"create\":{{\"_id\":\"{id:016x}\"}}}}\n{{\"message\":\"line {number}\"{labels}}}\n").into_bytes()
    };
    let documents: Vec<u8> = (0..2_000).flat_map(document).collect();
    let noise: Vec<u8> =
        (0..300_000_u64).map(|number| (number.wrapping_mul(0xD134_2543_DE82_EF95) >> 56) as u8).collect();
    let noise: Vec<u8> =
        noise.iter().zip(documents.iter().cycle().skip(7)).map(|(one, other)| one.wrapping_mul(*other)).collect();
    let mixed = [&documents[..], &noise, &vec![b'a'; 200_000], &documents].concat();
    vec![Vec::new(), b"a".to_vec(), b"{\"create\":{}}\n{}\n".to_vec(), document(1), documents, noise, mixed]
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut writer = GzipWriter::new();
    for part in body.chunks(1_000) {
        writer.append(|window| window.extend_from_slice(part));
    }
    writer.finish()
}

/// Lets a program read all bodies from its standard input.
fn check(program: &str, arguments: &[&str], directory: &Path) {
    for body in bodies() {
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let gzip = compressed(&body);
        let feeder = std::thread::spawn(move || input.write_all(&gzip).unwrap());
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        assert!(output.status.success(), "{program} cannot read a body of {} bytes", body.len());
        assert!(output.stdout == body, "{program} reads something else than the body of {} bytes", body.len());
    }
}

#[test]
fn gzip_reads_it() {
    check("gzip", &["-dc"], Path::new("."));
}

#[test]
#[ignore = "needs Python"]
fn python_reads_it() {
    let program = "import sys,zlib; sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read(), 31))";
    check("python3", &["-c", program], Path::new("."));
}

/// The reader that Elasticsearch and OpenSearch use.
#[test]
#[ignore = "needs a JDK"]
fn java_reads_it() {
    let directory = tempfile::tempdir().unwrap();
    let program = "import java.util.zip.*; class Read { public static void main(String[] a) throws Exception { \
                   new GZIPInputStream(System.in).transferTo(System.out); System.out.flush(); } }";
    std::fs::write(directory.path().join("Read.java"), program).unwrap();
    check("java", &["Read.java"], directory.path());
}

/// The reader of what stands between: proxies, and other servers of the bulk interface.
#[test]
#[ignore = "needs Go"]
fn go_reads_it() {
    let directory = tempfile::tempdir().unwrap();
    let program = "package main\nimport (\"compress/gzip\"; \"io\"; \"os\")\nfunc main() {\n\
                   reader, err := gzip.NewReader(os.Stdin)\nif err != nil { panic(err) }\n\
                   if _, err := io.Copy(os.Stdout, reader); err != nil { panic(err) }\n}\n";
    std::fs::write(directory.path().join("read.go"), program).unwrap();
    check("go", &["run", "read.go"], directory.path());
}
