//! The init segment: what a track is, before any of its samples.

use serde::{Deserialize, Serialize};

use super::{BoxError, BoxRef, Boxes, codec};

/// The init segment (`ftyp` and `moov`) of a file with one track.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct InitSegment {
    /// The number by which fragments name the track.
    pub track_id: u32,
    /// Units of durations and decode times in a second; not zero.
    pub timescale: u32,
    /// The codec of the first sample description as an RFC 6381 name (`avc1.64001f`), or just its
    /// four characters where the name needs more than is known of the codec.
    pub codec: String,
    /// What the track shows or plays.
    pub media: InitMedia,
    /// Whether an edit list (`elst`) with entries moves the presentation.
    pub has_edit_list: bool,
    /// `trex`: the duration of samples whose fragment names none, in `timescale` units.
    pub default_sample_duration: u32,
    /// `trex`: the size of samples whose fragment names none, in bytes.
    pub default_sample_size: u32,
    /// `trex`: the flags of samples whose fragment names none.
    pub default_sample_flags: u32,
}

/// What a track shows or plays.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum InitMedia {
    /// Pictures.
    Video {
        /// Coded width in pixels.
        width: u32,
        /// Coded height in pixels.
        height: u32,
    },
    /// Sound.
    Audio {
        /// How many channels.
        channels: u32,
        /// Samples a second.
        sample_rate: u32,
    },
    /// Anything else, such as subtitles.
    Other,
}

/// Bytes of a visual sample entry before its boxes (ISO/IEC 14496-12 §12.1.3).
const VISUAL_ENTRY_FIELDS_LEN: usize = 78;
/// Bytes of an audio sample entry before its boxes (ISO/IEC 14496-12 §12.2.3).
const AUDIO_ENTRY_FIELDS_LEN: usize = 28;

impl InitSegment {
    /// Reads an init segment.
    ///
    /// # Errors
    ///
    /// [`BoxError::TrackCount`] unless there is exactly one track; others when a box that describes
    /// it, `trex` among them, is missing or broken.
    pub fn parse(data: &[u8]) -> Result<Self, BoxError> {
        let moov = Boxes::new(data, 0).require(*b"moov")?;
        let mut tracks = Vec::new();
        for child in moov.children() {
            let child = child?;
            if child.kind == *b"trak" {
                tracks.push(child);
            }
        }
        let [trak] = tracks[..] else {
            return Err(BoxError::TrackCount {
                count: tracks.len(),
            });
        };
        let media_box = trak.children().require(*b"mdia")?;
        let timescale = timescale(&media_box.children().require(*b"mdhd")?)?;
        let handler = handler(&media_box.children().require(*b"hdlr")?)?;
        let minf = media_box.children().require(*b"minf")?;
        let stbl = minf.children().require(*b"stbl")?;
        let stsd = stbl.children().require(*b"stsd")?;
        // Version, flags and the count of the entries that follow.
        let entry = match stsd.children_after(8)?.next() {
            Some(entry) => entry?,
            None => return Err(stsd.invalid("describes no samples")),
        };
        let (media, entry_fields_len) = match &handler {
            b"vide" => (video(&entry)?, VISUAL_ENTRY_FIELDS_LEN),
            b"soun" => (audio(&entry, timescale)?, AUDIO_ENTRY_FIELDS_LEN),
            _ => (InitMedia::Other, entry.body.len()),
        };
        let codec = codec::name(&entry, entry_fields_len)?;

        let mvex = moov.children().require(*b"mvex")?;
        let trex = mvex.children().require(*b"trex")?;
        let (_, _, mut fields) = trex.full_box_fields()?;
        // The track and the index of its sample description.
        fields.skip(8)?;
        Ok(Self {
            track_id: track_id(&trak.children().require(*b"tkhd")?)?,
            timescale,
            codec,
            media,
            has_edit_list: has_edit_list(&trak)?,
            default_sample_duration: fields.u32()?,
            default_sample_size: fields.u32()?,
            default_sample_flags: fields.u32()?,
        })
    }
}

/// The length of the creation and modification times at the start of `tkhd` and `mdhd`.
fn times_len(version: u8) -> usize {
    if version == 0 { 8 } else { 16 }
}

fn track_id(tkhd: &BoxRef<'_>) -> Result<u32, BoxError> {
    let (version, _, mut fields) = tkhd.full_box_fields()?;
    fields.skip(times_len(version))?;
    fields.u32()
}

fn timescale(mdhd: &BoxRef<'_>) -> Result<u32, BoxError> {
    let (version, _, mut fields) = mdhd.full_box_fields()?;
    fields.skip(times_len(version))?;
    match fields.u32()? {
        0 => Err(mdhd.invalid("has a timescale of zero")),
        timescale => Ok(timescale),
    }
}

fn handler(hdlr: &BoxRef<'_>) -> Result<[u8; 4], BoxError> {
    let (_, _, mut fields) = hdlr.full_box_fields()?;
    fields.skip(4)?;
    fields.array()
}

fn has_edit_list(trak: &BoxRef<'_>) -> Result<bool, BoxError> {
    let Some(edts) = trak.children().find(*b"edts")? else {
        return Ok(false);
    };
    let Some(elst) = edts.children().find(*b"elst")? else {
        return Ok(false);
    };
    let (_, _, mut fields) = elst.full_box_fields()?;
    Ok(fields.u32()? > 0)
}

fn video(entry: &BoxRef<'_>) -> Result<InitMedia, BoxError> {
    let mut fields = entry.fields();
    fields.skip(24)?;
    Ok(InitMedia::Video {
        width: fields.u16()?.into(),
        height: fields.u16()?.into(),
    })
}

fn audio(entry: &BoxRef<'_>, timescale: u32) -> Result<InitMedia, BoxError> {
    let mut fields = entry.fields();
    fields.skip(16)?;
    let channels = fields.u16()?.into();
    fields.skip(6)?;
    // Fixed point, 16 bits each side. Rates from 65536 on do not fit and are written as zero; the
    // timescale of audio is its sample rate by CMAF's rules.
    let sample_rate = match fields.u32()? >> 16 {
        0 => timescale,
        rate => rate,
    };
    Ok(InitMedia::Audio {
        channels,
        sample_rate,
    })
}
