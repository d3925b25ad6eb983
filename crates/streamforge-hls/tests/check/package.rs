//! Whole packages in memory that break no rule, to break one at a time.

use std::collections::BTreeMap;

use streamforge_hls::check::{Delivery, Fetch, FetchError, Fetched, Report, check};
use streamforge_hls::media_playlist::ByteRange;

use crate::{fmp4, transport_stream};

/// Segments of every track.
const SEGMENTS: u64 = 3;

/// A package in memory.
#[derive(Default)]
pub(crate) struct Package {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// How a server delivers the files; empty for a folder.
    pub(crate) deliveries: BTreeMap<String, Delivery>,
    /// What was fetched, in order.
    pub(crate) fetched: Vec<String>,
}

/// A variant stream to make a package of.
pub(crate) struct Rung<T> {
    pub(crate) name: &'static str,
    pub(crate) size: (u16, u16),
    pub(crate) codec: String,
    pub(crate) media: T,
}

impl Fetch for Package {
    fn fetch(&mut self, uri: &str, range: Option<ByteRange>) -> Result<Fetched, FetchError> {
        self.fetched.push(uri.to_owned());
        if uri.starts_with("..") {
            return Err(FetchError::OutsidePackage);
        }
        let mut bytes = &self.files.get(uri).ok_or(FetchError::NotFound)?[..];
        if let Some(ByteRange { length, offset }) = range {
            let at = |position: u64| usize::try_from(position).unwrap().min(bytes.len());
            bytes = &bytes[at(offset)..at(offset + length)];
        }
        Ok(Fetched {
            bytes: bytes.to_vec(),
            delivery: self.deliveries.get(uri).cloned(),
        })
    }
}

impl Package {
    /// Two variants of H.264 and their audio in fMP4, with I-frame playlists of a frame a second.
    pub(crate) fn fmp4() -> Self {
        Self::of_tracks(&Self::rungs(), &fmp4::Track::audio())
    }

    /// What [`Package::fmp4`] is made of.
    pub(crate) fn rungs() -> [Rung<fmp4::Track>; 2] {
        [
            Self::rung("360p", (640, 360), 0x1e, 800),
            Self::rung("234p", (416, 234), 0x0d, 400),
        ]
    }

    pub(crate) fn rung(
        name: &'static str,
        size: (u16, u16),
        level: u8,
        idr_bytes: u32,
    ) -> Rung<fmp4::Track> {
        Rung {
            name,
            size,
            codec: format!("avc1.6400{level:02x}"),
            media: fmp4::Track::video(size.0, size.1, level, idr_bytes),
        }
    }

    pub(crate) fn of_tracks(rungs: &[Rung<fmp4::Track>; 2], audio: &fmp4::Track) -> Self {
        let mut package = Self::default();
        package.add_track("audio", audio);
        for rung in rungs {
            package.add_track(rung.name, &rung.media);
            package.add_i_frames(rung.name, &rung.media);
        }
        package.add_multivariant(rungs);
        package
    }

    /// The same with audio description, captions and subtitles, all as the rules want them.
    pub(crate) fn fmp4_with_renditions() -> Self {
        let mut package = Self::fmp4();
        package.add_track("described", &fmp4::Track::audio());
        let mut entries = Vec::new();
        for number in 0..SEGMENTS {
            let cue = "00:01.000 --> 00:02.000\nHi\n";
            let text = format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n{cue}");
            package.add_text(&format!("subtitles/{number}.vtt"), &text);
            entries.push(format!("#EXTINF:6.000000,\n{number}.vtt\n"));
        }
        package.add_text("subtitles/index.m3u8", &media_playlist("", &entries));
        package.edit(
            "master.m3u8",
            "#EXT-X-STREAM-INF",
            "\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio description\",LANGUAGE=\"en\",\
            AUTOSELECT=YES,CHARACTERISTICS=\"public.accessibility.describes-video\",CHANNELS=\"2\",\
            URI=\"described/index.m3u8\"\n\
            #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"English\",LANGUAGE=\"en\",\
            AUTOSELECT=YES,CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,\
            public.accessibility.describes-music-and-sound\",URI=\"subtitles/index.m3u8\"\n\
            #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"Forced\",LANGUAGE=\"de\",\
            FORCED=YES,AUTOSELECT=YES,URI=\"subtitles/index.m3u8\"\n\
            #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"CC\",LANGUAGE=\"en\",\
            INSTREAM-ID=\"CC1\"\n\
            #EXT-X-STREAM-INF",
        );
        package.edit_all("master.m3u8", "mp4a.40.2\"", "mp4a.40.2,wvtt\"");
        let groups = ",AUDIO=\"audio\",SUBTITLES=\"text\",CLOSED-CAPTIONS=\"cc\"";
        package.edit_all("master.m3u8", ",AUDIO=\"audio\"", groups);
        package
    }

