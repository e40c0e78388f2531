//! What ACK frames say (RFC 9000 §19.3).

use core::ops::RangeInclusive;

use wirelace_wire::varint::decode_varint;

use crate::octets::put_varint;

/// An ACK frame (RFC 9000 §19.3). Its ranges are known to be valid: none goes below 0, and there is a gap between each
/// two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The largest packet number that came.
    pub largest: u64,
    /// How long before the frame it came, in units of 2^`ack_delay_exponent` microseconds, where the exponent is the
    /// one of the frame's sender (§13.2.5).
    pub delay: u64,
    /// Packets below the largest that came without a gap.
    pub(crate) first: u64,
    /// Gaps and ranges, as they travel.
    pub(crate) rest: &'a [u8],
    /// How many packets came with which ECN mark, where the frame says so (§19.3.2).
    pub ecn: Option<AckEcn>,
}

/// Counts of packets with ECN marks in one packet number space (RFC 9000 §19.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckEcn {
    /// Packets that came with ECT(0).
    pub ect0: u64,
    /// Packets that came with ECT(1).
    pub ect1: u64,
    /// Packets that came with ECN-CE: the path is congested.
    pub ce: u64,
}

impl<'a> Ack<'a> {
    /// An ACK of these packet numbers, the largest first, to be [written](crate::frame::Frame::write). All but the first
    /// range go into `buffer`, which is emptied before, as they travel. `None`: there is no range, one is empty or
    /// reaches 2^62, or there is not at least one number between it and the one before.
    ///
    /// ```
    /// use wirelace_quic_lite::frame::{Ack, Frame, Frames, PacketType};
    ///
    /// let (mut buffer, mut payload) = (Vec::new(), Vec::new());
    /// let ack = Ack::new([20..=25, 7..=7], 0, None, &mut buffer).ok_or("not in order")?;
    /// Frame::Ack(ack).write(&mut payload);
    /// assert_eq!(payload, [0x02, 25, 0, 1, 5, 11, 0]);
    /// assert_eq!(Frames::new(&payload, PacketType::OneRtt).next(), Some(Ok(Frame::Ack(ack))));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn new(
        ranges: impl IntoIterator<Item = RangeInclusive<u64>>,
        delay: u64,
        ecn: Option<AckEcn>,
        buffer: &'a mut Vec<u8>,
    ) -> Option<Ack<'a>> {
        let mut ranges = ranges.into_iter();
        let (start, largest) = ranges.next()?.into_inner();
        let first = largest.checked_sub(start).filter(|_| largest < 1 << 62)?;
        let mut lowest = start;
        buffer.clear();
        for range in ranges {
            let (start, end) = range.into_inner();
            put_varint(buffer, lowest.checked_sub(end)?.checked_sub(2)?);
            put_varint(buffer, end.checked_sub(start)?);
            lowest = start;
        }
        Some(Ack { largest, delay, first, rest: buffer, ecn })
    }

    /// Packet numbers that came, the largest first.
    #[must_use]
    pub fn ranges(&self) -> AckRanges<'a> {
        AckRanges { next: Some((self.largest, self.first)), rest: self.rest }
    }
}

/// The ranges of an ACK frame (RFC 9000 §19.3.1), the largest first. It allocates nothing.
#[derive(Debug, Clone)]
pub struct AckRanges<'a> {
    /// The end of a range, and how many there are below it.
    next: Option<(u64, u64)>,
    rest: &'a [u8],
}

impl Iterator for AckRanges<'_> {
    type Item = RangeInclusive<u64>;

    #[inline]
    fn next(&mut self) -> Option<RangeInclusive<u64>> {
        let (end, below) = self.next?;
        let start = end.checked_sub(below)?;
        self.next = (|| {
            let (gap, octets) = decode_varint(self.rest)?;
            let rest = self.rest.get(octets..)?;
            let (below, octets) = decode_varint(rest)?;
            self.rest = rest.get(octets..)?;
            Some((start.checked_sub(gap)?.checked_sub(2)?, below))
        })();
        Some(start..=end)
    }
}
