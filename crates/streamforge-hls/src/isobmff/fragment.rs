//! Fragments: the samples of a track for a stretch of time.

use serde::{Deserialize, Serialize};

use super::{BoxError, BoxRef, InitSegment, boxes};
use crate::h264::{self, NalUnitType};

/// One movie fragment, `moof` and its `mdat`, of one track.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Fragment {
    /// `mfhd`: counts the fragments of a file.
    pub sequence_number: u32,
    /// `tfdt`: the decode time of the first sample in the track's timescale units.
    pub decode_time: u64,
    /// The samples in decode order.
    pub samples: Vec<FragmentSample>,
    /// Where the `moof` starts in the segment, in bytes.
    pub moof_offset: usize,
    /// Where the first sample starts in the segment, in bytes.
    pub data_offset: usize,
    /// Where the `mdat` ends in the segment, in bytes.
    pub end: usize,
}

/// One sample of a [`Fragment`]: a picture, or a frame of audio.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct FragmentSample {
    /// Until the next sample is decoded, in the track's timescale units.
    pub duration: u32,
    /// In bytes.
    pub size: u32,
    /// Whether decoding can start here, by the sample flags.
    pub sync: bool,
    /// From its decode to its presentation, in the track's timescale units.
    pub composition_offset: i32,
}

impl Fragment {
    /// The duration of all samples, in the track's timescale units.
    pub fn duration(&self) -> u64 {
        self.samples.iter().map(|s| u64::from(s.duration)).sum()
    }

    /// When the sample that is presented first is, in the track's timescale units.
    ///
    /// Decode times above `i64::MAX` are what writers make of negative ones, and count as those.
    pub fn first_presentation_time(&self) -> i64 {
        let mut decode_time = self.decode_time.cast_signed();
        let presentation_times = self.samples.iter().map(|sample| {
            let time = decode_time.wrapping_add(sample.composition_offset.into());
            decode_time = decode_time.wrapping_add(sample.duration.into());
            time
        });
        presentation_times
            .min()
            .unwrap_or(self.decode_time.cast_signed())
    }
}

/// All fragments of one segment file of the track `init` describes.
///
/// Other boxes (`styp`, `sidx`, `prft`, `emsg`) are passed over. A file without fragments is not an
/// error.
///
/// # Errors
///
/// When a box that describes the samples is missing or broken, and when samples are not inside the
/// `mdat` that follows their `moof`.
pub fn fragments(segment: &[u8], init: &InitSegment) -> Result<Vec<Fragment>, BoxError> {
    let mut fragments = Vec::new();
    // A few bytes can claim billions of samples without sizes of their own. Real samples have at
    // least a byte each, so this many are enough for any real segment.
    let mut samples_allowed = segment.len();
    let mut open: Option<BoxRef<'_>> = None;
    for found in boxes(segment) {
        let found = found?;
        match (&found.kind, open) {
            (b"moof", None) => open = Some(found),
            (b"moof", Some(_)) => break,
            (b"mdat", Some(moof)) => {
                let fragment = read_fragment(&moof, &found, init, samples_allowed)?;
                samples_allowed -= fragment.samples.len();
                fragments.push(fragment);
                open = None;
            }
            _ => {}
        }
    }
    if let Some(moof) = open {
        return Err(moof.invalid("is not followed by its `mdat`"));
    }
    Ok(fragments)
}

fn read_fragment(
    moof: &BoxRef<'_>,
    mdat: &BoxRef<'_>,
    init: &InitSegment,
    samples_allowed: usize,
) -> Result<Fragment, BoxError> {
    let mfhd = moof.children().require(*b"mfhd")?;
    let (_, _, mut fields) = mfhd.full_box_fields()?;
    let sequence_number = fields.u32()?;

    let (traf, defaults) = track_fragment(moof, init)?;
    let tfdt = traf.children().require(*b"tfdt")?;
    let (version, _, mut fields) = tfdt.full_box_fields()?;
    let decode_time = fields.by_version(version)?;

    let mut samples = Vec::new();
    let mut data_offset = None;
    let mut run_offset = defaults.base_offset;
    for child in traf.children() {
        let trun = child?;
        if trun.kind != *b"trun" {
            continue;
        }
        let mut run = read_run(&trun, &defaults, samples_allowed - samples.len())?;
        if let Some(offset) = run.data_offset {
            run_offset = defaults.base_offset.wrapping_add(offset);
        }
        let start = usize::try_from(run_offset)
            .ok()
            .filter(|start| *start >= mdat.body_offset())
            .ok_or_else(|| trun.invalid("puts its samples before the `mdat`"))?;
        let len: u64 = run.samples.iter().map(|s| u64::from(s.size)).sum();
        let fits = start <= mdat.end() && len <= (mdat.end() - start) as u64;
        if !fits {
            return Err(trun.invalid("puts its samples past the end of the `mdat`"));
        }
        run_offset = run_offset.wrapping_add_unsigned(len);
        data_offset.get_or_insert(start);
        samples.append(&mut run.samples);
    }
    Ok(Fragment {
        sequence_number,
        decode_time,
        samples,
        moof_offset: moof.offset,
        data_offset: data_offset.unwrap_or(mdat.body_offset()),
        end: mdat.end(),
    })
}

