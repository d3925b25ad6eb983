//! Reading a package from a folder, and nothing outside of it.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context;
use streamforge_hls::check::{Fetch, FetchError, Fetched};
use streamforge_hls::media_playlist::ByteRange;
use url::Url;

use super::{RESOURCE_LIMIT_BYTES, Source};

/// The folder of a package.
#[derive(Debug)]
pub(super) struct Folder {
    /// Without symbolic links.
    root: PathBuf,
    /// `root` as a URL, which relative URIs are joined to.
    base: Url,
    has_read: bool,
}

impl Folder {
    /// The folder a playlist is in, and the URI of the playlist in it.
    ///
    /// # Errors
    ///
    /// When there is no such file.
    pub(super) fn of_playlist(file: &Path) -> anyhow::Result<(Self, String)> {
        let cannot_open = || format!("cannot open {}", file.display());
        let file = file.canonicalize().with_context(cannot_open)?;
        let root = file.parent().with_context(cannot_open)?.to_owned();
        // A canonical path is absolute, which is all that these ask for.
        let base = Url::from_directory_path(&root)
            .ok()
            .with_context(cannot_open)?;
        let url = Url::from_file_path(&file).ok().with_context(cannot_open)?;
        let name = url
            .path_segments()
            .and_then(Iterator::last)
            .with_context(cannot_open)?;
        let folder = Self {
            root,
            base,
            has_read: false,
        };
        Ok((folder, name.to_owned()))
    }

    /// The file a URI leads to, if it is inside the folder.
    fn path(&self, uri: &str) -> Result<PathBuf, FetchError> {
        let mut url = self
            .base
            .join(uri)
            .map_err(|_| FetchError::OutsidePackage)?;
        url.set_query(None);
        url.set_fragment(None);
        if !url.as_str().starts_with(self.base.as_str()) {
            return Err(FetchError::OutsidePackage);
        }
        let path = url
            .to_file_path()
            .map_err(|()| FetchError::OutsidePackage)?;
        // Encoded slashes and symbolic links may still lead out.
        let path = path
            .canonicalize()
            .map_err(|error| into_fetch_error(&error))?;
        if path.starts_with(&self.root) {
            Ok(path)
        } else {
            Err(FetchError::OutsidePackage)
        }
    }
}

impl Source for Folder {
    fn has_read(&self) -> bool {
        self.has_read
    }
}

impl Fetch for Folder {
    fn fetch(&mut self, uri: &str, range: Option<ByteRange>) -> Result<Fetched, FetchError> {
        let path = self.path(uri)?;
        let bytes = read(&path, range)?;
        self.has_read = true;
        Ok(Fetched {
            bytes,
            delivery: None,
        })
    }
}

fn read(path: &Path, range: Option<ByteRange>) -> Result<Vec<u8>, FetchError> {
    let mut file = File::open(path).map_err(|error| into_fetch_error(&error))?;
    let metadata = file.metadata().map_err(|error| into_fetch_error(&error))?;
    if !metadata.is_file() {
        return Err(FetchError::Failed("it is not a file".to_owned()));
    }
    let wanted = range.map_or(metadata.len(), |range| {
        let left = metadata.len().saturating_sub(range.offset);
        range.length.min(left)
    });
    if wanted > RESOURCE_LIMIT_BYTES {
        return Err(FetchError::TooLarge {
            limit_bytes: RESOURCE_LIMIT_BYTES,
        });
    }
    let mut bytes = Vec::new();
    let start = SeekFrom::Start(range.map_or(0, |range| range.offset));
    file.seek(start)
        .and_then(|_| file.take(wanted).read_to_end(&mut bytes))
        .map_err(|error| into_fetch_error(&error))?;
    Ok(bytes)
}

fn into_fetch_error(error: &io::Error) -> FetchError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => FetchError::NotFound,
        _ => FetchError::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// `package/master.m3u8`, `package/a b/seg.ts` and, beside the package, `secret`.
    fn package() -> (TempDir, Folder) {
        let dir = TempDir::new().unwrap();
        let package = dir.path().join("package");
        fs::create_dir_all(package.join("a b")).unwrap();
        fs::write(package.join("master.m3u8"), "#EXTM3U\n").unwrap();
        fs::write(package.join("a b/seg.ts"), "0123456789").unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        let (folder, playlist) = Folder::of_playlist(&package.join("master.m3u8")).unwrap();
        assert_eq!(playlist, "master.m3u8");
        (dir, folder)
    }

    #[test]
    fn files_are_found_by_their_uri() {
        let (_dir, mut folder) = package();
        for uri in ["a%20b/seg.ts", "a b/seg.ts", "a%20b/seg.ts?token=1"] {
            assert_eq!(
                folder.fetch(uri, None).unwrap().bytes,
                b"0123456789",
                "{uri}"
            );
        }
    }

    #[test]
    fn range_past_the_end_is_what_there_is() {
        let (_dir, mut folder) = package();
        let mut range = |length, offset| {
            let range = ByteRange { length, offset };
            folder.fetch("a%20b/seg.ts", Some(range)).unwrap().bytes
        };
        assert_eq!(range(4, 3), b"3456");
        assert_eq!(range(4, 8), b"89");
        assert_eq!(range(u64::MAX, 99), b"");
    }

    #[test]
    fn nothing_outside_of_the_folder_is_read() {
        let (dir, mut folder) = package();
        let secret = dir.path().join("secret");
        std::os::unix::fs::symlink(&secret, dir.path().join("package/link")).unwrap();
        let absolute = secret.to_str().unwrap();
        for uri in [
            "../secret",
            "a%20b/../../secret",
            "%2e%2e/secret",
            "..%2fsecret",
            "a%20b/..%2f..%2fsecret",
            "link",
            absolute,
            &format!("file://{absolute}"),
            "http://127.0.0.1:9/secret",
            "//127.0.0.1/secret",
        ] {
            let answer = folder.fetch(uri, None);
            assert!(
                matches!(answer, Err(FetchError::OutsidePackage)),
                "{uri}: {answer:?}"
            );
        }
    }

    #[test]
    fn what_is_not_there_is_told_from_what_is_no_file() {
        let (_dir, mut folder) = package();
        assert!(matches!(
            folder.fetch("b.ts", None),
            Err(FetchError::NotFound)
        ));
        assert!(matches!(
            folder.fetch("a b", None),
            Err(FetchError::Failed(_))
        ));
    }
}
