//! The file that is uploaded, as it was when the upload began.

use std::fs::Metadata;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use futures::stream::try_unfold;
use sha2::{Digest as _, Sha256};
use streamforge_ffmpeg::byte_source::{ByteSource, FileSource};

/// Bytes that are read at a time: memory that a part under way takes. Each time costs a change of threads.
const READ_BYTES: u64 = 1 << 20;

/// Bytes that are sent at a time: what a slow connection takes in one go.
const SENT_BYTES: usize = 256 << 10;

/// A regular file.
#[derive(Clone, Debug)]
pub(super) struct LocalFile {
    path: PathBuf,
    source: FileSource,
    stamp: Stamp,
}

/// What changes when a file is written to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    size_bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            size_bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl LocalFile {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// There is none, it cannot be read, or it is a folder, a pipe or a device; the message names the path.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let source = FileSource::open(path)?;
        let stamp = Stamp::of(&source.metadata()?);
        Ok(Self {
            path: path.to_owned(),
            source,
            stamp,
        })
    }

    /// Its name, without the folders.
    pub(super) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.stamp.size_bytes
    }

    /// The same for the same file in any folder, another after each change: what an unfinished upload is found again by.
    pub(super) fn fingerprint(&self) -> String {
        let name = self.name();
        let mut hash = Sha256::new();
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name);
        hash.update(self.stamp.size_bytes.to_be_bytes());
        hash.update(self.stamp.modified.0.to_be_bytes());
        hash.update(self.stamp.modified.1.to_be_bytes());
        format!("{:x}", hash.finalize())
    }

    /// Whether it was written to since it was opened. Another name, or another file in its place, changes nothing: it stays open.
    ///
    /// # Errors
    /// Nobody can tell: its disk is gone, perhaps to come back.
    pub(super) fn has_changed(&self) -> io::Result<bool> {
        Ok(Stamp::of(&self.source.metadata()?) != self.stamp)
    }

    /// CRC-32C of some of its bytes in base 64, as S3 writes it.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) async fn crc32c(&self, bytes: Range<u64>) -> io::Result<String> {
        let source = self.source.clone();
        let crc = tokio::task::spawn_blocking(move || {
            let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
            let mut buffer = vec![0; read_len(&bytes)];
            let mut rest = bytes;
            while !rest.is_empty() {
                let piece = &mut buffer[..read_len(&rest)];
                source.read_exact_at(piece, rest.start)?;
                digest.update(piece);
                rest.start += piece.len() as u64;
            }
            Ok::<_, io::Error>(digest.finalize())
        });
        let crc = crc.await.map_err(io::Error::other)??;
        let crc = u32::try_from(crc).expect("this CRC has 32 bits");
        Ok(STANDARD.encode(crc.to_be_bytes()))
    }

    /// Some of its bytes as the body of a request, read as they are sent. What has been taken is counted by each of `counters`.
    pub(super) fn body(&self, bytes: Range<u64>, counters: [Arc<AtomicU64>; 2]) -> reqwest::Body {
        let source = self.source.clone();
        let begin = (bytes, Bytes::new());
        reqwest::Body::wrap_stream(try_unfold(begin, move |(mut rest, mut read)| {
            let (source, counters) = (source.clone(), counters.clone());
            async move {
                if read.is_empty() && rest.is_empty() {
                    return Ok::<_, io::Error>(None);
                }
                if read.is_empty() {
                    read = source.read(rest.start, read_len(&rest)).await?;
                    rest.start += read.len() as u64;
                }
                let sent = read.split_to(read.len().min(SENT_BYTES));
                for counter in counters {
                    counter.fetch_add(sent.len() as u64, Ordering::Relaxed);
                }
                Ok(Some((sent, (rest, read))))
            }
        }))
    }
}

/// How many of these bytes are read at first.
fn read_len(rest: &Range<u64>) -> usize {
    let len = (rest.end - rest.start).min(READ_BYTES);
    usize::try_from(len).expect("they fit into memory")
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::{Duration, SystemTime};

    use tempfile::TempDir;

    use super::*;

    fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    #[test]
    fn a_file_has_one_fingerprint_wherever_it_is_until_it_changes() {
        let (_dir, path) = file("film.mp4", b"12345");
        let (_other_dir, copy) = file("film.mp4", b"12345");
        let modified = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
        for path in [&path, &copy] {
            let file = File::options().write(true).open(path).unwrap();
            file.set_modified(modified).unwrap();
        }
        let print = |path: &Path| LocalFile::open(path).unwrap().fingerprint();
        let first = print(&path);
        assert_eq!(print(&copy), first);

        let opened = LocalFile::open(&path).unwrap();
        let renamed = path.with_file_name("talk.mp4");
        fs::rename(&path, &renamed).unwrap();
        assert_ne!(print(&renamed), first);
        assert!(!opened.has_changed().unwrap(), "it is open");

        let opened = LocalFile::open(&copy).unwrap();
        let writable = File::options().write(true).open(&copy).unwrap();
        writable
            .set_modified(modified + Duration::from_nanos(1))
            .unwrap();
        assert_ne!(print(&copy), first);
        assert!(opened.has_changed().unwrap());
        writable.set_len(4).unwrap();
        writable.set_modified(modified).unwrap();
        assert_ne!(print(&copy), first);
    }

    #[tokio::test]
    async fn checksums_are_those_of_the_range_as_s3_writes_them() {
        // The check value of CRC-32C: of "123456789" it is e3069283 (RFC 3720, B.4, and the catalogue of CRCs).
        let (_dir, path) = file("film.mp4", b"..123456789..");
        let file = LocalFile::open(&path).unwrap();
        assert_eq!(file.crc32c(2..11).await.unwrap(), "4waSgw==");
        assert_eq!(file.crc32c(5..5).await.unwrap(), "AAAAAA==");

        let long = vec![7; 3 * usize::try_from(READ_BYTES).unwrap() + 1];
        let (_dir, path) = self::file("long", &long);
        let file = LocalFile::open(&path).unwrap();
        let whole = crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, &long);
        let whole = STANDARD.encode(u32::try_from(whole).unwrap().to_be_bytes());
        assert_eq!(file.crc32c(0..file.size_bytes()).await.unwrap(), whole);
    }
}
