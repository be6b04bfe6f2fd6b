//! What Fluent Bit left behind in its chunk storage: `<storage.path>/<input>/<chunk>.flb`.

use std::fs;
use std::path::Path;

/// Chunks that were not delivered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Undrained {
    /// How many chunks there are.
    pub(super) files: u64,
    /// Their size in bytes.
    pub(super) bytes: u64,
}

impl Undrained {
    /// Looks into a storage path. `None` if nothing is left there.
    pub(super) fn look(path: &Path) -> Option<Self> {
        let mut found = Self { files: 0, bytes: 0 };
        // What cannot be read is not known to hold anything.
        for directory in fs::read_dir(path).ok()?.filter_map(Result::ok) {
            let Ok(chunks) = fs::read_dir(directory.path()) else { continue };
            for chunk in chunks.filter_map(Result::ok) {
                let Ok(metadata) = chunk.metadata() else { continue };
                if metadata.is_file() && chunk.path().extension().is_some_and(|extension| extension == "flb") {
                    found.files += 1;
                    found.bytes += metadata.len();
                }
            }
        }
        (found.files > 0).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_chunks_of_all_inputs() {
        let directory = tempfile::tempdir().unwrap();
        let storage = directory.path().join("storage");
        assert_eq!(Undrained::look(&storage), None);
        for input in ["tail.0", "tail.1"] {
            fs::create_dir_all(storage.join(input)).unwrap();
            fs::write(storage.join(input).join("notes.txt"), "x").unwrap();
        }
        assert_eq!(Undrained::look(&storage), None);
        fs::write(storage.join("tail.0/1-1700000000.1.flb"), [0; 100]).unwrap();
        fs::write(storage.join("tail.1/1-1700000000.2.flb"), [0; 20]).unwrap();
        assert_eq!(Undrained::look(&storage), Some(Undrained { files: 2, bytes: 120 }));
    }
}
