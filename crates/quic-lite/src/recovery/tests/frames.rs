//! Each frame comes back once, whatever happens.

use proptest::prelude::*;

use super::super::*;
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Send {
        space: u8,
        frames: usize,
        ask: bool,
        gap: u64,
        path: u8,
    },
    /// Ranges of up to so many numbers, counted from the newest.
    Ack {
        space: u8,
        back: u64,
        runs: Vec<(u64, u64)>,
    },
    Wait(u64),
    LoseAll(u8),
    Path(u8, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3u8, 0..4usize, any::<bool>(), 0..2u64, 0..2u8)
            .prop_map(|(space, frames, ask, gap, path)| Step::Send { space, frames, ask, gap, path }),
        4 => (0..3u8, 0..4u64, prop::collection::vec((0..4u64, 0..3u64), 1..5))
            .prop_map(|(space, back, runs)| Step::Ack { space, back, runs }),
        3 => (1..400u64).prop_map(Step::Wait),
        1 => (0..3u8).prop_map(Step::LoseAll),
        1 => (0..2u8, any::<bool>()).prop_map(|(path, reset)| Step::Path(path, reset)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
    #[test]
    fn each_frame_comes_back_once(
        steps in prop::collection::vec(step(), 1..200),
        cubic in any::<bool>(),
    ) {
        let congestion = if cubic { CongestionControl::Cubic } else { CongestionControl::NewReno };
        let mut side = Side::new(&RecoverySettings { congestion, ..RecoverySettings::default() });
        side.recovery.set_handshake_state(true, true, true);
        let mut next = [0u64; 3];
        let mut frames = 0u64;
        for step in steps {
            match step {
                Step::Send { space, frames: count, ask, gap, path } => {
                    let number = &mut next[usize::from(space)];
                    *number += gap;
                    let sent = Sent { ack_eliciting: ask, in_flight: ask, path, ..side.packet() };
                    let carried: Vec<u64> = (frames..frames + count as u64).collect();
                    frames += count as u64;
                    side.recovery.on_sent(Space::ALL[usize::from(space)], *number, sent, &carried);
                    *number += 1;
                }
                Step::Ack { space, back, runs } => {
                    let mut ranges = Vec::new();
                    let mut top = next[usize::from(space)].checked_sub(1 + back);
                    for (length, gap) in runs {
                        let Some(end) = top else { break };
                        let start = end.saturating_sub(length);
                        ranges.push(start..=end);
                        top = start.checked_sub(2 + gap);
                    }
                    side.ack(Space::ALL[usize::from(space)], &ranges);
                }
                Step::Wait(time) => {
                    side.wait(Duration::from_millis(time));
                    side.recovery.on_timeout(side.now, &mut side.lost);
                }
                Step::LoseAll(space) => side.recovery.lose_all(Space::ALL[usize::from(space)], &mut side.lost),
                Step::Path(path, reset) => side.recovery.on_path_changed(side.now, path, reset),
            }
        }
        for space in Space::ALL {
            side.recovery.lose_all(space, &mut side.lost);
            prop_assert_eq!(side.recovery.spaces.get(space).sent.len(), 0);
            prop_assert_eq!(side.recovery.spaces.get(space).ack_eliciting, 0);
            prop_assert_eq!(side.recovery.spaces.get(space).quiet, 0);
        }
        prop_assert_eq!(side.recovery.in_flight(), 0);
        prop_assert_eq!(side.recovery.deadline(), None);
        let mut all = [side.acked, side.lost].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..frames).collect::<Vec<_>>());
    }
}