    /// Two variants of H.264 and their audio in MPEG-TS.
    pub(crate) fn transport_stream() -> Self {
        Self::of_transport_streams(Self::transport_stream_rungs())
    }

    /// What [`Package::transport_stream`] is made of.
    pub(crate) fn transport_stream_rungs() -> [Rung<transport_stream::Writer>; 2] {
        let rung = |name, size, level, bits| {
            let parameters = transport_stream::sequence_parameter_set(level, bits);
            Rung {
                name,
                size,
                codec: format!("avc1.6400{level:02x}"),
                media: transport_stream::Writer::video(&parameters),
            }
        };
        // 40 by 23 macroblocks less four pairs of rows, and 26 by 15 less three.
        let large = "1 011 010 0 00000101000 000010111 1 1 1 1 1 1 00101 0";
        let small = "1 011 010 0 000011010 0001111 1 1 1 1 1 1 00100 0";
        [
            rung("360p", (640, 360), 0x1e, large),
            rung("234p", (416, 234), 0x0d, small),
        ]
    }

    pub(crate) fn of_transport_streams(mut rungs: [Rung<transport_stream::Writer>; 2]) -> Self {
        let mut package = Self::default();
        package.add_transport_stream("audio", &mut transport_stream::Writer::audio());
        for rung in &mut rungs {
            package.add_transport_stream(rung.name, &mut rung.media);
            // The two tables and the one packet of the first picture.
            let bytes = 3 * transport_stream::PACKET;
            let entries: Vec<String> = (0..SEGMENTS)
                .map(|number| {
                    format!("#EXTINF:6.000000,\n#EXT-X-BYTERANGE:{bytes}@0\nseg_{number}.ts\n")
                })
                .collect();
            let playlist = media_playlist("#EXT-X-I-FRAMES-ONLY\n", &entries);
            package.add_text(&format!("{}/iframes.m3u8", rung.name), &playlist);
        }
        package.add_multivariant(&rungs);
        package
    }

    /// The fMP4 package as a server delivers it by the rules.
    pub(crate) fn delivered() -> Self {
        let mut package = Self::fmp4();
        for uri in package.files.keys() {
            let content_type = match uri.rsplit('.').next() {
                Some("m3u8") => "application/vnd.apple.mpegurl; charset=utf-8",
                Some("m4s") => "video/iso.segment",
                _ => "video/mp4",
            };
            let delivery = Delivery {
                content_type: Some(content_type.to_owned()),
                content_encoding: uri.contains(".m3u8").then(|| "gzip".to_owned()),
                redirected_to: None,
                tls: true,
            };
            package.deliveries.insert(uri.clone(), delivery);
        }
        package
    }

    pub(crate) fn check(&mut self) -> Report {
        check("master.m3u8", self)
    }

    pub(crate) fn text(&self, file: &str) -> String {
        String::from_utf8(self.files[file].clone()).unwrap()
    }

    pub(crate) fn add_text(&mut self, file: &str, text: &str) {
        self.files.insert(file.to_owned(), text.into());
    }

    /// Replaces the first `from` in a file, which must be there.
    pub(crate) fn edit(&mut self, file: &str, from: &str, to: &str) {
        let text = self.text(file);
        assert!(text.contains(from), "no {from:?} in {text}");
        self.add_text(file, &text.replacen(from, to, 1));
    }

    /// Replaces every `from` in a file, which must be there.
    pub(crate) fn edit_all(&mut self, file: &str, from: &str, to: &str) {
        let text = self.text(file);
        assert!(text.contains(from), "no {from:?} in {text}");
        self.add_text(file, &text.replace(from, to));
    }

    /// Replaces every `from` in every playlist but the multivariant one.
    pub(crate) fn edit_media_playlists(&mut self, from: &str, to: &str) {
        let files: Vec<String> = self.files.keys().cloned().collect();
        for file in (files.iter()).filter(|f| f.ends_with("m3u8") && *f != "master.m3u8") {
            self.edit_all(file, from, to);
        }
    }

