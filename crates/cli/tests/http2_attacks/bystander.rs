//! Someone else, who wants to be served meanwhile.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use wirelace_http2_frames::{Flags, FrameType};

use super::attacker::Attacker;

/// Sends one request after the other on a connection, and wants an answer to each.
pub(crate) struct Bystander {
    thread: Option<JoinHandle<()>>,
    /// Closed: it is to stop.
    stop: Option<Sender<()>>,
    /// One for each request that was answered.
    served: Receiver<()>,
}

impl Bystander {
    pub(crate) fn start(address: SocketAddr) -> Bystander {
        let (stop, stopped) = channel::<()>();
        let (answered, served) = channel();
        let thread = std::thread::spawn(move || {
            let mut connection = Attacker::connect(address, &[]);
            let mut stream = 1;
            while stopped.try_recv() == Err(TryRecvError::Empty) {
                connection.get(stream, "/hello");
                let end = connection.wait(|frame| {
                    frame.header.stream == stream && frame.header.flags.contains(Flags::END_STREAM)
                });
                let frame = end.unwrap_or_else(|| panic!("request {stream} is not answered"));
                assert_eq!(
                    (frame.header.frame_type, &*frame.payload),
                    (FrameType::DATA, &b"hello, world\n"[..])
                );
                let _ = answered.send(());
                connection.forget();
                stream += 2;
                // It is no flood.
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Bystander { thread: Some(thread), stop: Some(stop), served }
    }

    /// Waits until so many more requests were answered.
    pub(crate) fn wait(&self, count: usize) {
        assert_eq!(self.served.iter().take(count).count(), count, "a bystander is not served any more");
    }

    /// A request that is sent from now on is answered.
    pub(crate) fn again(&self) {
        self.served.try_iter().for_each(drop);
        // One may have been under way.
        self.wait(2);
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.transpose().expect("a bystander was not served");
        }
    }
}
