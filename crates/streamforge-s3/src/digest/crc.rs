//! Joining CRCs: the CRC of two texts from the CRC of each.
//!
//! A CRC is a polynomial over GF(2), modulo that of its kind. To append `n` bytes is to multiply by
//! x^8n and to add the CRC of the bytes. Bits are reflected, as in all kinds that S3 knows: the highest
//! bit is that of x^0. What the kinds begin with and add at the end cancels out.

/// A kind of CRC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Crc {
    /// The polynomial without its highest power, reflected.
    polynomial: u64,
    /// The bit of x^0, and so the highest one.
    one: u64,
}

impl Crc {
    pub(super) const CRC32: Self = Self {
        polynomial: 0xedb8_8320,
        one: 1 << 31,
    };
    pub(super) const CRC32C: Self = Self {
        polynomial: 0x82f6_3b78,
        one: 1 << 31,
    };
    pub(super) const CRC64_NVME: Self = Self {
        polynomial: 0x9a6c_9329_ac4b_c9b5,
        one: 1 << 63,
    };

    /// The CRC of a text that has the CRC `before`, followed by `bytes` bytes that have the CRC `after`.
    pub(super) fn append(self, before: u64, after: u64, bytes: u64) -> u64 {
        self.multiply(before, self.power_of_x8(bytes)) ^ after
    }

    /// x^8n, by squaring.
    fn power_of_x8(self, mut n: u64) -> u64 {
        let mut power = self.one;
        let mut square = self.one >> 8;
        while n > 0 {
            if n & 1 == 1 {
                power = self.multiply(power, square);
            }
            square = self.multiply(square, square);
            n >>= 1;
        }
        power
    }

    fn multiply(self, mut a: u64, mut b: u64) -> u64 {
        let mut product = 0;
        while a != 0 {
            if a & self.one != 0 {
                product ^= b;
            }
            a = (a << 1) & (self.one | (self.one - 1));
            // Times x.
            b = (b >> 1) ^ if b & 1 == 1 { self.polynomial } else { 0 };
        }
        product
    }
}
