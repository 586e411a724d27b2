//! A certificate for a server on the loopback, and the authority that signed it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::programs::{self, PATIENCE};
use crate::server::Server;

/// The authority's certificate, in the server's home.
pub(crate) const AUTHORITY: &str = "ca.crt";

/// One of an authority, not signed by itself: strict clients don't take an authority's certificate for a server's.
const CONFIGURATION: &str = "
[req]
distinguished_name = name
prompt = no
[name]
CN = Footfall's tests
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = IP:127.0.0.1, DNS:localhost
";

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config openssl.cnf";

/// Makes `server.crt` and `server.key` in the server's home, where a base backup takes them along, and [`AUTHORITY`].
pub(crate) fn make_certificate(server: &Server) {
    make(server.home(), || server.command(programs::find("openssl")));
}

/// Makes `server.crt`, for `localhost` and 127.0.0.1, and `server.key` in that folder, and `ca.crt`, the certificate of the new
/// authority that signed it.
///
/// # Panics
/// When there is no openssl, or it can't.
pub fn make_certificate_in(folder: &Path) {
    make(folder, || programs::command(programs::find("openssl"), folder));
}

fn make(folder: &Path, openssl: impl Fn() -> Command) {
    let steps = [
        format!("req -x509 {NEW_KEY} -extensions authority -days 3650 -keyout ca.key -out {AUTHORITY}"),
        format!("req -new {NEW_KEY} -subj /CN=localhost -keyout server.key -out server.csr"),
        format!(
            "x509 -req -in server.csr -CA {AUTHORITY} -CAkey ca.key -set_serial 2 -days 3650 -extfile openssl.cnf \
             -extensions server -out server.crt"
        ),
    ];
    fs::write(folder.join("openssl.cnf"), CONFIGURATION).expect("the folder can be written to");
    for step in steps {
        let mut command = openssl();
        command.args(step.split(' ')).current_dir(folder);
        programs::run(command, "", PATIENCE);
    }
}
