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

#[cfg(test)]
mod tests {
    use super::super::tests::bx;
    use super::super::{FourCc, InitMedia};
    use super::*;
    use proptest::prelude::*;

    const INIT: InitSegment = InitSegment {
        track_id: 7,
        timescale: 1000,
        codec: String::new(),
        media: InitMedia::Other,
        has_edit_list: false,
        default_sample_duration: 40,
        default_sample_size: 2,
        default_sample_flags: NON_SYNC,
    };
    const NON_SYNC: u32 = 0x0101_0000;
    const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;

    /// A full box: version, flags, then fields of 32 bits.
    fn full_box(kind: [u8; 4], version: u8, flags: u32, fields: &[u32]) -> Vec<u8> {
        let version_and_flags = u32::from(version) << 24 | flags;
        let words = std::iter::once(&version_and_flags).chain(fields);
        let body: Vec<u8> = words.flat_map(|word| word.to_be_bytes()).collect();
        bx(kind, &body)
    }

    fn tfhd() -> Vec<u8> {
        full_box(*b"tfhd", 0, DEFAULT_BASE_IS_MOOF, &[INIT.track_id])
    }

    fn tfdt(decode_time: u32) -> Vec<u8> {
        full_box(*b"tfdt", 0, 0, &[decode_time])
    }

    fn moof(traf: &[Vec<u8>]) -> Vec<u8> {
        let mfhd = full_box(*b"mfhd", 0, 0, &[3]);
        bx(*b"moof", &[mfhd, bx(*b"traf", &traf.concat())].concat())
    }

    /// A segment of one fragment with one `trun`, made by `trun` from the offset of the data.
    fn segment(trun: impl Fn(u32) -> Vec<u8>, data: &[u8]) -> Vec<u8> {
        let moof_len = moof(&[tfhd(), tfdt(500), trun(0)]).len();
        let data_offset = u32::try_from(moof_len + 8).unwrap();
        let moof = moof(&[tfhd(), tfdt(500), trun(data_offset)]);
        [moof, bx(*b"mdat", data)].concat()
    }

    #[test]
    fn samples_take_from_trex_what_their_fragment_does_not_say() {
        let segment = segment(
            |offset| full_box(*b"trun", 0, 0x01, &[3, offset]),
            b"aabbcc",
        );
        let fragments = fragments(&segment, &INIT).unwrap();
        let sample = FragmentSample {
            duration: 40,
            size: 2,
            sync: false,
            composition_offset: 0,
        };
        assert_eq!(fragments[0].samples, [sample; 3]);
        assert_eq!(
            (fragments[0].sequence_number, fragments[0].decode_time),
            (3, 500)
        );
        assert_eq!(fragments[0].end - fragments[0].data_offset, 6);
    }

    #[test]
    fn first_sample_has_flags_of_its_own() {
        let trun = |offset| full_box(*b"trun", 0, 0x05, &[2, offset, 0x0200_0000]);
        let fragments = fragments(&segment(trun, b"aabb"), &INIT).unwrap();
        let sync: Vec<bool> = fragments[0]
            .samples
            .iter()
            .map(|sample| sample.sync)
            .collect();
        assert_eq!(sync, [true, false]);
    }

    #[test]
    fn presentation_starts_with_the_earliest_sample_not_the_first_one() {
        let offsets = [80_i32, -40, 0].map(i32::cast_unsigned);
        let fields = |offset| [&[3, offset][..], &offsets].concat();
        let trun = |offset| full_box(*b"trun", 1, 0x801, &fields(offset));
        let fragments = fragments(&segment(trun, b"aabbcc"), &INIT).unwrap();
        assert_eq!(fragments[0].first_presentation_time(), 500);
        assert_eq!(fragments[0].samples[1].composition_offset, -40);
    }

    #[test]
    fn decode_time_that_wrapped_below_zero_counts_as_negative() {
        let tfdt = full_box(*b"tfdt", 1, 0, &[0xffff_ffff, 0xffff_fc00]);
        let trun = full_box(*b"trun", 0, 0, &[0]);
        let segment = [moof(&[tfhd(), tfdt, trun]), bx(*b"mdat", b"")].concat();
        // Without a data offset the samples start at the `moof`, so there may be none.
        let error = fragments(&segment, &INIT).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("puts its samples before the `mdat`"),
            "{error}"
        );

