//! Whole files through the reading side: what comes out, and where it is said to come from.

use std::io::Write;

use serde_json::Value;

use super::*;

const LOG_LINE: &str = r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /p HTTP/1.1" 200 1"#;

struct Read {
    batches: Vec<Batch>,
    report: Arc<Report>,
    outcome: Result<(), ImportError>,
}

impl Read {
    fn events(&self) -> Vec<Value> {
        let bodies: Vec<u8> = self.batches.iter().flat_map(|batch| batch.body.to_vec()).collect();
        bodies
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    fn ids(&self) -> Vec<String> {
        self.events().iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
    }

    fn lines(&self) -> Vec<(u32, u64)> {
        self.batches
            .iter()
            .flat_map(|batch| &batch.origins)
            .map(|origin| (origin.file, origin.line))
            .collect()
    }
}

fn inputs(directory: &tempfile::TempDir, files: &[(&str, &[u8])]) -> Inputs {
    let files = files.iter().map(|(name, content)| {
        let path = directory.path().join(name);
        fs::File::create(&path).unwrap().write_all(content).unwrap();
        path
    });
    Inputs { files: files.collect(), format: None, site: None }
}

fn read(inputs: &Inputs) -> Read {
    let report = Arc::new(Report::new(vec!["file".to_owned(); inputs.files.len()], None, false));
    let (batches, mut waiting) = mpsc::channel(1000);
    let (_stop, stopped) = watch::channel(false);
    let mut pump = Pump::new(Arc::clone(&report), Batcher::new(2, 1 << 20), batches, stopped);
    let outcome = inputs.read(&mut pump);
    drop(pump);
    let mut received = Vec::new();
    while let Ok(batch) = waiting.try_recv() {
        received.push(batch);
    }
    Read { batches: received, report, outcome }
}

#[test]
fn every_line_is_sent_or_named_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let log = format!("{LOG_LINE}\n\n{LOG_LINE}\r\nnonsense\n{}\n{LOG_LINE}", "x".repeat(70_000));
    let ndjson = b"{\"event_type\":\"click\"}\n[]\n{\"event_id\":\"own\"}\n";
    let inputs = inputs(&directory, &[("access.log.1", log.as_bytes()), ("b.jsonl", ndjson)]);
    inputs.check().unwrap();
    let read = read(&inputs);
    read.outcome.as_ref().unwrap();
    assert_eq!(read.lines(), [(0, 1), (0, 3), (0, 6), (1, 1), (1, 3)]);
    assert_eq!(read.ids()[4], "own");
    let summary = read.report.summary();
    assert!(
        summary.starts_with("lines read:     8\n") && summary.contains("unreadable:     3\n"),
        "{summary}"
    );
}

#[test]
fn a_second_run_and_another_order_give_the_same_ids_and_equal_lines_each_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) =
        (format!("{LOG_LINE}\n{LOG_LINE}\n"), format!("{LOG_LINE}\n{}\n", LOG_LINE.replace("/p", "/q")));
    let mut inputs = inputs(&directory, &[("one.log", one.as_bytes()), ("two.log", two.as_bytes())]);
    let first = read(&inputs).ids();
    assert_eq!(first, read(&inputs).ids());
    let distinct: std::collections::BTreeSet<_> = first.into_iter().collect();
    assert_eq!(distinct.len(), 4);
    inputs.files.reverse();
    assert_eq!(distinct, read(&inputs).ids().into_iter().collect());
    inputs.site = Some("https://example.com".parse().unwrap());
    assert!(read(&inputs).ids().iter().all(|id| !distinct.contains(id)), "another site, other events");
}

#[test]
fn compressed_files_give_the_ids_of_their_content() {
    let directory = tempfile::tempdir().unwrap();
    let csv = b"event_type,user_id\nclick,1\nclick,1\nclick,2\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(csv).unwrap();
    let files = [
        ("a", csv.to_vec()),
        ("b.csv.gz", gzip.finish().unwrap()),
        ("c", zstd::encode_all(&csv[..], 1).unwrap()),
    ];
    let ids: Vec<_> = files
        .iter()
        .map(|(name, content)| {
            let inputs = inputs(&directory, &[(name, content)]);
            inputs.check().unwrap();
            read(&inputs).ids()
        })
        .collect();
    assert_eq!(ids[0].len(), 3);
    assert_ne!(ids[0][0], ids[0][1]);
    assert!(ids[1] == ids[0] && ids[2] == ids[0]);
}

#[test]
fn trouble_that_can_be_known_before_is_said_before() {
    let directory = tempfile::tempdir().unwrap();
    let good: (&str, &[u8]) = ("a.csv", b"event_type\nclick\n");
    let header = inputs(&directory, &[good, ("b.csv", b"event_type,colour\n")]).check().unwrap_err();
    assert!(header.to_string().contains("b.csv: no column is called `colour`"), "{header}");
    let mut missing = inputs(&directory, &[good]);
    missing.files.push(directory.path().join("nowhere.log"));
    assert!(missing.check().unwrap_err().to_string().contains("nowhere.log"));
    let twice = Inputs { files: vec!["-".into(), "-".into()], format: None, site: None };
    assert!(matches!(twice.check(), Err(ImportError::StandardInputTwice)));
}

#[test]
fn a_file_that_breaks_off_does_not_keep_the_next_one_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(format!("{LOG_LINE}\n").repeat(2000).as_bytes()).unwrap();
    let mut broken = gzip.finish().unwrap();
    broken.truncate(broken.len() - 100);
    let inputs = inputs(&directory, &[("a.log.gz", &broken), ("b.log", LOG_LINE.as_bytes())]);
    let read = read(&inputs);
    assert!(read.outcome.is_ok());
    assert!(read.lines().len() > 1000);
    assert_eq!(read.lines().last(), Some(&(1, 1)));
    assert!(!read.report.all_well());
}

#[test]
fn empty_inputs_are_fine() {
    let directory = tempfile::tempdir().unwrap();
    let inputs =
        inputs(&directory, &[("a.csv", b""), ("b.log", b""), ("c", b"\n\n"), ("d.csv", b"event_type\n")]);
    inputs.check().unwrap();
    let read = read(&inputs);
    assert!(read.outcome.is_ok() && read.batches.is_empty() && read.report.all_well());
}
