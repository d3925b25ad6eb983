//! Writes just enough fragmented MP4 to be judged.

/// What the init segment and the segments of one track are made of.
pub(crate) struct Track {
    pub(crate) timescale: u32,
    /// Of every sample, in timescale units.
    pub(crate) sample_duration: u32,
    /// The sample entry, without its header: kind and body.
    pub(crate) entry: ([u8; 4], Vec<u8>),
    pub(crate) handler: [u8; 4],
    /// Samples of one fragment.
    pub(crate) fragment: Vec<Vec<u8>>,
    /// Fragments of one segment.
    pub(crate) fragments: u64,
    /// How much later than decoded every sample is presented, in timescale units.
    pub(crate) composition_offset: u32,
    /// The media time the edit list starts with; 0 for none.
    pub(crate) edit_start: u32,
}

/// A segment, and the ranges (offset, length) from each `moof` to the end of its first sample.
pub(crate) struct Segment {
    pub(crate) bytes: Vec<u8>,
    pub(crate) i_frames: Vec<(usize, usize)>,
}

impl Track {
    /// H.264 of 25 frames a second, a second in each fragment and six in each segment. `level` is
    /// the last byte of the codec's name.
    pub(crate) fn video(width: u16, height: u16, level: u8, idr_bytes: u32) -> Self {
        let picture = |kind, len| {
            [
                &u32::to_be_bytes(len)[..],
                &[kind],
                &vec![0x88; len as usize - 1],
            ]
            .concat()
        };
        let mut fragment = vec![picture(0x65, idr_bytes)];
        fragment.resize_with(25, || picture(0x41, 40));
        let fields = [
            &[0; 24][..],
            &width.to_be_bytes(),
            &height.to_be_bytes(),
            &[0; 50],
        ]
        .concat();
        let avcc = bx(*b"avcC", &[1, 0x64, 0, level, 0xff, 0xe0, 0]);
        let colr = bx(*b"colr", b"nclx\0\x01\0\x01\0\x01\0");
        Self {
            timescale: 25_000,
            sample_duration: 1000,
            entry: (*b"avc1", [fields, avcc, colr].concat()),
            handler: *b"vide",
            fragment,
            fragments: 6,
            composition_offset: 0,
            edit_start: 0,
        }
    }

    /// Adds copies of the last sample to the fragment.
    pub(crate) fn lengthen_fragment(&mut self, samples: usize) {
        let last = self.fragment.last().expect("there are samples").clone();
        self.fragment.resize(samples, last);
    }

    /// The same pictures by the name and configuration of another codec.
    pub(crate) fn with_codec(mut self, kind: [u8; 4], configuration: &[u8]) -> Self {
        let fields = &self.entry.1[..78];
        self.entry = (kind, [fields, configuration].concat());
        self
    }

    /// Stereo AAC-LC in frames of 20 ms.
    pub(crate) fn audio() -> Self {
        Self::audio_of(2, 2)
    }

    /// AAC of this object type and so many channels.
    pub(crate) fn audio_of(object_type: u8, channels: u8) -> Self {
        let rate = (48_000_u32 << 16).to_be_bytes();
        let fields = [&[0; 16][..], &[0, channels, 0, 16, 0, 0, 0, 0], &rate];
        let specific = descriptor(5, &[object_type << 3, 0]);
        let config = descriptor(4, &[&[0x40, 0x15][..], &[0; 11], &specific].concat());
        let es = descriptor(3, &[&[0, 1, 0][..], &config].concat());
        let esds = bx(*b"esds", &[&[0; 4][..], &es].concat());
        Self {
            timescale: 48_000,
            sample_duration: 960,
            entry: (*b"mp4a", [fields.concat(), esds].concat()),
            handler: *b"soun",
            fragment: vec![vec![0x21; 250]; 300],
            fragments: 1,
            composition_offset: 0,
            edit_start: 0,
        }
    }

    pub(crate) fn init(&self) -> Vec<u8> {
        self.init_with_tracks(1)
    }

