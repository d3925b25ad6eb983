//! Where a playlist's URIs lead.

/// The URI `reference` of the resource at `base`, relative to what `base` is relative to, without
/// `.` and `..` segments where they can be taken out
/// ([RFC 3986 §5.2](https://www.rfc-editor.org/rfc/rfc3986#section-5.2)).
///
/// What leaves the folder of the multivariant playlist keeps its leading `..`, `/` or scheme, so
/// that whoever fetches it can refuse. A fragment is cut off; a query stays.
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    let reference = reference.split('#').next().unwrap_or_default();
    if is_absolute(reference) {
        return reference.to_owned();
    }
    let base = base.split(['?', '#']).next().unwrap_or_default();
    if reference.is_empty() {
        return base.to_owned();
    }
    let (root, base_path) = split_root(base);
    if reference.starts_with("//") {
        let scheme_len = root.find("//").unwrap_or(0);
        return format!("{}{reference}", &root[..scheme_len]);
    }
    if let Some(path) = reference.strip_prefix('/') {
        let host = root.trim_end_matches('/');
        return format!("{host}/{}", without_dots("", path));
    }
    let folder = base_path.rfind('/').map_or("", |end| &base_path[..end]);
    // A host may stand without the slash that starts its path.
    let slash = if root.is_empty() || root.ends_with('/') {
        ""
    } else {
        "/"
    };
    format!("{root}{slash}{}", without_dots(folder, reference))
}

/// Whether a reference starts with a scheme, such as `https:`.
fn is_absolute(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && (scheme.bytes()).all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

/// Splits off the part of a URI that a path starting with `/` leaves alone: scheme and host with
/// the slash after them, the slash of an absolute path, or nothing.
fn split_root(uri: &str) -> (&str, &str) {
    let after_scheme = if is_absolute(uri) {
        uri.find("//").map_or(0, |at| at + 2)
    } else {
        0
    };
    let root_len = match (after_scheme, uri[after_scheme..].find('/')) {
        (0, Some(0)) => 1,
        (0, _) => 0,
        (_, Some(slash)) => after_scheme + slash + 1,
        (_, None) => uri.len(),
    };
    uri.split_at(root_len)
}

/// `folder/path` with `.` and `..` segments taken out as far as they do not lead out of it.
fn without_dots(folder: &str, path: &str) -> String {
    let (path, query) = match path.find('?') {
        Some(at) => path.split_at(at),
        None => (path, ""),
    };
    let mut kept: Vec<&str> = Vec::new();
    let folders = folder.split('/').filter(|segment| !segment.is_empty());
    for segment in folders.chain(path.split('/')) {
        match segment {
            "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    format!("{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_uris_are_those_beside_the_playlist() {
        assert_eq!(resolve("master.m3u8", "720p/index.m3u8"), "720p/index.m3u8");
        assert_eq!(resolve("720p/index.m3u8", "seg.m4s"), "720p/seg.m4s");
        assert_eq!(
            resolve("720p/index.m3u8", "./seg.m4s?a=/b/../c#f"),
            "720p/seg.m4s?a=/b/../c"
        );
        assert_eq!(
            resolve("720p/index.m3u8?token=1", "../audio/seg.m4s"),
            "audio/seg.m4s"
        );
    }

    #[test]
    fn uris_that_leave_the_folder_can_be_told() {
        assert_eq!(resolve("720p/index.m3u8", "../../secret"), "../secret");
        assert_eq!(resolve("index.m3u8", "../../secret"), "../../secret");
        assert_eq!(resolve("index.m3u8", "a/../../secret"), "../secret");
        assert_eq!(resolve("720p/index.m3u8", "/etc/passwd"), "/etc/passwd");
        assert_eq!(
            resolve("720p/index.m3u8", "file:///etc/passwd"),
            "file:///etc/passwd"
        );
        assert_eq!(resolve("index.m3u8", "//example.com/a"), "//example.com/a");
    }

    #[test]
    fn absolute_uris_are_bases_too() {
        let base = "https://example.com/v/1/index.m3u8";
        assert_eq!(resolve(base, "seg.ts"), "https://example.com/v/1/seg.ts");
        assert_eq!(
            resolve(base, "../2/seg.ts"),
            "https://example.com/v/2/seg.ts"
        );
        assert_eq!(resolve(base, "/seg.ts"), "https://example.com/seg.ts");
        assert_eq!(
            resolve(base, "//cdn.example/seg.ts"),
            "https://cdn.example/seg.ts"
        );
        assert_eq!(
            resolve("https://example.com", "seg.ts"),
            "https://example.com/seg.ts"
        );
    }

    #[test]
    fn colon_in_a_path_is_no_scheme() {
        assert_eq!(resolve("a/index.m3u8", "12:30/seg.ts"), "a/12:30/seg.ts");
    }

    proptest::proptest! {
        #[test]
        fn any_two_strings_resolve(base: String, reference: String) {
            resolve(&base, &reference);
        }
    }
}
