//! Reading a rotated log that was compressed: offsets are those of the log itself.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use memchr::memrchr;

use super::disk::{LogFile, Look, read_up_to};

/// A compressed log. It inflates forwards only; what follows the last line end of what a read
/// returned is kept, since an unfinished line at a block's end is read again.
#[derive(Debug)]
pub(super) struct Gzip {
    look: Look,
    inner: Inner,
    /// Uncompressed bytes that the decoder gave.
    position: u64,
    /// The last of them.
    recent: Vec<u8>,
    /// Why nothing more can be inflated.
    damaged: Option<String>,
}

#[derive(Debug)]
enum Inner {
    /// Nothing is inflated: a decoder and its buffers are large beside a file that waits.
    Resting(Sequential),
    Inflating(Box<MultiGzDecoder<BufReader<Sequential>>>),
    /// For the moment in which the one becomes the other.
    Nothing,
}

/// Compressed bytes that are read at once.
const INPUT: usize = 32 * 1024;

impl Gzip {
    /// A compressed log in an open file.
    pub(super) fn new(file: Box<dyn LogFile>) -> io::Result<Self> {
        let look = file.look()?;
        let inner = Inner::Resting(Sequential { file, offset: 0 });
        Ok(Self { look, inner, position: 0, recent: Vec::new(), damaged: None })
    }

    /// Lets go of the decoder: the next read begins anew.
    fn rest(&mut self) {
        self.inner = match std::mem::replace(&mut self.inner, Inner::Nothing) {
            Inner::Inflating(decoder) => Inner::Resting(Sequential { offset: 0, ..decoder.into_inner().into_inner() }),
            other => other,
        };
        (self.position, self.recent, self.damaged) = (0, Vec::new(), None);
    }

    fn decoder(&mut self) -> Option<&mut MultiGzDecoder<BufReader<Sequential>>> {
        self.inner = match std::mem::replace(&mut self.inner, Inner::Nothing) {
            Inner::Resting(file) => {
                Inner::Inflating(Box::new(MultiGzDecoder::new(BufReader::with_capacity(INPUT, file))))
            }
            other => other,
        };
        match &mut self.inner {
            Inner::Inflating(decoder) => Some(decoder),
            Inner::Resting(_) | Inner::Nothing => None,
        }
    }

    fn file(&self) -> Option<&dyn LogFile> {
        match &self.inner {
            Inner::Resting(file) => Some(file.file.as_ref()),
            Inner::Inflating(decoder) => Some(decoder.get_ref().get_ref().file.as_ref()),
            Inner::Nothing => None,
        }
    }

    /// Inflates until the buffer is full; less at the end, and where the file is damaged.
    fn inflate(&mut self, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < buffer.len() && self.damaged.is_none() {
            let Some(decoder) = self.decoder() else { break };
            match decoder.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.damaged = Some(error.to_string()),
            }
        }
        self.position += filled as u64;
        filled
    }

    /// Inflates up to an offset and keeps nothing of it. Whether there is so much.
    fn skip_to(&mut self, offset: u64) -> bool {
        let mut scratch = vec![0; INPUT];
        while self.position < offset {
            let wanted = usize::try_from(offset - self.position).unwrap_or(INPUT).min(INPUT);
            if self.inflate(&mut scratch[..wanted]) == 0 {
                return false;
            }
        }
        true
    }

    /// Offset of the first byte that is kept.
    fn kept_from(&self) -> u64 {
        self.position - self.recent.len() as u64
    }
}

