//! Media made by FFmpeg for one test, and looked at with it.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// A folder for the files of one test, which goes when the test ends.
pub(crate) struct MediaDir(TempDir);

impl MediaDir {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("there is a folder for temporary files"))
    }

    /// Where the file `name` of this folder is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `ffmpeg` inside the folder, its `arguments` split at spaces, and takes what it writes to its standard output.
    pub(crate) fn ffmpeg(&self, arguments: &str) -> Vec<u8> {
        let ran = Command::new("ffmpeg")
            .args(["-hide_banner", "-nostdin", "-y", "-v", "error"])
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("ffmpeg is installed");
        assert!(
            ran.status.success(),
            "ffmpeg {arguments}: {}\n{}",
            ran.status,
            String::from_utf8_lossy(&ran.stderr)
        );
        ran.stdout
    }

    /// When the packets of the first video track of `file` are presented, in ticks of its clock, in that order.
    pub(crate) fn packet_times(&self, file: &str) -> Vec<u64> {
        let listed = self.ffmpeg(&format!(
            "-copyts -i {file} -map 0:v:0 -c copy -avoid_negative_ts disabled -f framecrc -"
        ));
        let listed = String::from_utf8(listed).expect("framecrc is text");
        let packets = listed.lines().filter(|line| !line.starts_with('#'));
        let mut times: Vec<u64> = packets
            .map(|line| line.split(',').nth(2).expect("the third field is the time"))
            .map(|time| time.trim().parse().expect("a positive time"))
            .collect();
        times.sort_unstable();
        times
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("the folder can be written to");
    }

    /// Changes the bytes of a file.
    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::fs::read(self.path(name)).expect("the file was made before");
        change(&mut bytes);
        self.write(name, &bytes);
    }

    /// The MD5 of every picture that comes out of `filters` for the first video track of `file`, in order.
    pub(crate) fn picture_hashes(&self, file: &str, filters: &str) -> Vec<String> {
        let listed = self.ffmpeg(&format!(
            "-copyts -i {file} -map 0:v:0 -vf {filters} -fps_mode passthrough -f framemd5 -"
        ));
        let listed = String::from_utf8(listed).expect("framemd5 is text");
        listed
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit(',').next())
            .map(|hash| hash.trim().to_owned())
            .collect()
    }

    /// The samples of the first audio track of `file`, its channels mixed, from -1 to 1.
    pub(crate) fn sound(&self, file: &str) -> Vec<f64> {
        let raw = self.ffmpeg(&format!("-i {file} -map 0:a:0 -ac 1 -f f64le -"));
        let samples = raw.chunks_exact(size_of::<f64>());
        samples
            .map(|sample| f64::from_le_bytes(sample.try_into().expect("eight bytes")))
            .collect()
    }

    /// The mean brightness of every picture of `file`, from 0 to 255.
    pub(crate) fn brightness(&self, file: &str) -> Vec<u8> {
        self.ffmpeg(&format!(
            "-i {file} -map 0:v:0 -vf scale=1:1:flags=area,format=gray -fps_mode passthrough -f rawvideo -"
        ))
    }
}
