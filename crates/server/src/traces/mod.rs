//! Requests followed through the service: spans, sent to a collector over OTLP, where one is configured.

mod followed;
mod transport;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};
use footfall_http::{Followed, REQUEST_SPAN, Traces};
use footfall_ports::{Clock, EventIds, FLUSH_SPAN, SPANS};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use tracing::subscriber::Interest;
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Context as LayerContext;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Otlp;
use crate::runtime::{RandomIds, SystemClock};

pub(crate) use followed::FollowedStore;

/// Spans that wait to be sent, at most; more are dropped.
const WAITING_SPANS_MAX: usize = 8_192;
/// Spans of one request to the collector, at most.
const SENT_SPANS_MAX: usize = 512;
/// How long spans wait for others.
const SEND_INTERVAL: Duration = Duration::from_secs(1);
/// How long the last ones may take, when the service stops.
const LAST_MAX: Duration = Duration::from_secs(5);

/// Sends spans to a collector.
pub(crate) struct Collected {
    provider: SdkTracerProvider,
    sample_ratio: f64,
}

impl Collected {
    /// Begins to send. Nothing waits for the collector: what it doesn't take in time is dropped.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(otlp: &Otlp) -> Result<Self, Box<dyn Error>> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(transport::start()?)
            .with_endpoint(&otlp.url)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING_SPANS_MAX)
            .with_max_export_batch_size(SENT_SPANS_MAX)
            .with_scheduled_delay(SEND_INTERVAL)
            .build();
        let instance = RandomIds.next(SystemClock.now()).to_string();
        let resource = Resource::builder()
            .with_service_name("footfall")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", instance))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            // Whether a request is followed is decided before it has a span.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource)
            .build();
        Ok(Self { provider, sample_ratio: otlp.sample_ratio })
    }

    /// What takes spans up: those by which requests are followed, and no others.
    pub(crate) fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> impl Layer<S> + use<S> {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("footfall"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_level(false)
            .with_target(false)
            .with_filter(filter_fn(is_ours).with_max_level_hint(LevelFilter::DEBUG))
    }

    /// What decides which requests are followed.
    pub(crate) fn requests(&self) -> Arc<dyn Traces> {
        Arc::new(ByTraceContext {
            propagator: TraceContextPropagator::new(),
            sample_ratio: self.sample_ratio,
        })
    }

    /// Sends what is left, within a time.
    pub(crate) async fn finish(self, within: Duration) {
        let within = within.min(LAST_MAX);
        let last = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(within));
        if !matches!(tokio::time::timeout(within, last).await, Ok(Ok(Ok(())))) {
            tracing::warn!("the last traces could not be sent");
        }
    }
}

/// Lets no span begin by which nobody is followed: neither of requests that aren't, nor of jobs and the stores' own work. It
/// stands before all layers, for what a layer's own filter leaves out begins all the same, and looks to others as if it were followed.
pub(crate) struct OnlyFollowed;

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for OnlyFollowed {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_ours(metadata) { Interest::sometimes() } else { Interest::always() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: LayerContext<'_, S>) -> bool {
        let is_within = || {
            let current = context.lookup_current();
            current.is_some_and(|current| current.scope().any(|span| span.metadata().target() == SPANS))
        };
        !is_ours(metadata) || [REQUEST_SPAN, FLUSH_SPAN].contains(&metadata.name()) || is_within()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == SPANS
}

/// Follows the requests whose callers do, and some of those that name no trace.
struct ByTraceContext {
    propagator: TraceContextPropagator,
    sample_ratio: f64,
}

impl Traces for ByTraceContext {
    fn follow(&self, headers: &HeaderMap, begin: &dyn Fn() -> Span) -> Option<Followed> {
        let parent = self.propagator.extract_with_context(&Context::new(), &Headers(headers));
        let caller = parent.span().span_context().clone();
        let is_followed = if caller.is_valid() {
            caller.is_sampled()
        } else {
            self.sample_ratio >= 1.0 || rand::random::<f64>() < self.sample_ratio
        };
        if !is_followed {
            return None;
        }
        let span = begin();
        if caller.is_valid() {
            span.set_parent(parent).ok()?;
        }
        let trace_id = span.context().span().span_context().trace_id().to_string();
        Some(Followed { span, trace_id })
    }

    fn rename(&self, span: &Span, name: String) {
        span.context().span().update_name(name);
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
