//! File names as people have them: nothing in a name is ever taken for an option, a pattern or a URL.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use super::run::Run;
use super::sandbox::Sandbox;

#[test]
fn any_name_is_only_a_name() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 1);
    let names = [
        "two words.mp4",
        "it's \"quoted\".mp4",
        "-i.mp4",
        "new\nline.mp4",
        "100%d [glob]*?.mp4",
        "http:!!host!a#b&c=d.mp4",
        "pipe:0",
        "größe 動画.mp4",
        "$(touch harm).mp4",
    ];
    let mut names: Vec<OsString> = names.into_iter().map(OsString::from).collect();
    names.push(OsString::from_vec(b"not \xff UTF-8.mp4".to_vec()));
    for (number, name) in names.iter().enumerate() {
        let folder = sandbox.path(format!("names-{number}"));
        fs::create_dir(&folder).unwrap();
        fs::hard_link(&source, folder.join(name)).unwrap();
        let mut output = name.clone();
        output.push(" stream");

        let mut command = sandbox.streamforge();
        command
            .current_dir(&folder)
            .args(["transcode", "--json", "--segment-secs", "1"]);
        command.arg("--ladder").arg(sandbox.ladder(&[180]));
        // A value after an option is a value, whatever it starts with; a name that starts with a dash comes after two of them.
        let mut option = OsString::from("--output=");
        option.push(&output);
        Run::through(command.arg(option).arg("--").arg(name));

        let made: Vec<OsString> = entries(&folder);
        let mut expected = vec![name.clone(), output.clone()];
        expected.sort();
        assert_eq!(made, expected, "only the package was made");

        let mut check = sandbox.streamforge();
        let checked = check
            .current_dir(&folder)
            .arg("check")
            .arg("--")
            .arg(&output)
            .output();
        let checked = checked.expect("the program can be started");
        assert!(checked.status.success(), "{output:?}: {checked:?}");
    }
    sandbox.assert_nothing_left_behind();
}

fn entries(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let mut names: Vec<OsString> = entries
        .map(|entry| entry.expect("the folder can be read").file_name())
        .collect();
    names.sort_by(|one: &OsString, other| OsStr::cmp(one, other));
    names
}

#[test]
fn a_name_that_starts_with_a_dash_can_also_be_given_by_its_folder() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 1);
    fs::rename(source, sandbox.path("work/-vf.mp4")).unwrap();
    Run::through(&mut sandbox.transcode("./-vf.mp4".as_ref(), "../out".as_ref()));
    sandbox.assert_follows_the_rules(&sandbox.path("out"));
}
