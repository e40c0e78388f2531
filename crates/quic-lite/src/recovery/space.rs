//! The state of each packet number space.

use std::time::Instant;

use super::ecn::Ecn;
use super::loss::LossDetection;
use super::numbers::PacketNumbers;
use super::packet::{Sent, Space};
use super::sent::SentPackets;
use super::settings::RecoverySettings;

/// One packet number space.
#[derive(Debug)]
pub(super) struct SpaceState<F> {
    pub sent: SentPackets<F>,
    pub loss: LossDetection,
    pub numbers: PacketNumbers,
    pub ecn: Ecn,
    pub largest_acked: Option<u64>,
    pub last_ack_eliciting: Option<Instant>,
    /// Outstanding packets that ask for an acknowledgement.
    pub ack_eliciting: u32,
    /// Outstanding packets that do not.
    pub quiet: u32,
    pub discarded: bool,
}

impl<F: Copy> SpaceState<F> {
    fn new(settings: &RecoverySettings, skips: bool) -> SpaceState<F> {
        SpaceState {
            sent: SentPackets::new(),
            loss: LossDetection::new(settings.packet_threshold, settings.time_threshold_eighths),
            numbers: PacketNumbers::new(skips),
            ecn: Ecn::default(),
            largest_acked: None,
            last_ack_eliciting: None,
            ack_eliciting: 0,
            quiet: 0,
            discarded: false,
        }
    }

    /// A packet is no longer outstanding.
    pub(super) fn uncount(&mut self, sent: &Sent) {
        let count = if sent.ack_eliciting { &mut self.ack_eliciting } else { &mut self.quiet };
        *count = count.saturating_sub(1);
    }
}

/// The three spaces.
#[derive(Debug)]
pub(super) struct Spaces<F> {
    initial: SpaceState<F>,
    handshake: SpaceState<F>,
    data: SpaceState<F>,
}

impl<F: Copy> Spaces<F> {
    pub(super) fn new(settings: &RecoverySettings) -> Spaces<F> {
        Spaces {
            initial: SpaceState::new(settings, false),
            handshake: SpaceState::new(settings, false),
            // Only here are there windows that lies could inflate.
            data: SpaceState::new(settings, true),
        }
    }

    pub(super) fn get(&self, space: Space) -> &SpaceState<F> {
        match space {
            Space::Initial => &self.initial,
            Space::Handshake => &self.handshake,
            Space::Data => &self.data,
        }
    }

    pub(super) fn get_mut(&mut self, space: Space) -> &mut SpaceState<F> {
        match space {
            Space::Initial => &mut self.initial,
            Space::Handshake => &mut self.handshake,
            Space::Data => &mut self.data,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Space, &SpaceState<F>)> {
        Space::ALL.into_iter().zip([&self.initial, &self.handshake, &self.data])
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut SpaceState<F>> {
        [&mut self.initial, &mut self.handshake, &mut self.data].into_iter()
    }
}