    /// The init segment with the track so many times.
    pub(crate) fn init_with_tracks(&self, tracks: usize) -> Vec<u8> {
        let (kind, body) = &self.entry;
        let entry = bx(*kind, body);
        let stsd = bx(*b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &entry].concat());
        let minf = bx(*b"minf", &bx(*b"stbl", &stsd));
        let mdhd = bx(
            *b"mdhd",
            &[&[0; 12][..], &self.timescale.to_be_bytes(), &[0; 8]].concat(),
        );
        let hdlr = bx(*b"hdlr", &[&[0; 8][..], &self.handler, &[0; 13]].concat());
        let mdia = bx(*b"mdia", &[mdhd, hdlr, minf].concat());
        let tkhd = bx(*b"tkhd", &[&[0; 12][..], &[0, 0, 0, 1], &[0; 68]].concat());
        let edit = [0, 1, 0, self.edit_start, 0x0001_0000].map(u32::to_be_bytes);
        let edits = match self.edit_start {
            0 => Vec::new(),
            _ => bx(*b"edts", &bx(*b"elst", &edit.concat())),
        };
        let trak = bx(*b"trak", &[tkhd, edits, mdia].concat()).repeat(tracks);
        let defaults = [1, 1, self.sample_duration, 0, 0]
            .map(u32::to_be_bytes)
            .concat();
        let trex = bx(*b"trex", &[&[0; 4][..], &defaults].concat());
        let moov = bx(*b"moov", &[trak, bx(*b"mvex", &trex)].concat());
        [bx(*b"ftyp", b"cmfc\0\0\0\0cmfc"), moov].concat()
    }

    /// How long a segment lasts, in timescale units.
    pub(crate) fn segment_ticks(&self) -> u64 {
        self.fragments * self.fragment.len() as u64 * u64::from(self.sample_duration)
    }

    /// The segment that starts at a decode time.
    pub(crate) fn segment(&self, decode_time: u64) -> Segment {
        let mut bytes = bx(*b"styp", b"cmfs\0\0\0\0cmfs");
        let mut i_frames = Vec::new();
        for fragment in 0..self.fragments {
            let moof = self.moof(decode_time + fragment * self.segment_ticks() / self.fragments);
            i_frames.push((bytes.len(), moof.len() + 8 + self.fragment[0].len()));
            bytes.extend(moof);
            bytes.extend(bx(*b"mdat", &self.fragment.concat()));
        }
        Segment { bytes, i_frames }
    }

    fn moof(&self, decode_time: u64) -> Vec<u8> {
        let with_offset = |offset: u32| {
            let mfhd = bx(*b"mfhd", &[0, 0, 0, 0, 0, 0, 0, 1]);
            let tfhd = bx(*b"tfhd", &[0, 2, 0, 0, 0, 0, 0, 1]);
            let tfdt = bx(
                *b"tfdt",
                &[&[1, 0, 0, 0][..], &decode_time.to_be_bytes()].concat(),
            );
            let count = u32::try_from(self.fragment.len()).unwrap();
            let mut run = [0x0000_0f01, count, offset].map(u32::to_be_bytes).concat();
            for (index, sample) in self.fragment.iter().enumerate() {
                let is_sync = self.handler != *b"vide" || index == 0;
                let size = u32::try_from(sample.len()).unwrap();
                let flags = if is_sync { 0x0200_0000 } else { 0x0101_0000 };
                let fields = [self.sample_duration, size, flags, self.composition_offset];
                run.extend(fields.map(u32::to_be_bytes).concat());
            }
            let traf = bx(*b"traf", &[tfhd, tfdt, bx(*b"trun", &run)].concat());
            bx(*b"moof", &[mfhd, traf].concat())
        };
        let len = with_offset(0).len();
        with_offset(u32::try_from(len + 8).unwrap())
    }
}

pub(crate) fn bx(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(8 + body.len()).unwrap();
    [&size.to_be_bytes()[..], &kind, body].concat()
}

fn descriptor(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(body.len()).unwrap()][..], body].concat()
}
