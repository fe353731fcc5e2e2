//! The world of one call.

use hub_sandbox::Entered;
use hub_store::{Rights, WorldRow};

/// A world somebody may use, in memory as long as this is held.
pub struct Chosen {
    /// Its name in the engine.
    pub world: String,
    /// What the caller may do with it.
    pub rights: Rights,
    _entered: Option<Entered>,
}

impl Chosen {
    /// Whether it is somebody's own, not everybody's.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.world != hub_sandbox::DEFAULT_WORLD
    }

    /// Of a world.
    #[must_use]
    pub fn new(world: &str, rights: Rights, entered: Option<Entered>) -> Self {
        Self {
            world: world.to_owned(),
            rights,
            _entered: entered,
        }
    }
}

/// A world as it was named.
pub struct Named {
    /// The world.
    pub row: WorldRow,
    /// What whoever named it may do with it.
    pub rights: Rights,
}
