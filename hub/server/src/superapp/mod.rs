//! The demo super-app: an OpenID client like any other, in as many variants as `policies/apps` has files, each on an address of
//! its own, and the H5 modules that open inside of it. It signs people in, calls services and shows the account, all over the
//! hub's public doors; in process it only reads the catalog, to draw forms.

mod act;
mod at;
mod doors;
mod file;
mod filled;
mod inside;
mod sign;
mod start;
mod visit;
mod wire;

pub use file::{AppFile, read, unknown};
pub use start::{Apps, start};

use crate::hub::Hub;
use std::collections::BTreeMap;
use std::sync::Arc;
use visit::Visits;
use wire::Wire;

/// What an app asks of a person.
const SCOPE: &str = "openid profile services offline_access";

/// One variant that runs.
struct App {
    id: String,
    file: AppFile,
    /// Its own address without a trailing slash.
    base: String,
    /// Addresses of everything that runs, by id.
    others: BTreeMap<String, String>,
    /// Names of everything that runs, by id.
    names: BTreeMap<String, hub_core::Text>,
    hub: Arc<Hub>,
    wire: Wire,
    visits: Visits,
}
