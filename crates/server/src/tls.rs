//! HTTPS: the certificate that is shown, and reading it again while connections come in.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;

/// PEM files: the certificate with those that lead to its authority, and its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Why a certificate can't be shown.
#[derive(Debug, Error)]
pub(crate) enum CertificateError {
    /// A file can't be read, or has nothing of the kind in it.
    #[error("FOOTFALL__TLS__{setting}: {}: {why}", file.display())]
    Unreadable {
        /// `CERT` or `KEY`.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// They are none, or don't belong together.
    #[error("FOOTFALL__TLS__CERT and FOOTFALL__TLS__KEY: {0}")]
    Unusable(#[from] rustls::Error),
}

/// What a server with HTTPS shows to those who connect.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: CertificateFiles,
    shown: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// [`CertificateError`] when there is nothing in them that could be shown.
    pub(crate) fn read(files: CertificateFiles) -> Result<Arc<Self>, CertificateError> {
        let shown = RwLock::new(Arc::new(read(&files)?));
        Ok(Arc::new(Self { files, shown }))
    }

    /// Reads them again. Who connects from now on is shown what is there now; open connections stay as they are.
    ///
    /// # Errors
    /// As with [`Self::read`]; what was shown so far still is then.
    pub(crate) fn reload(&self) -> Result<(), CertificateError> {
        let read = Arc::new(read(&self.files)?);
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// TLS 1.2 and 1.3, without certificates of clients.
    ///
    /// # Errors
    /// Never: the versions are the cryptography's own.
    pub(crate) fn server_config(self: Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let builder =
            ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        Ok(builder.with_no_client_auth().with_cert_resolver(self))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The cryptography of all TLS here.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read(files: &CertificateFiles) -> Result<CertifiedKey, CertificateError> {
    let unreadable = |setting, file: &Path, why: String| CertificateError::Unreadable {
        setting,
        file: file.to_path_buf(),
        why,
    };
    let no_certificate = |why| unreadable("CERT", &files.certificate, why);
    let chain = CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|error| no_certificate(error.to_string()))?;
    if chain.is_empty() {
        return Err(no_certificate("there is no certificate in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key);
    let key = key.map_err(|error| unreadable("KEY", &files.key, error.to_string()))?;
    Ok(CertifiedKey::from_der(chain, key, &provider())?)
}
