//! hub-identity
