//! TLS of all clients: 1.2 and 1.3 under the machine's trusted roots, and for single upstreams a pinned certificate or a
//! higher floor. There is no configuration that believes every certificate.

use crate::SetupError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, version};
use std::sync::Arc;

/// How the TLS of one upstream differs from the hub's own rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TlsRules {
    /// SHA-256 of the certificates that are believed, whoever signed them and however old they are; with none, the
    /// machine's roots decide.
    pub pins: Vec<[u8; 32]>,
    /// Whether nothing below TLS 1.3 is spoken.
    pub only_13: bool,
}

/// Reads the machine's roots once. A machine without any can still call over plain HTTP; every TLS call then fails.
pub(crate) fn roots() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (_, ignored) = roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        tracing::warn!(
            ignored,
            "no trusted TLS roots on this machine: calls over https will fail"
        );
    }
    Arc::new(roots)
}

/// The configuration for an upstream.
pub(crate) fn config(roots: &Arc<RootCertStore>, rules: &TlsRules) -> Result<ClientConfig, SetupError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions: &[_] = if rules.only_13 {
        &[&version::TLS13]
    } else {
        &[&version::TLS12, &version::TLS13]
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|e| SetupError::Tls(e.to_string()))?;
    let mut config = if rules.pins.is_empty() {
        builder.with_root_certificates(Arc::clone(roots)).with_no_client_auth()
    } else {
        let pinned = Pinned {
            pins: rules.pins.clone(),
            provider,
        };
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned))
            .with_no_client_auth()
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Believes exactly the certificates that were pinned. That the other side has their key is proven by the handshake, which
/// is verified as always.
#[derive(Debug)]
struct Pinned {
    pins: Vec<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let digest = hub_crypto::digest(hub_crypto::Digest::Sha256, end_entity);
        if self.pins.iter().any(|pin| pin.as_slice() == digest) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
