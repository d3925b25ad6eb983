//! As much of H.264 (ITU-T H.264) as segments need to be cut and described: the kinds of NAL units,
//! and the profile, level and size in a sequence parameter set.

/// What a NAL unit is (ITU-T H.264 table 7-1), as far as it matters here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NalUnitType {
    /// A slice, or the first partition of one, of a picture that is not an IDR picture.
    Slice,
    /// A slice of an IDR picture: decoding can start here.
    IdrSlice,
    /// A sequence parameter set.
    SequenceParameterSet,
    /// Anything else.
    Other,
}

/// The type of a NAL unit; `None` when it is empty.
pub(crate) fn unit_type(unit: &[u8]) -> Option<NalUnitType> {
    Some(match unit.first()? & 0x1f {
        1 | 2 => NalUnitType::Slice,
        5 => NalUnitType::IdrSlice,
        7 => NalUnitType::SequenceParameterSet,
        _ => NalUnitType::Other,
    })
}

/// Whether the NAL unit of a slice is the first one of its picture: it then starts with macroblock 0.
pub(crate) fn starts_picture(slice: &[u8]) -> bool {
    // `first_mb_in_slice` follows the header of one byte; a first bit of 1 is the code of 0.
    slice.get(1).is_some_and(|byte| byte & 0x80 != 0)
}

/// The NAL units of a byte stream with start codes (ITU-T H.264 annex B).
///
/// Zero bytes before a start code stay at the end of the unit they follow.
pub(crate) fn byte_stream_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(stream);
    std::iter::from_fn(move || {
        let unit_and_more = rest?;
        rest = after_start_code(unit_and_more);
        let len = match rest {
            Some(rest) => unit_and_more.len() - rest.len() - START_CODE.len(),
            None => unit_and_more.len(),
        };
        Some(&unit_and_more[..len])
    })
}

const START_CODE: [u8; 3] = [0, 0, 1];

/// What follows the first start code.
fn after_start_code(stream: &[u8]) -> Option<&[u8]> {
    let at = stream
        .windows(START_CODE.len())
        .position(|window| window == START_CODE)?;
    Some(&stream[at + START_CODE.len()..])
}

/// What a sequence parameter set (ITU-T H.264 §7.3.2.1.1) says of the pictures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SequenceParameterSet {
    /// The codec as an RFC 6381 name: `avc1.64001f`.
    pub(crate) codec: String,
    /// Width and height in pixels, after cropping.
    pub(crate) resolution: (u32, u32),
}

impl SequenceParameterSet {
    /// Reads the NAL unit of a sequence parameter set; `None` when it is cut short or says what
    /// cannot be.
    pub(crate) fn parse(unit: &[u8]) -> Option<Self> {
        let &[_, profile, constraints, level, ..] = unit else {
            return None;
        };
        let payload = unescaped(&unit[4..]);
        let mut bits = Bits::new(&payload);
        bits.exp_golomb()?; // seq_parameter_set_id
        let mut chroma_format = 1;
        if HAS_CHROMA_FORMAT.contains(&profile) {
            chroma_format = bits.exp_golomb()?;
            if chroma_format == 3 {
                bits.flag()?; // separate_colour_plane_flag
            }
            bits.exp_golomb()?; // bit_depth_luma_minus8
            bits.exp_golomb()?; // bit_depth_chroma_minus8
            bits.flag()?; // qpprime_y_zero_transform_bypass_flag
            if bits.flag()? {
                skip_scaling_lists(&mut bits, if chroma_format == 3 { 12 } else { 8 })?;
            }
        }
        bits.exp_golomb()?; // log2_max_frame_num_minus4
        match bits.exp_golomb()? {
            // log2_max_pic_order_cnt_lsb_minus4
            0 => drop(bits.exp_golomb()?),
            1 => {
                bits.flag()?; // delta_pic_order_always_zero_flag
                bits.exp_golomb()?; // offset_for_non_ref_pic
                bits.exp_golomb()?; // offset_for_top_to_bottom_field
                for _ in 0..bits.exp_golomb()? {
                    bits.exp_golomb()?; // offset_for_ref_frame
                }
            }
            _ => {}
        }
        bits.exp_golomb()?; // max_num_ref_frames
        bits.flag()?; // gaps_in_frame_num_value_allowed_flag
        let width_in_macroblocks = bits.exp_golomb()?.checked_add(1)?;
        let height_in_map_units = bits.exp_golomb()?.checked_add(1)?;
        // A map unit is a macroblock of a frame, or a pair of them where frames may be two fields.
        let fields = if bits.flag()? { 1 } else { 2 };
        if fields == 2 {
            bits.flag()?; // mb_adaptive_frame_field_flag
        }
        bits.flag()?; // direct_8x8_inference_flag
        let mut crop = [0; 4];
        if bits.flag()? {
            for edge in &mut crop {
                *edge = bits.exp_golomb()?;
            }
        }
        let [left, right, top, bottom] = crop;
        // What one unit of cropping is in luma samples (ITU-T H.264 §7.4.2.1.1).
        let (crop_x, crop_y) = match chroma_format {
            1 => (2, 2 * fields),
            2 => (2, fields),
            _ => (1, fields),
        };
        let size = |units: u32, samples: u32, before: u32, after: u32, crop_unit: u32| {
            let cropped = before.checked_add(after)?.checked_mul(crop_unit)?;
            units.checked_mul(samples)?.checked_sub(cropped)
        };
        Some(Self {
            codec: format!("avc1.{profile:02x}{constraints:02x}{level:02x}"),
            resolution: (
                size(width_in_macroblocks, 16, left, right, crop_x)?,
                size(height_in_map_units, 16 * fields, top, bottom, crop_y)?,
            ),
        })
    }
}

