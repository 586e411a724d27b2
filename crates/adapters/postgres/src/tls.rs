//! TLS to the database, by libpq's rules: `require` encrypts and doesn't ask to whom, `verify-ca` asks who vouches for it, and
//! `verify-full` also for its name.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Where systems keep the certificates that they trust.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Why TLS can't be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is nothing to verify with.
    #[error("the certificates in {0} can't be read: {1}")]
    Roots(String, String),
    /// Anything else.
    #[error("{0}")]
    Other(#[from] Error),
}

/// What connects with TLS where the server has it.
pub(crate) fn connector(
    asks_for_authority: bool,
    asks_for_name: bool,
    roots: Option<&str>,
) -> Result<MakeRustlsConnect, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let trust = if asks_for_authority { Some(Arc::new(read_roots(roots)?)) } else { None };
    let config = match trust {
        Some(trust) if asks_for_name => {
            let verifier = WebPkiServerVerifier::builder_with_provider(trust, provider).build();
            let verifier =
                verifier.map_err(|error| TlsError::Roots("sslrootcert".into(), error.to_string()))?;
            builder.with_webpki_verifier(verifier)
        }
        trust => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(WithoutName { trust, provider }))
        }
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

fn read_roots(file: Option<&str>) -> Result<RootCertStore, TlsError> {
    let known = || SYSTEM_ROOTS.into_iter().find(|file| std::path::Path::new(file).exists());
    let file = file.or_else(known).unwrap_or(SYSTEM_ROOTS[0]);
    let unreadable = |error: String| TlsError::Roots(file.to_owned(), error);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        // Systems trust some that are of another form; one is enough.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() { Err(unreadable("there are none".into())) } else { Ok(roots) }
}

/// Doesn't ask for the server's name, nor, without anyone to trust, for who vouches for it.
#[derive(Debug)]
struct WithoutName {
    trust: Option<Arc<RootCertStore>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for WithoutName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(trust) = &self.trust {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, trust, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