impl LogFile for Gzip {
    fn look(&self) -> io::Result<Look> {
        let links = self.file().map_or(Ok(self.look.links), |file| file.look().map(|look| look.links))?;
        Ok(Look { links, ..self.look })
    }

    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset < self.kept_from() {
            self.rest();
        }
        if offset > self.position {
            self.recent.clear();
            if !self.skip_to(offset) {
                return self.damaged.clone().map_or(Ok(0), |reason| Err(damage(reason)));
            }
        }
        let start = usize::try_from(offset - self.kept_from()).unwrap_or(usize::MAX).min(self.recent.len());
        let again = self.recent.len() - start;
        let copied = again.min(buffer.len());
        buffer[..copied].copy_from_slice(&self.recent[start..start + copied]);
        if copied < again {
            return Ok(copied);
        }
        let filled = copied + self.inflate(&mut buffer[copied..]);
        let unfinished = memrchr(b'\n', &buffer[..filled]).map_or(0, |end| end + 1);
        self.recent = buffer[unfinished..filled].to_vec();
        match &self.damaged {
            Some(reason) if filled == 0 => Err(damage(reason.clone())),
            _ => Ok(filled),
        }
    }

    fn stored(&mut self) -> Option<&mut dyn LogFile> {
        match &mut self.inner {
            Inner::Resting(file) => Some(file.file.as_mut()),
            Inner::Inflating(decoder) => Some(decoder.get_mut().get_mut().file.as_mut()),
            Inner::Nothing => None,
        }
    }

    fn release(&mut self) {
        self.rest();
        if let Some(file) = self.stored() {
            file.release();
        }
    }
}

fn damage(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Length of the log in a compressed file modulo 2^32, as its last four bytes tell it (RFC 1952,
/// ISIZE). It holds for files of one member, which is what the kubelet and logrotate write.
pub(super) fn told_length(file: &mut dyn LogFile) -> io::Result<u32> {
    let length = file.look()?.length;
    let mut bytes = [0; 4];
    let Some(start) = length.checked_sub(4) else { return Ok(0) };
    read_up_to(file, &mut bytes, start)?;
    Ok(u32::from_le_bytes(bytes))
}

/// Reads a file from its start to its end.
#[derive(Debug)]
struct Sequential {
    file: Box<dyn LogFile>,
    offset: u64,
}

impl Read for Sequential {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// A compressed file's look says nothing of the log's length until it was inflated.
pub(super) fn is_compressed(name: &str) -> bool {
    name.ends_with(".gz")
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Seek, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn compressed(parts: &[&[u8]], cut: usize) -> (Box<dyn LogFile>, File) {
        let mut bytes = Vec::new();
        for part in parts {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(part).unwrap();
            bytes.extend(encoder.finish().unwrap());
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes[..bytes.len() - cut]).unwrap();
        file.rewind().unwrap();
        (Box::new(file.try_clone().unwrap()), file)
    }

    fn text() -> Vec<u8> {
        (0..50_000_u32).flat_map(|number| format!("line {number}\n").into_bytes()).collect()
    }

    #[test]
    fn reads_at_any_offset_as_if_it_were_not_compressed() {
        let text = text();
        let (file, _) = compressed(&[&text[..300_000], &text[300_000..]], 0);
        let mut gzip = Gzip::new(file).unwrap();
        let mut buffer = vec![0; 10_000];
        for offset in [0, 9_990, 19_000, 400_000, 399_000, 5, text.len() - 3, 299_990] {
            let read = gzip.read_at(&mut buffer, offset as u64).unwrap();
            assert_eq!(buffer[..read], text[offset..(offset + read)], "at {offset}");
            assert!(read > 0);
        }
        assert_eq!(gzip.read_at(&mut buffer, text.len() as u64).unwrap(), 0);
        assert_eq!(gzip.read_at(&mut buffer, text.len() as u64 + 9).unwrap(), 0);
    }

    #[test]
    fn gives_what_stands_in_front_of_damage_and_then_says_so() {
        let text = text();
        let (file, _) = compressed(&[&text], 5_000);
        let mut gzip = Gzip::new(file).unwrap();
        let mut all = Vec::new();
        let mut buffer = vec![0; 10_000];
        let error = loop {
            match gzip.read_at(&mut buffer, all.len() as u64) {
                Ok(0) => panic!("the damage was not noticed"),
                Ok(read) => all.extend_from_slice(&buffer[..read]),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(all.len() > text.len() / 2 && text.starts_with(&all));
    }

    #[test]
    fn tells_the_length_without_inflating() {
        let (mut file, _) = compressed(&[&text()], 0);
        assert_eq!(told_length(file.as_mut()).unwrap() as usize, text().len());
        let (mut empty, _) = compressed(&[], 0);
        assert_eq!(told_length(empty.as_mut()).unwrap(), 0);
    }
}
