//! The users in segments that the scenario `segments` asks for: always the same, so that the answer is known before.

use std::{fmt::Write as _, net::SocketAddr};

use serde_json::Value;

use super::{Failure, http::BlockingConnection};

/// Segments, and the users of the largest; the n-th has an n-th of them.
const SEGMENTS: usize = 500;
const USERS: usize = 5_000;
/// Below the service's limit of a batch.
const BATCH: usize = 5_000;

/// The segments from the largest on, as the service orders them, and how many users each has.
fn sizes() -> impl Iterator<Item = (String, usize)> {
    (0..SEGMENTS).map(|segment| (format!("segment-{segment:03}"), USERS / (segment + 1)))
}

/// The answer to `GET /segments/count`, byte for byte.
pub fn counts() -> String {
    let one = |(title, users)| format!(r#"{{"title":"{title}","usersCount":{users}}}"#);
    format!("[{}]", sizes().map(one).collect::<Vec<_>>().join(","))
}

/// Puts the users in the segments and has the service count them.
///
/// # Errors
/// When it doesn't take them, or counts them otherwise.
pub fn fill(address: SocketAddr) -> Result<(), Failure> {
    let mut connection = BlockingConnection::open(address)?;
    let memberships: Vec<String> = sizes()
        .flat_map(|(title, users)| {
            (0..users).map(move |user| format!(r#"{{"ID":"user-{user:07}","segment":"{title}"}}"#))
        })
        .collect();
    for batch in memberships.chunks(BATCH) {
        let (status, body) = post(&mut connection, address, "/users", &format!("[{}]", batch.join(",")))?;
        let report: Value = serde_json::from_str(&body)?;
        if status != 200 || report["rejected"] != 0 {
            return Err(format!("POST /users: status {status}: {body}").into());
        }
    }
    let (status, body) = post(&mut connection, address, "/segments/refresh", "")?;
    if status != 200 || body != counts() {
        return Err(
            format!("POST /segments/refresh: status {status}, other counts than expected: {body}").into()
        );
    }
    Ok(())
}

fn post(
    connection: &mut BlockingConnection,
    address: SocketAddr,
    path: &str,
    body: &str,
) -> Result<(u16, String), Failure> {
    let mut request =
        format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n", body.len());
    let _ = write!(request, "Content-Type: application/json\r\n\r\n{body}");
    let answer = connection.exchange(request.as_bytes())?;
    Ok((answer.status, String::from_utf8_lossy(answer.body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_in_the_order_of_the_service() {
        let counts: Value = serde_json::from_str(&counts()).unwrap();
        let counts = counts.as_array().unwrap();
        assert_eq!(counts.len(), SEGMENTS);
        let key = |one: &Value| {
            (
                std::cmp::Reverse(one["usersCount"].as_u64().unwrap()),
                one["title"].as_str().unwrap().to_owned(),
            )
        };
        assert!(counts.windows(2).all(|two| key(&two[0]) < key(&two[1])));
        assert!(counts.iter().all(|one| one["usersCount"].as_u64().unwrap() > 0));
    }
}