        let fragment = Fragment {
            sequence_number: 1,
            decode_time: 1024_u64.wrapping_neg(),
            samples: Vec::new(),
            moof_offset: 0,
            data_offset: 0,
            end: 0,
        };
        assert_eq!(fragment.first_presentation_time(), -1024);
    }

    #[test]
    fn runs_without_an_offset_go_on_where_the_last_one_ended() {
        let moof_of = |offset| {
            let first = full_box(*b"trun", 0, 0x01, &[1, offset]);
            moof(&[tfhd(), tfdt(0), first, full_box(*b"trun", 0, 0, &[2])])
        };
        let data_offset = moof_of(0).len() + 8;
        let moof = moof_of(u32::try_from(data_offset).unwrap());
        let found = fragments(&[&moof[..], &bx(*b"mdat", b"aabbcc")].concat(), &INIT).unwrap();
        assert_eq!(
            (found[0].samples.len(), found[0].data_offset),
            (3, data_offset)
        );
        assert!(fragments(&[&moof[..], &bx(*b"mdat", b"aabbc")].concat(), &INIT).is_err());
    }

    #[test]
    fn samples_past_the_end_of_the_mdat_are_refused() {
        let trun = |offset| full_box(*b"trun", 0, 0x01, &[3, offset]);
        let mut segment = segment(trun, b"aabbc");
        let error = fragments(&segment, &INIT).unwrap_err();
        assert!(
            error.to_string().ends_with("past the end of the `mdat`"),
            "{error}"
        );
        segment.extend(bx(*b"free", b"c"));
        assert_eq!(fragments(&segment, &INIT).unwrap_err(), error);
    }

    #[test]
    fn billions_of_samples_in_a_few_bytes_are_refused() {
        // Neither the run nor the defaults give the samples a size.
        let init = InitSegment {
            default_sample_size: 0,
            ..INIT
        };
        let trun = |offset| full_box(*b"trun", 0, 0x01, &[u32::MAX, offset]);
        let error = fragments(&segment(trun, b""), &init).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("more samples than the segment has bytes")
        );
        // Nor may many runs have what one may not.
        let run = full_box(*b"trun", 0, 0x01, &[150, 0]);
        let traf = [vec![tfhd(), tfdt(0)], vec![run; 10]].concat();
        let segment = [moof(&traf), bx(*b"mdat", b"")].concat();
        assert!(fragments(&segment, &init).is_err());
    }

    #[test]
    fn fragment_without_decode_time_is_refused() {
        let segment = [moof(&[tfhd()]), bx(*b"mdat", b"")].concat();
        let error = fragments(&segment, &INIT).unwrap_err();
        assert_eq!(
            error,
            BoxError::Missing {
                kind: FourCc(*b"tfdt"),
                offset: 32
            }
        );
    }

    #[test]
    fn fragment_of_another_track_is_refused() {
        let segment = segment(|offset| full_box(*b"trun", 0, 0x01, &[1, offset]), b"aa");
        let init = InitSegment {
            track_id: 8,
            ..INIT
        };
        let error = fragments(&segment, &init).unwrap_err();
        assert_eq!(
            error.to_string(),
            "box `moof` at byte 0 has no fragment of the track"
        );
    }

    #[test]
    fn moof_without_its_own_mdat_is_refused() {
        let moof = moof(&[tfhd(), tfdt(0)]);
        let alone = fragments(&moof, &INIT).unwrap_err();
        assert_eq!(
            alone.to_string(),
            "box `moof` at byte 0 is not followed by its `mdat`"
        );
        let two = [&moof[..], &moof, &bx(*b"mdat", b"")].concat();
        assert_eq!(fragments(&two, &INIT).unwrap_err(), alone);
    }

    #[test]
    fn idr_is_looked_for_up_to_the_first_slice() {
        let is_idr = |sample: &[u8]| {
            let size = u32::try_from(sample.len()).unwrap();
            let trun = |offset| full_box(*b"trun", 0, 0x201, &[1, offset, size]);
            let segment = segment(trun, sample);
            first_sample_is_idr(&segment, &fragments(&segment, &INIT).unwrap()[0])
        };
        assert!(is_idr(b"\0\0\0\x02\x06s\0\0\0\x02\x65i"));
        assert!(!is_idr(b"\0\0\0\x02\x41p\0\0\0\x02\x65i"));
        assert!(!is_idr(b"\0\0\0\x02\x06s"));
        assert!(!is_idr(b"\0\0\0\x03\x65i"));
        assert!(!is_idr(b"\0\0\0\0\0"));
        assert!(!is_idr(b""));
    }

    proptest! {
        #[test]
        fn arbitrary_fragments_never_panic(
            tfhd_flags in 0_u32..0x40,
            fields in prop::collection::vec(any::<u32>(), 0..6),
            trun_flags in 0_u32..0x1000,
            run in prop::collection::vec(any::<u32>(), 0..20),
            data: Vec<u8>,
        ) {
            let tfhd = full_box(*b"tfhd", 0, tfhd_flags, &[&[INIT.track_id], &fields[..]].concat());
            let trun = full_box(*b"trun", 1, trun_flags, &run);
            let segment = [moof(&[tfhd, tfdt(0), trun]), bx(*b"mdat", &data)].concat();
            for fragment in fragments(&segment, &INIT).unwrap_or_default() {
                prop_assert!(fragment.data_offset <= fragment.end);
                prop_assert!(fragment.samples.len() <= segment.len());
                let _ = first_sample_is_idr(&segment, &fragment);
            }
        }
    }
}
