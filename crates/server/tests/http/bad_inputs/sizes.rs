//! Bodies that are too large, that decode to too much, or that don't decode.

use std::io::{Read, Write};

use super::{Case, case, refused};
use crate::support::Request;

/// The default of `FOOTFALL__LIMITS__BODY_BYTES`.
const BODY_BYTES: usize = 10 << 20;
const CLICK: &[u8] = br#"{"user_id":"u","event_type":"click"}"#;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = bombs();
    cases.extend(corrupt());
    let large = || Request::post("/events", vec![b' '; BODY_BYTES + 1]);
    cases.push(refused("a byte too many", large(), 413));
    cases.push(refused("a byte too many in chunks", large().chunked(64 << 10), 413));
    cases.push(refused("twice too many", Request::post("/events", vec![b'['; 2 * BODY_BYTES]), 413));
    cases.push(refused(
        "twice too many in chunks",
        Request::post("/visits", vec![b'['; 2 * BODY_BYTES]).chunked(1 << 20),
        413,
    ));
    cases.push(refused("NDJSON of too many bytes", Request::ndjson(vec![b'\n'; BODY_BYTES + 1]), 413));
    // Nothing is sent of what is announced.
    for length in ["10485761", "99999999999", "9223372036854775807"] {
        let request = Request::new("POST", "/events").header("Content-Length", length);
        cases.push(refused(format!("{length} bytes announced"), request, 413));
    }
    let events = format!("[{}]", vec![r#"{"user_id":"u","event_type":"click"}"#; 10_001].join(","));
    cases.push(case("10,001 events", Request::post("/events", events), 413, "too_many_events", ""));
    let lines = "{\"user_id\":\"u\",\"event_type\":\"click\"}\n".repeat(10_001);
    cases.push(case("10,001 lines", Request::ndjson(lines), 413, "too_many_events", ""));
    cases.push(case("10,001 bad lines", Request::ndjson("x\n".repeat(10_001)), 413, "too_many_events", ""));
    let numbers = format!("[{}]", vec!["1"; 10_001].join(","));
    cases.push(case(
        "10,001 items that are no events",
        Request::post("/events", numbers),
        413,
        "too_many_events",
        "",
    ));
    cases
}

/// A hundred megabytes of zeros, as small as each encoding makes them.
fn bombs() -> Vec<Case> {
    let zeros = || std::io::repeat(0).take(100 << 20);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut zeros(), &mut gzip).expect("writing to memory");
    let mut brotli = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 1, 22);
    std::io::copy(&mut zeros(), &mut brotli).expect("writing to memory");
    let zstd = zstd::encode_all(zeros(), 3).expect("writing to memory");
    let bombs =
        [("gzip", gzip.finish().expect("writing to memory")), ("br", brotli.into_inner()), ("zstd", zstd)];
    let mut cases = Vec::new();
    for (encoding, body) in bombs {
        assert!(body.len() < 2 << 20, "{encoding}: {}", body.len());
        for path in ["/events", "/visits"] {
            let request = Request::post(path, body.clone()).header("Content-Encoding", encoding);
            cases.push(refused(format!("a bomb of {encoding} at {path}"), request, 413));
        }
    }
    cases
}

fn corrupt() -> Vec<Case> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(CLICK).expect("writing to memory");
    let gzip = gzip.finish().expect("writing to memory");
    let mut wrong_checksum = gzip.clone();
    let end = wrong_checksum.len() - 8;
    wrong_checksum[end] ^= 0xFF;
    let mut brotli = brotli::CompressorWriter::new(Vec::new(), 4_096, 5, 20);
    brotli.write_all(CLICK).expect("writing to memory");
    let brotli = brotli.into_inner();
    let zstd = zstd::encode_all(CLICK, 3).expect("writing to memory");
    // A frame header (RFC 8878 §3.1.1) that asks for a window of 2^31 bytes.
    let greedy = [0x28, 0xB5, 0x2F, 0xFD, 0x00, (31 - 10) << 3, 0x01, 0x00, 0x00].to_vec();
    [
        ("gzip", "plain text", CLICK.to_vec()),
        ("gzip", "nothing", Vec::new()),
        ("gzip", "cut short", gzip[..gzip.len() - 10].to_vec()),
        ("gzip", "without its end", gzip[..gzip.len() - 1].to_vec()),
        ("gzip", "with a wrong checksum", wrong_checksum),
        ("gzip", "only its first bytes", gzip[..5].to_vec()),
        ("gzip", "with more after it", [&gzip[..], b"more"].concat()),
        ("gzip", "really zstd", zstd.clone()),
        ("x-gzip", "plain text", CLICK.to_vec()),
        ("br", "cut short", brotli[..brotli.len() / 2].to_vec()),
        ("br", "nothing", Vec::new()),
        ("br", "noise", vec![0xFF; 64]),
        ("br", "really gzip", gzip.clone()),
        ("zstd", "plain text", CLICK.to_vec()),
        ("zstd", "nothing", Vec::new()),
        ("zstd", "cut short", zstd[..zstd.len() - 3].to_vec()),
        ("zstd", "really gzip", gzip),
        ("zstd", "with a window of 2 GiB", greedy),
    ]
    .map(|(encoding, name, body)| {
        let request = Request::post("/events", body).header("Content-Encoding", encoding);
        case(format!("{encoding} {name}"), request, 400, "malformed", "")
    })
    .into()
}
