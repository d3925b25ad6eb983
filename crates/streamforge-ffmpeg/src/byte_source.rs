//! Where a source's bytes come from: anything that can be read by range.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;

/// A source: bytes by range, perhaps not there yet.
///
/// The size is known from the start; the bytes may still be on their way (an upload in progress),
/// so a read may wait for as long as it takes. Whoever needs a deadline puts it around the read.
pub trait ByteSource: Send + Sync + 'static {
    /// Size of the whole source in bytes. Never changes.
    fn size(&self) -> u64;

    /// Reads exactly `len` bytes from `offset`; the range lies inside [`size`](Self::size).
    ///
    /// Dropping the future gives the read up.
    ///
    /// # Errors
    ///
    /// Whatever kept the bytes away, [`io::ErrorKind::UnexpectedEof`] when the source turned out
    /// shorter than its size. Fewer bytes than asked for is an error, never an answer.
    fn read(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Bytes>>;
}

/// A regular file on this machine.
///
/// Reads are positional and run on the blocking thread pool, so that a slow disk delays no other task.
#[derive(Clone, Debug)]
pub struct FileSource {
    file: Arc<File>,
    size: u64,
    /// For error messages.
    path: PathBuf,
}

impl FileSource {
    /// Opens `path` for reading.
    ///
    /// # Errors
    ///
    /// `path` cannot be opened, or is not a regular file: a pipe or a device cannot be read by range,
    /// and has no size. Every message names the path.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let about = |source: io::Error| with_path(&path, &source);
        // Looked at before it is opened: opening a named pipe would block until somebody writes to it.
        regular_file_size(&path.metadata().map_err(about)?).map_err(about)?;
        let file = File::open(&path).map_err(about)?;
        let size = regular_file_size(&file.metadata().map_err(about)?).map_err(about)?;
        Ok(Self {
            file: Arc::new(file),
            size,
            path,
        })
    }

    /// What the system says of the open file now, which may have another name by then, or none.
    ///
    /// # Errors
    ///
    /// Its disk does not answer; the message names the path.
    pub fn metadata(&self) -> io::Result<Metadata> {
        let metadata = self.file.metadata();
        metadata.map_err(|source| with_path(&self.path, &source))
    }

    /// Fills `buffer` with the bytes from `offset` on, and blocks meanwhile: for who reads much at once on a thread of its own.
    ///
    /// # Errors
    ///
    /// They cannot be read, or the file has fewer by now; the message names the path.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let read = self.file.read_exact_at(buffer, offset);
        read.map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                let size = self.size;
                let why = format!("the file is shorter than its {size} bytes when it was opened");
                with_path(&self.path, &io::Error::new(source.kind(), why))
            }
            _ => with_path(&self.path, &source),
        })
    }
}

impl ByteSource for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Bytes>> {
        let source = self.clone();
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || {
                let mut bytes = vec![0; len];
                source.read_exact_at(&mut bytes, offset)?;
                Ok(Bytes::from(bytes))
            });
            read.await.map_err(io::Error::other)?
        })
    }
}

/// The size in bytes of the regular file `metadata` is about.
fn regular_file_size(metadata: &std::fs::Metadata) -> io::Result<u64> {
    if metadata.is_dir() {
        Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "is a folder, not a file",
        ))
    } else if metadata.is_file() {
        Ok(metadata.len())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "is not a regular file (a pipe, a socket or a device): save it to a file first",
        ))
    }
}

/// `source` with the path in front; the kind stays.
fn with_path(path: &Path, source: &io::Error) -> io::Error {
    io::Error::new(source.kind(), format!("{}: {source}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_returns_exactly_the_range() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("source");
        std::fs::write(&path, b"0123456789").unwrap();
        let source = FileSource::open(&path).unwrap();
        assert_eq!(source.size(), 10);
        assert_eq!(source.read(3, 4).await.unwrap(), "3456");
        assert_eq!(source.read(10, 0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_file_that_shrank_is_an_error_that_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("source");
        std::fs::write(&path, b"0123456789").unwrap();
        let source = FileSource::open(&path).unwrap();
        std::fs::write(&path, b"01234").unwrap();
        let error = source.read(3, 4).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(
            error
                .to_string()
                .ends_with("the file is shorter than its 10 bytes when it was opened"),
            "{error}"
        );
    }

    #[test]
    fn folders_pipes_and_missing_files_are_refused_with_their_path() {
        let dir = tempfile::tempdir().unwrap();
        let error = FileSource::open(dir.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{}: is a folder, not a file", dir.path().display())
        );

        let error = FileSource::open("/dev/null").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);

        let error = FileSource::open("/no/such/file").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().starts_with("/no/such/file: "), "{error}");
    }
}
