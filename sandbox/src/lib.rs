//! hub-sandbox
