//! hub-catalog
