//! hub-crypto
