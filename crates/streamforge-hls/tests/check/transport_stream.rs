//! Writes just enough MPEG-TS to be judged: one elementary stream, an access unit in each packet.

/// Bytes of a packet.
pub(crate) const PACKET: usize = 188;

const PMT_PID: u16 = 0x1000;
const STREAM_PID: u16 = 0x100;

/// Writes the segments of one stream, with counters that go on from one to the next.
pub(crate) struct Writer {
    /// As the PMT has it: 0x1b is H.264, 0x0f AAC.
    pub(crate) stream_type: u8,
    /// Whether the PMT names a stream of AAC too.
    pub(crate) is_muxed: bool,
    /// Presentation time of the next access unit on the 90 kHz clock.
    pub(crate) next_pts: u64,
    /// The first access unit of a segment, and all others.
    first_unit: Vec<u8>,
    other_unit: Vec<u8>,
    /// Access units of a segment, and how long each lasts on the 90 kHz clock.
    units: u64,
    unit_ticks: u64,
    counters: [u8; 3],
}

impl Writer {
    /// H.264 of 25 frames a second, six seconds in each segment.
    pub(crate) fn video(sequence_parameter_set: &[u8]) -> Self {
        let idr = [
            &[0, 0, 0, 1][..],
            sequence_parameter_set,
            &[0, 0, 1, 0x65, 0x88, 0x84, 0x11],
        ];
        Self::new(
            0x1b,
            idr.concat(),
            vec![0, 0, 0, 1, 0x41, 0x9a, 0x22, 0x33],
            150,
            3600,
        )
    }

    /// AAC-LC of 64 kHz in frames of 16 ms, six seconds in each segment.
    pub(crate) fn audio() -> Self {
        // ADTS: AAC-LC, 64 kHz, two channels, 100 bytes.
        let header = [0xff, 0xf1, 0x48, 0x80, 0x0c, 0x9f, 0xfc];
        let frame = [&header[..], &[0x21; 93]].concat();
        Self::new(0x0f, frame.clone(), frame, 375, 1440)
    }

    fn new(
        kind: u8,
        first_unit: Vec<u8>,
        other_unit: Vec<u8>,
        units: u64,
        unit_ticks: u64,
    ) -> Self {
        Self {
            stream_type: kind,
            is_muxed: false,
            first_unit,
            other_unit,
            units,
            unit_ticks,
            counters: [0; 3],
            next_pts: 900_000,
        }
    }

    pub(crate) fn segment(&mut self) -> Vec<u8> {
        let [stream_high, stream_low] = STREAM_PID.to_be_bytes();
        let [pmt_high, pmt_low] = PMT_PID.to_be_bytes();
        let pat = section(0, &[0, 1, 0xe0 | pmt_high, pmt_low]);
        let clock = [0xe0 | stream_high, stream_low, 0xf0, 0];
        let stream = [self.stream_type, 0xe0 | stream_high, stream_low, 0xf0, 0];
        let audio: &[u8] = if self.is_muxed {
            &[0x0f, 0xe2, 0, 0xf0, 0]
        } else {
            &[]
        };
        let pmt = section(2, &[&clock[..], &stream, audio].concat());
        let mut bytes = self.packet(0, 0, &pat);
        bytes.extend(self.packet(1, PMT_PID, &pmt));
        for unit in 0..self.units {
            let data = if unit == 0 {
                &self.first_unit
            } else {
                &self.other_unit
            };
            let stream_id = if self.stream_type == 0x0f { 0xc0 } else { 0xe0 };
            let header = [0, 0, 1, stream_id, 0, 0, 0x80, 0x80, 5];
            let pes = [&header[..], &timestamp(self.next_pts), data].concat();
            self.next_pts += self.unit_ticks;
            bytes.extend(self.packet(2, STREAM_PID, &pes));
        }
        bytes
    }

    fn packet(&mut self, counter: usize, pid: u16, payload: &[u8]) -> Vec<u8> {
        let [pid_high, pid_low] = pid.to_be_bytes();
        let stuffing = PACKET - 4 - payload.len() - 1;
        let counter = &mut self.counters[counter];
        let mut packet = vec![0x47, 0x40 | pid_high, pid_low, 0x30 | *counter];
        *counter = (*counter + 1) % 16;
        packet.push(u8::try_from(stuffing).unwrap());
        packet.extend((0..stuffing).map(|index| if index == 0 { 0 } else { 0xff }));
        packet.extend(payload);
        packet
    }
}

/// A sequence parameter set for High Profile, from its bits after the chroma format.
pub(crate) fn sequence_parameter_set(level: u8, bits: &str) -> Vec<u8> {
    // Id 0, chroma format 1, depths 0, no bypass, no scaling lists; then the rest and the stop bit.
    let bits = format!("1 010 1 1 0 0 {bits} 1").replace(' ', "");
    let padded = format!("{bits:0<width$}", width = bits.len().next_multiple_of(8));
    let bytes = (0..padded.len()).step_by(8);
    let payload = bytes.map(|at| u8::from_str_radix(&padded[at..at + 8], 2).unwrap());
    [0x67, 0x64, 0, level].into_iter().chain(payload).collect()
}

fn section(table_id: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(5 + data.len() + 4).unwrap();
    let header = [0, table_id, 0xb0, length, 0, 1, 0xc1, 0, 0];
    [&header[..], data, &[0; 4]].concat()
}

fn timestamp(pts: u64) -> [u8; 5] {
    let bits = |shift: u32, mask: u64| u8::try_from((pts >> shift) & mask).unwrap();
    [
        0x21 | bits(30, 0x07) << 1,
        bits(22, 0xff),
        0x01 | bits(15, 0x7f) << 1,
        bits(7, 0xff),
        0x01 | bits(0, 0x7f) << 1,
    ]
}
