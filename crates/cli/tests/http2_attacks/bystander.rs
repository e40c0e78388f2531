//! Someone else, who wants to be served meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wirelace_http2_frames::{Flags, FrameType};

use super::attacker::Attacker;

/// Sends one request after the other on a connection, and wants an answer to each.
pub(crate) struct Bystander {
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
}

impl Bystander {
    pub(crate) fn start(address: SocketAddr) -> Bystander {
        let (stop, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&served));
        let thread = std::thread::spawn(move || {
            let mut connection = Attacker::connect(address, &[]);
            let mut stream = 1;
            while !stopped.load(Ordering::Relaxed) {
                connection.get(stream, "/hello");
                let end = connection.wait(|frame| {
                    frame.header.stream == stream && frame.header.flags.contains(Flags::END_STREAM)
                });
                let frame = end.unwrap_or_else(|| panic!("request {stream} is not answered"));
                assert_eq!(
                    (frame.header.frame_type, &*frame.payload),
                    (FrameType::DATA, &b"hello, world\n"[..])
                );
                count.fetch_add(1, Ordering::Relaxed);
                connection.forget();
                stream += 2;
                // It is no flood.
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Bystander { thread: Some(thread), stop, served }
    }

    /// Waits until so many requests were answered.
    pub(crate) fn until(&mut self, count: usize) {
        while self.served.load(Ordering::Relaxed) < count {
            let over = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            assert!(!over, "a bystander is not served any more");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The server is to end: it may leave requests unanswered.
    pub(crate) fn give_up(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }

    /// One more request is answered.
    pub(crate) fn again(&mut self) {
        let count = self.served.load(Ordering::Relaxed);
        // One may have been under way.
        self.until(count + 2);
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.transpose().expect("a bystander was not served");
        }
    }
}
