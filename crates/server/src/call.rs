//! How an application makes the future that answers a request.

use std::pin::Pin;
use std::task::Context;

use crate::request::Request;
use crate::response::Response;

/// Native handlers and tower services, as one connection uses them.
pub(crate) trait Call: Send + 'static {
    type Future: Future<Output = Response> + Send + 'static;

    /// Puts the future where it will be polled: it is large, and every move of it costs.
    fn call(&mut self, cx: &mut Context<'_>, request: Request, place: Pin<&mut Option<Self::Future>>);
}

/// A closure as a [`Call`]: the only way to name the future of a trait's async method.
pub(crate) struct CallFn<C>(pub(crate) C);

impl<C, F> Call for CallFn<C>
where
    C: FnMut(Request) -> F + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    type Future = F;

    #[inline]
    fn call(&mut self, _cx: &mut Context<'_>, request: Request, mut place: Pin<&mut Option<F>>) {
        place.set(Some(self.0(request)));
    }
}