    /// Replaces `from` in the one line of the multivariant playlist that has all of `marks`.
    pub(crate) fn edit_line(&mut self, marks: &[&str], from: &str, to: &str) {
        let text = self.text("master.m3u8");
        let has_marks = |line: &&str| marks.iter().all(|mark| line.contains(mark));
        let lines: Vec<&str> = text.lines().filter(has_marks).collect();
        let [line] = lines[..] else {
            panic!("not one line with {marks:?} in {text}");
        };
        assert!(line.contains(from), "no {from:?} in {line}");
        let edited = text.replace(line, &line.replacen(from, to, 1));
        self.add_text("master.m3u8", &edited);
    }

    /// Takes an attribute out of the one line of the multivariant playlist that has all of `marks`.
    pub(crate) fn remove_attribute(&mut self, marks: &[&str], name: &str) {
        let text = self.text("master.m3u8");
        let line = text
            .lines()
            .find(|line| marks.iter().all(|mark| line.contains(mark)))
            .unwrap();
        let start = line
            .find(&format!(",{name}="))
            .expect("the attribute is there");
        let value = start + name.len() + 2;
        let end = match line[value..].strip_prefix('"') {
            Some(quoted) => value + 1 + quoted.find('"').unwrap() + 1,
            None => line[value..]
                .find(',')
                .map_or(line.len(), |len| value + len),
        };
        let attribute = line[start..end].to_owned();
        self.edit_line(marks, &attribute, "");
    }

    /// Takes the lines that `unwanted` picks out of a playlist.
    pub(crate) fn remove_lines(&mut self, file: &str, unwanted: impl Fn(&str) -> bool) {
        let text = self.text(file);
        let kept: String = (text.lines().filter(|line| !unwanted(line)))
            .flat_map(|line| [line, "\n"])
            .collect();
        assert_ne!(kept, text, "nothing was taken out");
        self.add_text(file, &kept);
    }

    /// Takes the last segment out of a playlist.
    pub(crate) fn remove_last_segment(&mut self, file: &str) {
        let text = self.text(file);
        let at = text.rfind("#EXTINF").unwrap();
        self.add_text(file, &(text[..at].to_owned() + "#EXT-X-ENDLIST\n"));
    }

