//! Whether the data has a place.

use std::path::Path;

use indicatif::DecimalBytes;

use super::Finding;

/// Less is full soon: a source and its stream may take some gigabytes.
const LITTLE_BYTES: u64 = 10_000_000_000;

/// With less, uploads are refused or soon will be.
const TOO_LITTLE_BYTES: u64 = 500_000_000;

pub(super) fn look(data: &Path) -> Vec<Finding> {
    let named = data.display();
    let elsewhere = "use another folder: streamforge up --data DIR";
    let absolute = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let Some(there) = absolute.ancestors().find(|folder| folder.exists()) else {
        return vec![Finding::broken(
            format!("{named} cannot be made"),
            elsewhere,
        )];
    };
    if !there.is_dir() {
        let what = format!("{} is no folder", there.display());
        return vec![Finding::broken(what, elsewhere)];
    }
    // Written to rather than asked about: there are file systems that only say that they can be.
    if let Err(err) = tempfile::tempfile_in(there) {
        let what = format!("{} cannot be written to: {err}", there.display());
        let mend = format!("sudo chown \"$USER\" {}, or {elsewhere}", there.display());
        return vec![Finding::broken(what, mend)];
    }
    let mut findings = vec![Finding::good(format!("{named} can be written to"))];
    findings.extend(rustix::fs::statvfs(there).ok().map(|disk| {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        judge_space(free, &named.to_string())
    }));
    findings
}

fn judge_space(free: u64, data: &str) -> Finding {
    let what = format!("{} are free for {data}", DecimalBytes(free));
    let mend = "delete what is not needed, or use a larger disk: streamforge up --data DIR";
    if free < TOO_LITTLE_BYTES {
        Finding::broken(what, mend)
    } else if free < LITTLE_BYTES {
        Finding::poor(what, mend)
    } else {
        Finding::good(what)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn little_space_is_poor_and_next_to_none_is_broken() {
        let verdict = |free| judge_space(free, "data").verdict;
        assert_eq!(verdict(20_000_000_000), Verdict::Good);
        assert_eq!(verdict(5_000_000_000), Verdict::Poor);
        assert_eq!(verdict(100_000_000), Verdict::Broken);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_the_one_it_will_be_in() {
        let dir = tempfile::tempdir().unwrap();
        let findings = look(&dir.path().join("a/b"));
        assert_eq!(findings[0].verdict, Verdict::Good, "{findings:?}");
        assert!(!dir.path().join("a").exists());

        std::fs::write(dir.path().join("file"), "").unwrap();
        let findings = look(&dir.path().join("file/b"));
        assert!(findings[0].what.contains("is no folder"), "{findings:?}");
        assert_eq!(findings[0].verdict, Verdict::Broken);
    }
}
