//! A finished package, read as a player reads it: by its playlists and boxes.

use std::fs;
use std::path::{Path, PathBuf};

use streamforge_core::grid::TrackGrid;
use streamforge_core::plan::{Job, Plan};
use streamforge_core::record::ChunkRecord;
use streamforge_hls::isobmff::{Fragment, InitSegment, first_sample_is_idr, fragments};

/// A package and the plan it was made by.
pub(crate) struct Package {
    dir: PathBuf,
    pub(crate) plan: Plan,
}

impl Package {
    pub(crate) fn open(dir: &Path) -> Self {
        let title = fs::read(dir.join(".streamforge/title.json")).expect("the package has a plan");
        let mut title: serde_json::Value =
            serde_json::from_slice(&title).expect("the plan is JSON");
        Self {
            dir: dir.to_owned(),
            plan: serde_json::from_value(title["plan"].take()).expect("the plan is one"),
        }
    }

    /// What was noted of a finished job.
    pub(crate) fn record(&self, job: Job) -> ChunkRecord {
        let name = match job {
            Job::Video(index) => format!("video-{index:05}"),
            Job::Audio(index) => format!("audio-{index:05}"),
        };
        let note = fs::read(self.dir.join(format!(".streamforge/{name}.json")));
        serde_json::from_slice(&note.expect("the job is noted")).expect("the note is a record")
    }

    pub(crate) fn playlist(&self, track: &str) -> Playlist {
        let folder = self.dir.join(track);
        let text = fs::read_to_string(folder.join("index.m3u8")).expect("the track has a playlist");
        Playlist::read(&folder, &text)
    }

    /// The video of the rung of this name, read from CMAF segments.
    pub(crate) fn video(&self, rung: &str) -> Track {
        Track::read(&self.playlist(rung), self.plan.grid.track())
    }

    /// The sound, read from CMAF segments.
    pub(crate) fn audio(&self) -> Track {
        let audio = self.plan.audio.as_ref().expect("the package has sound");
        Track::read(&self.playlist("audio"), audio.grid)
    }
}

/// What a media playlist names.
pub(crate) struct Playlist {
    /// The URI of every `EXT-X-MAP`.
    pub(crate) maps: Vec<PathBuf>,
    /// The `EXTINF` in seconds and the file of every segment.
    pub(crate) segments: Vec<(f64, PathBuf)>,
    /// Whether it ends with `EXT-X-ENDLIST`.
    pub(crate) ended: bool,
}

impl Playlist {
    fn read(folder: &Path, text: &str) -> Self {
        let mut playlist = Self {
            maps: Vec::new(),
            segments: Vec::new(),
            ended: false,
        };
        let mut extinf = None;
        for line in text.lines() {
            if let Some(map) = line.strip_prefix("#EXT-X-MAP:URI=\"") {
                let uri = map.split('"').next().expect("a split has a first part");
                playlist.maps.push(folder.join(uri));
            } else if let Some(info) = line.strip_prefix("#EXTINF:") {
                let secs = info.split(',').next().and_then(|secs| secs.parse().ok());
                extinf = Some(secs.expect("EXTINF starts with a number"));
            } else if line == "#EXT-X-ENDLIST" {
                playlist.ended = true;
            } else if !line.starts_with('#') {
                let secs = extinf.take().expect("a segment has a duration");
                playlist.segments.push((secs, folder.join(line)));
            }
        }
        playlist
    }

    /// What the playlist says that it lasts, in seconds.
    pub(crate) fn duration_secs(&self) -> f64 {
        self.segments.iter().map(|(secs, _)| secs).sum()
    }
}

/// One track: its init segment and the fragments that follow it.
pub(crate) struct Track {
    pub(crate) init: InitSegment,
    pub(crate) fragments: Vec<Fragment>,
    /// The init segment and all segments in a row: a file that any player plays.
    pub(crate) bytes: Vec<u8>,
}

impl Track {
    /// Reads the segments of `playlist` and proves that they stand on `grid` from 0 on without a gap: each of one
    /// fragment that begins with a key frame where the one before it ends, all but the last of the same length.
    fn read(playlist: &Playlist, grid: TrackGrid) -> Self {
        assert!(playlist.ended, "the playlist has ended");
        let [map] = &playlist.maps[..] else {
            panic!("one init segment, not {:?}", playlist.maps);
        };
        let mut bytes = fs::read(map).expect("the init segment is there");
        let init = InitSegment::parse(&bytes).expect("the init segment is one");
        assert!(!init.has_edit_list, "no edit list moves the track");
        assert_eq!(init.timescale, grid.timescale, "time scale");

        let mut track = Vec::new();
        let last = playlist.segments.len() - 1;
        for (index, (extinf, path)) in playlist.segments.iter().enumerate() {
            let at = path.display();
            let segment = fs::read(path).expect("the segment is there");
            let [fragment] = <[Fragment; 1]>::try_from(
                fragments(&segment, &init).expect("the segment is made of fragments"),
            )
            .unwrap_or_else(|all| panic!("{at}: {} fragments", all.len()));

            let number = u32::try_from(index).expect("few segments");
            let samples = fragment.samples.len();
            let whole = grid.samples_per_segment as usize;
            assert_eq!(
                fragment.decode_time,
                grid.segment_start(number),
                "{at}: tfdt"
            );
            assert!(
                samples == whole || (index == last && (1..whole).contains(&samples)),
                "{at}: {samples} samples of {whole}"
            );
            let steady = |sample: u32| sample == grid.ticks_per_sample;
            assert!(
                fragment
                    .samples
                    .iter()
                    .all(|sample| steady(sample.duration)),
                "{at}: every sample lasts {} ticks",
                grid.ticks_per_sample
            );
            assert!(fragment.samples[0].sync, "{at}: starts with a key frame");
            assert!(
                !init.codec.starts_with("avc1") || first_sample_is_idr(&segment, &fragment),
                "{at}: starts with an IDR picture"
            );
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52 ticks")]
            let secs = fragment.duration() as f64 / f64::from(grid.timescale);
            assert!(
                (secs - extinf).abs() < 1e-3,
                "{at}: {secs} s, EXTINF {extinf}"
            );

            bytes.extend_from_slice(&segment);
            track.push(fragment);
        }
        Self {
            init,
            fragments: track,
            bytes,
        }
    }

    /// Samples in all: frames of video, or AAC frames.
    pub(crate) fn samples(&self) -> usize {
        self.fragments
            .iter()
            .map(|fragment| fragment.samples.len())
            .sum()
    }

    /// When every sample is shown, in ticks of the time scale, in the order of presentation.
    pub(crate) fn presentation_times(&self) -> Vec<i64> {
        let mut times = Vec::new();
        for fragment in &self.fragments {
            let mut at = i64::try_from(fragment.decode_time).expect("a time of minutes");
            for sample in &fragment.samples {
                times.push(at + i64::from(sample.composition_offset));
                at += i64::from(sample.duration);
            }
        }
        times.sort_unstable();
        times
    }
}
