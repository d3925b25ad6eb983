//! Codec names ([RFC 6381](https://www.rfc-editor.org/rfc/rfc6381)) from sample descriptions.

use std::fmt::Write;

use super::{BoxError, BoxRef, Fields, FourCc};

/// The name of the codec of a sample entry that has `fields_len` bytes of fields before its boxes.
///
/// It is just the four characters of the entry when the codec is not one of those handled, and when
/// the box that configures it is missing or cut short: `FFmpeg` leaves that of AV1 empty when it
/// writes the init segment before the first picture.
///
/// # Errors
///
/// When the entry is too short for its fields or holds something other than boxes.
pub(super) fn name(entry: &BoxRef<'_>, fields_len: usize) -> Result<String, BoxError> {
    let plain = FourCc(entry.kind).to_string();
    let configuration = match &entry.kind {
        b"avc1" | b"avc3" => *b"avcC",
        b"hvc1" | b"hev1" => *b"hvcC",
        b"av01" => *b"av1C",
        b"vp09" => *b"vpcC",
        b"mp4a" => *b"esds",
        b"Opus" => return Ok("opus".to_owned()),
        _ => return Ok(plain),
    };
    let Some(configuration) = entry.children_after(fields_len)?.find(configuration)? else {
        return Ok(plain);
    };
    let fields = configuration.fields();
    let suffix = match &configuration.kind {
        b"avcC" => avc(fields),
        b"hvcC" => hevc(fields),
        b"av1C" => av1(fields),
        b"vpcC" => vp9(fields),
        _ => mpeg4_audio(fields),
    };
    Ok(match suffix {
        Ok(Some(suffix)) => format!("{plain}.{suffix}"),
        Ok(None) | Err(_) => plain,
    })
}

/// `AVCDecoderConfigurationRecord`, ISO/IEC 14496-15 §5.3.3.
fn avc(mut fields: Fields<'_>) -> Result<Option<String>, BoxError> {
    fields.skip(1)?;
    let [profile, constraints, level] = fields.array()?;
    Ok(Some(format!("{profile:02x}{constraints:02x}{level:02x}")))
}

/// `HEVCDecoderConfigurationRecord` and the name made of it, ISO/IEC 14496-15 §8.3.3 and annex E.
fn hevc(mut fields: Fields<'_>) -> Result<Option<String>, BoxError> {
    fields.skip(1)?;
    let profile = fields.u8()?;
    let compatibility = fields.u32()?.reverse_bits();
    let constraints: [u8; 6] = fields.array()?;
    let level = fields.u8()?;
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let mut name = format!("{space}{}.{compatibility:x}.{tier}{level}", profile & 0x1f);
    let used = constraints.iter().rposition(|byte| *byte != 0);
    for byte in &constraints[..used.map_or(0, |last| last + 1)] {
        write!(name, ".{byte:x}").expect("writing to a string cannot fail");
    }
    Ok(Some(name))
}

/// `AV1CodecConfigurationRecord`, [AV1 in ISOBMFF §2.3](https://aomediacodec.github.io/av1-isobmff/#av1codecconfigurationbox-section).
fn av1(mut fields: Fields<'_>) -> Result<Option<String>, BoxError> {
    fields.skip(1)?;
    let [profile_level, flags] = fields.array()?;
    let (profile, level) = (profile_level >> 5, profile_level & 0x1f);
    let tier = if flags & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match flags >> 5 & 0b11 {
        0b00 | 0b01 => 8,
        0b10 => 10,
        _ => 12,
    };
    Ok(Some(format!("{profile}.{level:02}{tier}.{depth:02}")))
}

/// `VPCodecConfigurationRecord`, [VP codec ISOBMFF binding](https://www.webmproject.org/vp9/mp4/).
fn vp9(mut fields: Fields<'_>) -> Result<Option<String>, BoxError> {
    fields.skip(4)?;
    let [profile, level, depth] = fields.array()?;
    let depth = depth >> 4;
    Ok(Some(format!("{profile:02}.{level:02}.{depth:02}")))
}

/// Tags of the descriptors in `esds`, ISO/IEC 14496-1 §7.2.2.1.
const ES_DESCRIPTOR: u8 = 3;
const DECODER_CONFIG_DESCRIPTOR: u8 = 4;
const DECODER_SPECIFIC_INFO: u8 = 5;
/// The object type indication of MPEG-4 audio, whose name goes on with the audio object type.
const MPEG4_AUDIO: u8 = 0x40;

/// `ES_Descriptor`, ISO/IEC 14496-1 §7.2.6.5, in an `esds` box.
fn mpeg4_audio(mut fields: Fields<'_>) -> Result<Option<String>, BoxError> {
    fields.skip(4)?;
    let Some(mut es) = descriptor(&mut fields, ES_DESCRIPTOR)? else {
        return Ok(None);
    };
    es.skip(2)?;
    let flags = es.u8()?;
    if flags & 0x80 != 0 {
        es.skip(2)?;
    }
    if flags & 0x40 != 0 {
        let url_len = es.u8()?;
        es.skip(url_len.into())?;
    }
    if flags & 0x20 != 0 {
        es.skip(2)?;
    }
    let Some(mut config) = descriptor(&mut es, DECODER_CONFIG_DESCRIPTOR)? else {
        return Ok(None);
    };
    let object_type = config.u8()?;
    config.skip(12)?;
    if object_type != MPEG4_AUDIO {
        return Ok(Some(format!("{object_type:x}")));
    }
    let Some(mut specific) = descriptor(&mut config, DECODER_SPECIFIC_INFO)? else {
        return Ok(Some(format!("{MPEG4_AUDIO:x}")));
    };
    // `AudioSpecificConfig`, ISO/IEC 14496-3 §1.6.2.1: five bits, or 31 and six bits more.
    let first = specific.u8()?;
    let audio_object_type = match first >> 3 {
        31 => 32 + ((first & 0b111) << 3 | specific.u8()? >> 5),
        short => short,
    };
    Ok(Some(format!("{MPEG4_AUDIO:x}.{audio_object_type}")))
}

/// The fields of the descriptor that comes next; `None` when it has another tag.
fn descriptor<'a>(fields: &mut Fields<'a>, tag: u8) -> Result<Option<Fields<'a>>, BoxError> {
    if fields.u8()? != tag {
        return Ok(None);
    }
    // The length has up to four bytes of seven bits; the eighth says that another one follows.
    let mut len = 0;
    for _ in 0..4 {
        let byte = fields.u8()?;
        len = len << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let rest = fields.bytes(len)?;
    Ok(Some(Fields {
        rest,
        short: fields.short.clone(),
    }))
}
