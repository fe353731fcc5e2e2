//! Name resolution that answers only with addresses the policy admits.
//!
//! The client connects to exactly what stands in the answer, so a name that changes between two look-ups gains nothing.

use crate::policy::Reach;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;

/// Every address behind a name is out of bounds.
#[derive(Debug, thiserror::Error)]
#[error("every address of the name is out of bounds")]
pub(crate) struct OutOfBounds;

/// The system's resolver behind a filter.
pub(crate) struct Filter(pub(crate) Reach);

impl Resolve for Filter {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted: Vec<SocketAddr> = found.filter(|a| reach.admits(a.ip())).collect();
            if admitted.is_empty() {
                return Err(OutOfBounds.into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}
