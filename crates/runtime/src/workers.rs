//! One single-threaded runtime a core: connections never change threads and share nothing.

use std::io;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// Threads that each run one future on a tokio runtime of their own.
#[derive(Debug)]
pub struct Workers {
    threads: Vec<(JoinHandle<()>, oneshot::Receiver<()>)>,
}

/// A worker thread panicked.
#[derive(Debug, thiserror::Error)]
#[error("worker thread {0} panicked")]
pub struct WorkerPanicked(usize);

impl Workers {
    /// Starts `count` threads; each runs what `work` makes for its number, to its end.
    ///
    /// # Errors
    /// A thread or a runtime cannot be made. Threads that run already go on.
    pub fn spawn<W, F>(count: usize, work: W) -> io::Result<Workers>
    where
        W: Fn(usize) -> F + Clone + Send + 'static,
        F: Future<Output = ()>,
    {
        let mut threads = Vec::with_capacity(count);
        for number in 0..count {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (done, ended) = oneshot::channel();
            let work = work.clone();
            let thread = std::thread::Builder::new().name(format!("wirelace-{number}")).spawn(move || {
                // Dropped also when the work panics: that is what ends the waiting.
                let _done = done;
                runtime.block_on(work(number));
            })?;
            threads.push((thread, ended));
        }
        Ok(Workers { threads })
    }

    /// Waits until all have ended.
    ///
    /// # Errors
    /// The first thread that panicked, after all have ended.
    pub async fn join(self) -> Result<(), WorkerPanicked> {
        let mut result = Ok(());
        for (number, (thread, ended)) in self.threads.into_iter().enumerate() {
            let _ = ended.await;
            if thread.join().is_err() && result.is_ok() {
                result = Err(WorkerPanicked(number));
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn each_worker_runs_and_panics_are_told() {
        let sum = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sum);
        let work = move |number: usize| {
            let sum = Arc::clone(&counter);
            async move {
                sum.fetch_add(number + 1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        };
        Workers::spawn(3, work).unwrap().join().await.unwrap();
        assert_eq!(sum.load(Ordering::Relaxed), 6);

        let work = |number| async move { assert_ne!(number, 1, "this panic is part of the test") };
        let error = Workers::spawn(2, work).unwrap().join().await.unwrap_err();
        assert_eq!(error.to_string(), "worker thread 1 panicked");
    }
}
