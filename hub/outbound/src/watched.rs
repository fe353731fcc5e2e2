//! A request body that remembers whether it was touched.
//!
//! The transport asks for the first byte of a body only when it holds a connection and writes the head, so an untouched
//! body proves that the call never left. Without it, every timeout of a call with an effect would be in doubt.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// Set once the transport has taken the body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched(Arc<AtomicBool>);

impl Touched {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Bytes in one frame.
pub(crate) struct Watched {
    bytes: Option<Bytes>,
    touched: Touched,
}

impl Watched {
    /// `bytes` must not be empty: an empty body is never asked for, so it would prove nothing.
    pub(crate) fn new(bytes: Bytes, touched: Touched) -> Self {
        Self {
            bytes: Some(bytes),
            touched,
        }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.touched.0.store(true, Ordering::Release);
        Poll::Ready(self.bytes.take().map(|b| Ok(Frame::data(b))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |b| b.len() as u64))
    }
}
