use bytes::Bytes;
use wirelace_sim::Rng;

use crate::streams::send_buffer::SendBuffer;

#[test]
fn every_octet_goes_until_it_is_acknowledged() {
    for seed in 0..1000 {
        let mut rng = Rng::new(seed);
        let mut buffer = SendBuffer::new();
        let source = rng.bytes(rng.clone().within(1..=5000));
        let mut written = 0;
        let mut flying: Vec<(u64, usize)> = Vec::new();
        let mut arrived = vec![false; source.len()];
        let mut steps = 0;
        while written < source.len() || !buffer.is_acked() {
            steps += 1;
            assert!(steps < 100_000, "seed {seed}: {buffer:?}");
            match rng.below(4) {
                0 => {
                    let octets = rng.below(*rng.clone().pick(&[2, 50, 900])).min(source.len() - written);
                    buffer.write(Bytes::copy_from_slice(&source[written..written + octets]));
                    written += octets;
                    assert_eq!(buffer.end(), written as u64);
                }
                1 => {
                    if let Some((offset, octets)) = buffer.next_range(rng.within(1..=700)) {
                        let mut out = vec![9];
                        buffer.copy_range(offset, octets, &mut out);
                        let at = offset as usize;
                        assert_eq!(out[1..], source[at..at + octets], "seed {seed}");
                        flying.push((offset, octets));
                    }
                }
                _ if flying.is_empty() => {}
                2 => {
                    let (offset, octets) = flying.swap_remove(rng.below(flying.len()));
                    buffer.on_acked(offset, octets as u64);
                    arrived[offset as usize..offset as usize + octets].fill(true);
                }
                _ if rng.percent(50) => {
                    let (offset, octets) = flying.swap_remove(rng.below(flying.len()));
                    buffer.on_lost(offset, octets as u64);
                    // It came all the same.
                    if rng.percent(10) {
                        flying.push((offset, octets));
                    }
                }
                _ => {}
            }
        }
        assert!(arrived.iter().all(|arrived| *arrived) && !buffer.has_lost(), "seed {seed}");
        assert_eq!(buffer.len(), 0);
    }
}

#[test]
fn small_chunks_are_kept_together() {
    let mut buffer = SendBuffer::new();
    let many = Bytes::from(vec![1; 100_000]);
    for at in 0..100_000 {
        buffer.write(many.slice(at..at + 1));
    }
    assert!(format!("{buffer:?}").matches("Shared").count() <= 9);
    let mut out = Vec::new();
    buffer.copy_range(0, 100_000, &mut out);
    assert_eq!(out, many);
}

#[test]
fn lost_first_and_all_again_when_told() {
    let mut buffer = SendBuffer::new();
    buffer.write(Bytes::from_static(b"0123456789"));
    assert_eq!(buffer.next_range(4), Some((0, 4)));
    assert_eq!(buffer.next_range(4), Some((4, 4)));
    buffer.on_lost(2, 2);
    assert_eq!(buffer.next_range(4), Some((2, 2)));
    assert_eq!(buffer.next_range(4), Some((8, 2)));
    assert_eq!((buffer.next_range(4), buffer.wants_to_send()), (None, false));
    buffer.on_acked(0, 3);
    buffer.on_acked(5, 1);
    buffer.retransmit();
    assert_eq!([buffer.next_range(99), buffer.next_range(99)], [Some((3, 2)), Some((6, 4))]);
    buffer.on_acked(0, 10);
    assert!(buffer.is_acked());
    buffer.write(Bytes::from_static(b"ab"));
    assert_eq!(buffer.next_range(1), Some((10, 1)));
    buffer.rewind();
    assert_eq!(buffer.next_range(9), Some((10, 2)));
}