    /// Writes bytes over those that start `skip` bytes after the first `marker` of a file.
    pub(crate) fn patch(&mut self, file: &str, marker: &[u8], skip: usize, bytes: &[u8]) {
        let content = self.files.get_mut(file).unwrap();
        let mut windows = content.windows(marker.len());
        let at = windows
            .position(|window| window == marker)
            .expect("the marker is there");
        content[at + skip..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Makes every BANDWIDTH and AVERAGE-BANDWIDTH of a variant what its segments, which all last
    /// equally long, have.
    pub(crate) fn declare_rates(&mut self) {
        let rates = |package: &Self, name: &str| {
            let is_own =
                |file: &&String| file.starts_with(&format!("{name}/")) && file.contains("seg_");
            let files = package.files.keys().filter(is_own);
            let sizes: Vec<usize> = files.map(|file| package.files[file].len()).collect();
            let secs = package.number_after(&format!("{name}/index.m3u8"), "#EXTINF:");
            let total: usize = sizes.iter().sum();
            (
                sizes.iter().max().unwrap() * 8 / secs,
                total * 8 / (secs * sizes.len()),
            )
        };
        let (audio_peak, audio_average) = rates(self, "audio");
        let text = self.text("master.m3u8");
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines
            .windows(2)
            .filter(|pair| pair[0].starts_with("#EXT-X-STREAM-INF"))
        {
            let (peak, average) = rates(self, pair[1].split('/').next().unwrap());
            let (peak, average) = (peak + audio_peak, average + audio_average);
            let (_, rest) = pair[0].split_once(",CODECS").unwrap();
            let rates = format!("BANDWIDTH={peak},AVERAGE-BANDWIDTH={average}");
            self.edit(
                "master.m3u8",
                pair[0],
                &format!("#EXT-X-STREAM-INF:{rates},CODECS{rest}"),
            );
        }
    }

    /// Adds the playlist, init segment and segments of a track.
    pub(crate) fn add_track(&mut self, name: &str, track: &fmp4::Track) {
        self.add_track_from(name, track, 0);
    }

    /// The same, starting at a decode time.
    pub(crate) fn add_track_from(&mut self, name: &str, track: &fmp4::Track, decode_time: u64) {
        self.files.insert(format!("{name}/init.mp4"), track.init());
        let seconds = track.segment_ticks() / u64::from(track.timescale);
        let mut entries = Vec::new();
        for number in 0..SEGMENTS {
            let segment = track.segment(decode_time + number * track.segment_ticks());
            let uri = format!("{name}/seg_{number}.m4s");
            self.files.insert(uri, segment.bytes);
            entries.push(format!("#EXTINF:{seconds}.000000,\nseg_{number}.m4s\n"));
        }
        let playlist = media_playlist("#EXT-X-MAP:URI=\"init.mp4\"\n", &entries);
        self.add_text(&format!("{name}/index.m3u8"), &playlist);
    }

    fn add_i_frames(&mut self, name: &str, track: &fmp4::Track) {
        let mut entries = Vec::new();
        for number in 0..SEGMENTS {
            let segment = track.segment(number * track.segment_ticks());
            let ticks = track.segment_ticks() / segment.i_frames.len() as u64;
            let seconds = ticks / u64::from(track.timescale);
            for (offset, length) in segment.i_frames {
                let range = format!("#EXT-X-BYTERANGE:{length}@{offset}");
                entries.push(format!(
                    "#EXTINF:{seconds}.000000,\n{range}\nseg_{number}.m4s\n"
                ));
            }
        }
        let tags = "#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"init.mp4\"\n";
        self.add_text(
            &format!("{name}/iframes.m3u8"),
            &media_playlist(tags, &entries),
        );
    }

    fn add_transport_stream(&mut self, name: &str, writer: &mut transport_stream::Writer) {
        let mut entries = Vec::new();
        for number in 0..SEGMENTS {
            let uri = format!("{name}/seg_{number}.ts");
            self.files.insert(uri, writer.segment());
            entries.push(format!("#EXTINF:6.000000,\nseg_{number}.ts\n"));
        }
        self.add_text(&format!("{name}/index.m3u8"), &media_playlist("", &entries));
    }

    fn add_multivariant<T>(&mut self, rungs: &[Rung<T>]) {
        let stream = |rung: &Rung<T>| {
            let Rung {
                name,
                size: (width, height),
                codec,
                ..
            } = rung;
            format!(
                "#EXT-X-STREAM-INF:BANDWIDTH=0,AVERAGE-BANDWIDTH=0,CODECS=\"{codec},mp4a.40.2\",\
                 RESOLUTION={width}x{height},FRAME-RATE=25.000,AUDIO=\"audio\"\n{name}/index.m3u8\n"
            )
        };
        let i_frame_stream = |rung: &Rung<T>| {
            let Rung {
                name,
                size: (width, height),
                codec,
                ..
            } = rung;
            let rate = self.i_frame_rate(name);
            format!(
                "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={rate},AVERAGE-BANDWIDTH={rate},\
                 CODECS=\"{codec}\",RESOLUTION={width}x{height},URI=\"{name}/iframes.m3u8\"\n"
            )
        };
        let streams: String = rungs.iter().map(stream).collect();
        let i_frame_streams: String = rungs.iter().map(i_frame_stream).collect();
        self.add_text(
            "master.m3u8",
            &format!(
                "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Original\",LANGUAGE=\"und\",\
             DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"audio/index.m3u8\"\n\
             {streams}{i_frame_streams}"
            ),
        );
        self.declare_rates();
    }

    /// The bit rate of an I-frame playlist whose entries are all alike.
    fn i_frame_rate(&self, name: &str) -> usize {
        let uri = format!("{name}/iframes.m3u8");
        self.number_after(&uri, "#EXT-X-BYTERANGE:") * 8 / self.number_after(&uri, "#EXTINF:")
    }

    /// The whole number after the first `mark` in a file.
    pub(crate) fn number_after(&self, file: &str, mark: &str) -> usize {
        let text = self.text(file);
        let (_, rest) = text.split_once(mark).unwrap();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
        rest[..end].parse().unwrap()
    }
}

/// A VOD media playlist with these tags and entries.
fn media_playlist(tags: &str, entries: &[String]) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n{tags}{}#EXT-X-ENDLIST\n",
        entries.concat()
    )
}