/// The profiles whose parameter sets name a chroma format (ITU-T H.264 §7.3.2.1.1).
const HAS_CHROMA_FORMAT: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

fn skip_scaling_lists(bits: &mut Bits<'_>, count: u32) -> Option<()> {
    for list in 0..count {
        if !bits.flag()? {
            continue;
        }
        let entries = if list < 6 { 16 } else { 64 };
        let (mut last, mut next) = (8, 8);
        for _ in 0..entries {
            if next != 0 {
                next = (last + bits.signed_exp_golomb()?).rem_euclid(256);
            }
            if next != 0 {
                last = next;
            }
        }
    }
    Some(())
}

/// The payload without the bytes that keep it from looking like a start code (§7.3.1).
fn unescaped(payload: &[u8]) -> Vec<u8> {
    let mut zeros = 0;
    let is_data = |byte: &u8| {
        let escape = zeros >= 2 && *byte == 3;
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        !escape
    };
    payload.iter().copied().filter(is_data).collect()
}

/// Reads bits, the most significant one of each byte first.
struct Bits<'a> {
    data: &'a [u8],
    /// How many bits are read.
    position: usize,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0 }
    }

    fn flag(&mut self) -> Option<bool> {
        let byte = self.data.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(bit == 1)
    }

    /// An unsigned Exp-Golomb code, `ue(v)` (§9.1); `None` also when it has more than 31 bits.
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut len = 0;
        while !self.flag()? {
            len += 1;
        }
        if len > 31 {
            return None;
        }
        let mut code = 1_u64;
        for _ in 0..len {
            code = code << 1 | u64::from(self.flag()?);
        }
        u32::try_from(code - 1).ok()
    }

    /// A signed Exp-Golomb code, `se(v)` (§9.1.1).
    fn signed_exp_golomb(&mut self) -> Option<i64> {
        let code = i64::from(self.exp_golomb()?);
        Some(if code % 2 == 0 {
            -(code / 2)
        } else {
            code / 2 + 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made by x264 for 320x180 pictures at 30 frames a second, High profile.
    const SPS_320X180: [u8; 26] = [
        0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0x9f, 0x9f, 0x01, 0x10, 0x00, 0x00, 0x03,
        0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42, 0x99, 0x60,
    ];

    #[test]
    fn parameter_set_tells_codec_and_cropped_size() {
        let sps = SequenceParameterSet::parse(&SPS_320X180).unwrap();
        assert_eq!(sps.codec, "avc1.64000d");
        assert_eq!(sps.resolution, (320, 180));
    }

    #[test]
    fn parameter_set_cut_before_its_size_is_refused() {
        for len in 0..9 {
            assert_eq!(
                SequenceParameterSet::parse(&SPS_320X180[..len]),
                None,
                "{len}"
            );
        }
    }

    #[test]
    fn units_are_found_behind_start_codes_of_either_length() {
        let stream = b"junk\0\0\x01\x67ab\0\0\0\x01\x65c";
        let units: Vec<_> = byte_stream_units(stream).collect();
        assert_eq!(units, [&b"\x67ab\0"[..], b"\x65c"]);
        let types: Vec<_> = units.into_iter().filter_map(unit_type).collect();
        assert_eq!(
            types,
            [NalUnitType::SequenceParameterSet, NalUnitType::IdrSlice]
        );
    }

    #[test]
    fn stream_without_start_code_has_no_units() {
        assert_eq!(byte_stream_units(b"\0\0\0\x02").count(), 0);
        assert_eq!(byte_stream_units(b"").count(), 0);
    }

    #[test]
    fn exp_golomb_codes_are_read_as_in_the_standard() {
        // 1, 010, 011, 00100 are 0, 1, 2, 3.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0000]);
        let codes: Vec<_> = (0..4).map(|_| bits.exp_golomb().unwrap()).collect();
        assert_eq!(codes, [0, 1, 2, 3]);
        let mut bits = Bits::new(&[0b0100_1100, 0b1000_0000]);
        let codes: Vec<_> = (0..3).map(|_| bits.signed_exp_golomb().unwrap()).collect();
        assert_eq!(codes, [1, -1, 2]);
    }

    #[test]
    fn escape_bytes_are_dropped() {
        assert_eq!(
            unescaped(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3]),
            [0, 0, 1, 0, 0, 0, 0]
        );
    }

    proptest! {
        #[test]
        fn arbitrary_parameter_sets_never_panic(
            profile in prop::sample::select(vec![66_u8, 100, 244]),
            rest: Vec<u8>,
        ) {
            let unit = [&[0x67, profile, 0, 31], &rest[..]].concat();
            let _ = SequenceParameterSet::parse(&unit);
        }
    }
}
