//! hub-outbound
