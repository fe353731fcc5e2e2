//! hub-gateway
