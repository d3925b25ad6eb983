//! The files of a package: what they are, and whether playlists name only those that are there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The bytes of every file of a package, the notebook's too, by their paths inside it.
pub(crate) fn contents(package: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut contents = BTreeMap::new();
    let mut folders = vec![package.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the package can be read") {
            let path = entry.expect("the package can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(package).expect("it is inside").to_owned();
                contents.insert(name, fs::read(&path).expect("the file can be read"));
            }
        }
    }
    contents
}

/// Proves that two packages are the same, byte for byte.
pub(crate) fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (contents(one), contents(other));
    let names = |package: &BTreeMap<PathBuf, Vec<u8>>| package.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for (name, bytes) in &one {
        assert!(other[name] == *bytes, "{} differs", name.display());
    }
}

/// Tells whether a file was written again: writing replaces it by another one.
pub(crate) fn identity(path: &Path) -> (u64, i64, i64) {
    let file = fs::metadata(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    (file.ino(), file.mtime(), file.mtime_nsec())
}

/// The texts of every playlist, WebVTT track and DASH manifest of a package, as far as they are there.
pub(crate) fn playlists(package: &Path) -> BTreeMap<PathBuf, String> {
    let Ok(tracks) = fs::read_dir(package) else {
        return BTreeMap::new();
    };
    let tracks = tracks.map(|entry| entry.expect("the package can be read").path());
    // The multivariant playlist first: what it names was written before it.
    let mut paths = vec![package.join("master.m3u8")];
    for track in tracks.filter(|path| path.is_dir()) {
        paths.extend(["index.m3u8", "iframes.m3u8", "storyboard.vtt"].map(|name| track.join(name)));
    }
    paths
        .into_iter()
        .filter_map(|path| Some((path.clone(), fs::read_to_string(path).ok()?)))
        .collect()
}

/// Proves that every file which the playlists of a package name is there, and says how many they name.
pub(crate) fn assert_published_is_there(package: &Path) -> usize {
    let mut named = 0;
    for (playlist, text) in playlists(package) {
        let folder = playlist.parent().expect("a playlist is in a folder");
        for uri in uris(&text) {
            let path = folder.join(uri);
            assert!(path.is_file(), "{} names {uri}", playlist.display());
            named += 1;
        }
    }
    named
}

/// What a playlist or storyboard track names, without fragments.
pub(crate) fn uris(text: &str) -> Vec<&str> {
    let mut uris = Vec::new();
    for line in text.lines() {
        if let Some((_, uri)) = line.split_once("URI=\"") {
            uris.push(uri.split('"').next().expect("a split has a first part"));
        } else if !line.is_empty()
            && !line.starts_with('#')
            && line != "WEBVTT"
            && !line.contains("-->")
        {
            uris.push(line.split('#').next().expect("a split has a first part"));
        }
    }
    uris
}
