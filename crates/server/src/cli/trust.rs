//! Whom a command believes that speaks HTTPS to a server.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::tls::provider;

/// Whose certificates are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Those of the authorities that this system trusts, or of the file that `SSL_CERT_FILE` names.
    Authorities,
    /// Any. For the configured server on this machine's own loopback: what goes there leaves the machine no more than plain HTTP
    /// would, and its certificate is made out for the name that others know it by.
    Anyone,
}

impl Trust {
    /// A client's side of TLS.
    ///
    /// # Errors
    /// Never: the versions are the cryptography's own.
    pub(crate) fn client_config(self) -> Result<ClientConfig, Error> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match self {
            Self::Authorities => builder.with_root_certificates(authorities()),
            Self::Anyone => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Unasked { provider }))
            }
        };
        Ok(builder.with_no_client_auth())
    }
}

/// What can't be read or parsed is left out: a server that only it vouches for is refused, which says more than an error here would.
fn authorities() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Takes every certificate, but only from one who has its key.
#[derive(Debug)]
struct Unasked {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unasked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
