//! A collector of traces: takes what is sent to it over OTLP, as protobuf over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// Longer than spans take to get here.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Collector {
    address: String,
    taken: Arc<Mutex<Vec<Taken>>>,
}

/// A span, and what it was sent with.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) span: Span,
    pub(super) resource: Vec<KeyValue>,
}

impl Collector {
    /// Listens on a port of its own, until the test ends.
    pub(super) fn start() -> Self {
        let collector = Self::that(|stream, taken| {
            let mut stream = BufReader::new(stream);
            while let Some(request) = receive(&mut stream) {
                taken.lock().expect("nobody panics with it").extend(spans_of(request));
                let answer =
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
                if stream.get_mut().write_all(answer).is_err() {
                    return;
                }
            }
        });
        assert!(!collector.address.is_empty());
        collector
    }

    /// One that takes connections and never answers.
    pub(super) fn that_is_stuck() -> Self {
        Self::that(|mut stream, _| {
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    fn that(serve: fn(TcpStream, Arc<Mutex<Vec<Taken>>>)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it listens").to_string();
        let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
        let into = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let into = Arc::clone(&into);
                std::thread::spawn(move || serve(stream, into));
            }
        });
        Self { address, taken }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has come so far.
    pub(super) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().expect("nobody panics with it").clone()
    }

    /// The spans of a trace, once one of that name is among them.
    pub(super) fn trace_with(&self, trace_id: &str, name: &str) -> Vec<Taken> {
        let since = Instant::now();
        loop {
            let mut spans = self.taken();
            spans.retain(|taken| hex(&taken.span.trace_id) == trace_id);
            if spans.iter().any(|taken| taken.span.name == name) {
                return spans;
            }
            let names: Vec<_> = spans.iter().map(|taken| &taken.span.name).collect();
            assert!(since.elapsed() < PATIENCE, "no {name} of {trace_id}, only {names:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Taken {
    /// A text or number among the span's attributes.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        text_of(&self.span.attributes, name)
    }

    /// The same, of the resource.
    pub(super) fn of_resource(&self, name: &str) -> Option<String> {
        text_of(&self.resource, name)
    }
}

/// An id as it is written.
pub(super) fn hex(id: &[u8]) -> String {
    id.iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| char::from_digit(half.into(), 16))
        .collect()
}

fn text_of(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()? {
        AnyValue { value: Some(Value::StringValue(text)) } => Some(text.clone()),
        AnyValue { value: Some(Value::IntValue(number)) } => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

fn receive(stream: &mut BufReader<TcpStream>) -> Option<ExportTraceServiceRequest> {
    let (mut line, mut length, mut first) = (String::new(), 0, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let text = line.trim_end();
        if first.is_empty() {
            text.clone_into(&mut first);
        }
        if text.is_empty() {
            break;
        }
        if let Some(value) = text.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    assert!(first.starts_with("POST /v1/traces HTTP/1.1"), "{first}");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(ExportTraceServiceRequest::decode(&body[..]).expect("protobuf"))
}

fn spans_of(request: ExportTraceServiceRequest) -> Vec<Taken> {
    let of_resource = request.resource_spans.into_iter().flat_map(|of| {
        let resource = of.resource.map(|resource| resource.attributes).unwrap_or_default();
        let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.map(move |span| Taken { span, resource: resource.clone() }).collect::<Vec<_>>()
    });
    of_resource.collect()
}
