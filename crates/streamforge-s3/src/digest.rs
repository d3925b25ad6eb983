//! Checksums of bodies: what is verified, stored and returned.
//!
//! Every object has one checksum besides its entity tag: the one its uploader chose, or CRC-64/NVME
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};

use self::crc::Crc;

mod crc;

/// A checksum S3 knows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    /// What is stored when the uploader does not choose.
    #[default]
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// The name in `x-amz-checksum-algorithm`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header that carries a value.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn from_header(header: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.header().eq_ignore_ascii_case(header))
    }

    /// What an upload in parts has when its creator does not say.
    pub(crate) fn default_kind(self) -> ChecksumKind {
        match self {
            Self::Crc64Nvme => ChecksumKind::FullObject,
            _ => ChecksumKind::Composite,
        }
    }

    /// Whether an upload in parts can have this kind.
    pub(crate) fn supports(self, kind: ChecksumKind) -> bool {
        match kind {
            ChecksumKind::Composite => self != Self::Crc64Nvme,
            ChecksumKind::FullObject => self.crc().is_some(),
        }
    }

    fn digest_bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn crc(self) -> Option<Crc> {
        match self {
            Self::Crc32 => Some(Crc::CRC32),
            Self::Crc32c => Some(Crc::CRC32C),
            Self::Crc64Nvme => Some(Crc::CRC64_NVME),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// Decodes a value from a header; nothing when it is not one.
    pub(crate) fn decode(self, value: &str) -> Option<Vec<u8>> {
        let value = STANDARD.decode(value).ok()?;
        (value.len() == self.digest_bytes()).then_some(value)
    }
}

/// What the checksum of an object uploaded in parts covers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ChecksumKind {
    /// The checksums of its parts.
    Composite,
    /// Its bytes.
    FullObject,
}

impl ChecksumKind {
    /// The value of `x-amz-checksum-type`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Composite => "COMPOSITE",
            Self::FullObject => "FULL_OBJECT",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Composite, Self::FullObject]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// The checksum of an object or a part, as headers carry it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: ChecksumKind,
    /// Base64, followed by `-{parts}` when it is composite.
    pub(crate) value: String,
}

impl Checksum {
    pub(crate) fn of_whole(algorithm: Algorithm, digest: &[u8]) -> Self {
        Self {
            algorithm,
            kind: ChecksumKind::FullObject,
            value: STANDARD.encode(digest),
        }
    }
}

/// Computes the entity tag and one checksum in one pass.
pub(crate) struct Digester {
    md5: Md5,
    algorithm: Algorithm,
    checksum: Hasher,
}

/// Computes one checksum.
pub(crate) enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) => hasher.update(bytes),
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc32(hasher) => hasher.finalize().to_vec(),
            Self::Crc32c(hasher) => hasher.finalize().to_vec(),
            Self::Crc64Nvme(hasher) => hasher.finalize().to_vec(),
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
        }
    }
}

/// What a [`Digester`] found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Digests {
    pub(crate) md5: [u8; 16],
    pub(crate) algorithm: Algorithm,
    /// Of `algorithm`.
    pub(crate) checksum: Vec<u8>,
}

impl Digester {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self {
            md5: Md5::new(),
            algorithm,
            checksum: Hasher::new(algorithm),
        }
    }

    pub(crate) fn update(&mut self, bytes: &Bytes) {
        self.md5.update(bytes);
        self.checksum.update(bytes);
    }

    pub(crate) fn finish(self) -> Digests {
        Digests {
            md5: self.md5.finalize(),
            algorithm: self.algorithm,
            checksum: self.checksum.finish(),
        }
    }
}

/// What joining a part needs.
pub(crate) struct PartDigest<'a> {
    pub(crate) size: u64,
    pub(crate) checksum: &'a [u8],
}

/// The entity tag of parts that become one object: the digest of their digests, and how many they are.
pub(crate) fn multipart_etag<'a>(md5s: impl Iterator<Item = &'a [u8]>) -> String {
    let mut md5 = Md5::new();
    let mut parts = 0;
    for part in md5s {
        md5.update(part);
        parts += 1;
    }
    format!("{}-{parts}", hex(&md5.finalize()))
}

/// The checksum of parts that become one object.
pub(crate) fn join<'a>(
    algorithm: Algorithm,
    kind: ChecksumKind,
    parts: impl Iterator<Item = PartDigest<'a>>,
) -> Checksum {
    let value = if let (ChecksumKind::FullObject, Some(crc)) = (kind, algorithm.crc()) {
        let whole = parts.fold(0, |before, part| {
            crc.append(before, big_endian(part.checksum), part.size)
        });
        let digest = whole.to_be_bytes();
        STANDARD.encode(&digest[digest.len() - algorithm.digest_bytes()..])
    } else {
        let mut hasher = Hasher::new(algorithm);
        let mut count = 0;
        for part in parts {
            hasher.update(part.checksum);
            count += 1;
        }
        format!("{}-{count}", STANDARD.encode(hasher.finish()))
    };
    Checksum {
        algorithm,
        kind,
        value,
    }
}

fn big_endian(digest: &[u8]) -> u64 {
    digest
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// The bytes of an entity tag that is an MD5 digest.
pub(crate) fn md5_of_etag(etag: &str) -> Option<[u8; 16]> {
    let mut md5 = [0; 16];
    if etag.len() != 32 || !etag.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in md5.iter_mut().zip(etag.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(md5)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digests(algorithm: Algorithm, bytes: &[u8]) -> Digests {
        let mut digester = Digester::new(algorithm);
        digester.update(&Bytes::copy_from_slice(bytes));
        digester.finish()
    }

    #[test]
    fn checksums_are_those_other_programs_compute() {
        let values = Algorithm::ALL.map(|algorithm| {
            let found = digests(algorithm, b"123456789");
            Checksum::of_whole(algorithm, &found.checksum).value
        });
        // The check values of the CRC catalogue, and of sha1sum and sha256sum.
        assert_eq!(
            values,
            [
                "y/Q5Jg==",
                "4waSgw==",
                "rosUhgp5mIg=",
                "98O8HYCOBHMq32eZZczDTKeuNEE=",
                "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="
            ]
        );
        let md5 = digests(Algorithm::Crc32, b"123456789").md5;
        assert_eq!(hex(&md5), "25f9e794323b453885f5181f1b624d0b");
    }

    #[test]
    fn an_entity_tag_in_parts_is_not_one_digest() {
        assert_eq!(md5_of_etag("25f9e794323b453885f5181f1b624d0b-2"), None);
        assert_eq!(md5_of_etag("+5f9e794323b453885f5181f1b624d0g"), None);
    }

    proptest! {
        #[test]
        fn the_checksum_of_joined_parts_is_that_of_the_whole(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
        ) {
            for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
                let found: Vec<_> = parts.iter().map(|part| (part.len(), digests(algorithm, part))).collect();
                let joined = join(algorithm, ChecksumKind::FullObject, found.iter().map(|(size, digests)| PartDigest {
                    size: *size as u64,
                    checksum: &digests.checksum,
                }));
                let whole = digests(algorithm, &parts.concat());
                prop_assert_eq!(joined, Checksum::of_whole(algorithm, &whole.checksum));
            }
        }

        #[test]
        fn an_entity_tag_gives_its_digest_back(md5: [u8; 16]) {
            prop_assert_eq!(md5_of_etag(&hex(&md5)), Some(md5));
        }
    }
}
