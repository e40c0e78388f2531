//! Warm buffers, one pool a thread: connections borrow them while they run and hold none while they wait, so
//! ten thousand busy connections work in the few buffers that the cache holds.

use std::cell::RefCell;

use bytes::BytesMut;

/// What a read asks for.
pub(crate) const READ_SIZE: usize = 16 * 1024;
/// A buffer with less spare room is grown, or exchanged, before the next read.
pub(crate) const READ_MIN: usize = 2 * 1024;
/// Output buffers that grew beyond this are not kept.
const WRITE_MAX: usize = 640 * 1024;
/// Octets of output buffers that are kept, at most.
const WRITE_ALL: usize = 4 * 1024 * 1024;
/// Buffers kept of each kind.
const KEEP: usize = 32;

struct Pool {
    read: Vec<BytesMut>,
    write: Vec<Vec<u8>>,
    /// Octets of all of `write`.
    write_all: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { read: Vec::new(), write: Vec::new(), write_all: 0 }) };
}

/// An empty read buffer with at least [`READ_MIN`] bytes of room.
pub(crate) fn take_read() -> BytesMut {
    // Buffers whose memory is still in use by requests are dropped here: their users free them.
    let warm = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        while let Some(mut buffer) = pool.read.pop() {
            if has_room(&mut buffer) {
                return Some(buffer);
            }
        }
        None
    });
    warm.ok().flatten().unwrap_or_else(|| BytesMut::with_capacity(READ_SIZE))
}

fn has_room(buffer: &mut BytesMut) -> bool {
    buffer.capacity() >= READ_MIN || buffer.try_reclaim(READ_SIZE)
}

/// Takes back an empty read buffer.
pub(crate) fn give_read(buffer: BytesMut) {
    debug_assert!(buffer.is_empty());
    let _ = POOL.try_with(|pool| {
        let read = &mut pool.borrow_mut().read;
        if read.len() < KEEP {
            read.push(buffer);
        }
    });
}

/// An empty output buffer.
pub(crate) fn take_write() -> Vec<u8> {
    let warm = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        let buffer = pool.write.pop()?;
        pool.write_all -= buffer.capacity();
        Some(buffer)
    });
    warm.ok().flatten().unwrap_or_default()
}

/// Takes back an empty output buffer.
pub(crate) fn give_write(buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > WRITE_MAX {
        return;
    }
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        let all = pool.write_all + buffer.capacity();
        if pool.write.len() < KEEP && all <= WRITE_ALL {
            pool.write_all = all;
            pool.write.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_warm() {
        let mut buffer = take_read();
        buffer.extend_from_slice(b"request");
        let address = buffer.as_ptr();
        drop(buffer.split().freeze());
        give_read(buffer);
        let again = take_read();
        assert_eq!(again.as_ptr(), address.wrapping_add(7));
        assert!(again.capacity() >= READ_MIN);
    }

    #[test]
    fn used_up_memory_is_reclaimed_or_left_to_its_users() {
        let mut buffer = take_read();
        buffer.resize(buffer.capacity() - 10, 0);
        let held = buffer.split().freeze();
        give_read(buffer);
        let other = take_read();
        assert!(other.capacity() >= READ_MIN, "a buffer that is in use is not handed out");
        assert_eq!(held.len(), READ_SIZE - 10);

        let mut buffer = take_read();
        buffer.resize(buffer.capacity() - 10, 0);
        let address = buffer.as_ptr();
        drop(buffer.split());
        give_read(buffer);
        assert_eq!(take_read().as_ptr(), address, "one that is free is used from its start again");
    }

    #[test]
    fn output_buffers_of_ordinary_size_are_kept() {
        give_write(Vec::with_capacity(100));
        assert_eq!(take_write().capacity(), 100);
        give_write(Vec::with_capacity(WRITE_MAX + 1));
        assert_eq!(take_write().capacity(), 0);
        // Of large ones only a few.
        (0..KEEP).for_each(|_| give_write(Vec::with_capacity(WRITE_MAX)));
        let mut kept = 0;
        while take_write().capacity() > 0 {
            kept += 1;
        }
        assert_eq!(kept, WRITE_ALL / WRITE_MAX);
    }
}
