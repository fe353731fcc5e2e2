//! One TLS configuration for all clients: TLS 1.2 and 1.3, the machine's trusted roots.

use crate::SetupError;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// Reads the machine's roots once. A machine without any can still call over plain HTTP; every TLS call then fails.
pub(crate) fn config() -> Result<ClientConfig, SetupError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (_, ignored) = roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        tracing::warn!(
            ignored,
            "no trusted TLS roots on this machine: calls over https will fail"
        );
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| SetupError::Tls(e.to_string()))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