/// What `tfhd` and `trex` say of samples that do not say it themselves.
struct Defaults {
    /// Where the data offsets of the runs count from, in bytes from the start of the segment.
    base_offset: i64,
    duration: u32,
    size: u32,
    flags: u32,
}

/// The part of a fragment that is about the track of `init`: its `traf` and what its `tfhd` says.
fn track_fragment<'a>(
    moof: &BoxRef<'a>,
    init: &InitSegment,
) -> Result<(BoxRef<'a>, Defaults), BoxError> {
    for child in moof.children() {
        let traf = child?;
        if traf.kind != *b"traf" {
            continue;
        }
        let tfhd = traf.children().require(*b"tfhd")?;
        let (_, flags, mut fields) = tfhd.full_box_fields()?;
        if fields.u32()? != init.track_id {
            continue;
        }
        let mut base_offset =
            i64::try_from(moof.offset).map_err(|_| moof.invalid("starts too far into the file"))?;
        if flags & 0x01 != 0 {
            base_offset = fields.u64()?.cast_signed();
        }
        if flags & 0x02 != 0 {
            // The index of the sample description, of which there is one.
            fields.skip(4)?;
        }
        let mut or_default = |flag, default| match flags & flag {
            0 => Ok(default),
            _ => fields.u32(),
        };
        let defaults = Defaults {
            base_offset,
            duration: or_default(0x08, init.default_sample_duration)?,
            size: or_default(0x10, init.default_sample_size)?,
            flags: or_default(0x20, init.default_sample_flags)?,
        };
        return Ok((traf, defaults));
    }
    Err(moof.invalid("has no fragment of the track"))
}

/// One `trun`.
struct Run {
    /// Where its samples start, counted from [`Defaults::base_offset`]; `None` when right after
    /// those of the run before it.
    data_offset: Option<i64>,
    samples: Vec<FragmentSample>,
}

/// Reads a `trun` (ISO/IEC 14496-12 §8.8.8).
fn read_run(
    trun: &BoxRef<'_>,
    defaults: &Defaults,
    samples_allowed: usize,
) -> Result<Run, BoxError> {
    /// Of sample flags: decoding cannot start here.
    const IS_NON_SYNC_SAMPLE: u32 = 0x0001_0000;

    let (_, flags, mut fields) = trun.full_box_fields()?;
    let count = usize::try_from(fields.u32()?)
        .ok()
        .filter(|count| *count <= samples_allowed)
        .ok_or_else(|| trun.invalid("has more samples than the segment has bytes"))?;
    let data_offset = match flags & 0x01 {
        0 => None,
        _ => Some(fields.u32()?.cast_signed().into()),
    };
    let first_flags = match flags & 0x04 {
        0 => None,
        _ => Some(fields.u32()?),
    };
    let mut samples = Vec::with_capacity(count);
    for index in 0..count {
        let mut or_default = |flag, default| match flags & flag {
            0 => Ok(default),
            _ => fields.u32(),
        };
        let default_flags = match (index, first_flags) {
            (0, Some(first_flags)) => first_flags,
            _ => defaults.flags,
        };
        samples.push(FragmentSample {
            duration: or_default(0x100, defaults.duration)?,
            size: or_default(0x200, defaults.size)?,
            sync: or_default(0x400, default_flags)? & IS_NON_SYNC_SAMPLE == 0,
            // Unsigned in version 0, but values that large are what writers make of negative ones.
            composition_offset: or_default(0x800, 0)?.cast_signed(),
        });
    }
    Ok(Run {
        data_offset,
        samples,
    })
}

/// Whether the first picture of an H.264 fragment is an IDR picture.
///
/// It looks at the NAL units of the first sample, each after its length in four bytes, up to the
/// first slice. False when there are none or they do not fit the sample.
pub fn first_sample_is_idr(segment: &[u8], fragment: &Fragment) -> bool {
    let sample = fragment.samples.first().and_then(|sample| {
        let rest = segment.get(fragment.data_offset..)?;
        rest.get(..usize::try_from(sample.size).ok()?)
    });
    let Some(mut rest) = sample else {
        return false;
    };
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        let Some((unit, after)) = after.split_at_checked(len) else {
            return false;
        };
        match h264::unit_type(unit) {
            Some(NalUnitType::IdrSlice) => return true,
            Some(NalUnitType::Slice) => return false,
            _ => rest = after,
        }
    }
    false
}
