//! hub-registry
