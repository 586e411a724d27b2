//! `GET /analytics/timeseries`: one figure over time, for charts.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use footfall_domain::answers::{Metric, SeriesFilter};
use footfall_domain::calendar::{Interval, TimeZone, intervals};
use footfall_domain::problem::Code;
use footfall_domain::time::{TimeRange, Timestamp};
use footfall_services::Question;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::openapi::{Operation, Tag, parameters, schemas};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, answer};

const POINTS_MAX: usize = 10_000;
const METRICS: [Metric; 3] = [Metric::Events, Metric::Visitors, Metric::PageViews];
const INTERVALS: [Interval; 3] = [Interval::Minute, Interval::Hour, Interval::Day];

/// One figure over time.
#[derive(Serialize, ToSchema)]
#[schema(as = TimeSeries)]
struct Answer {
    metric: &'static str,
    interval: &'static str,
    timezone: &'static str,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    points: Vec<Point>,
}

/// An interval with its figure.
#[derive(Serialize, ToSchema)]
struct Point {
    /// The start of the whole interval.
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    value: u64,
}

struct Asked {
    metric: Metric,
    interval: Interval,
    zone: TimeZone,
    range: TimeRange,
    filter: SeriesFilter,
    /// The whole intervals that the range touches.
    points: Vec<TimeRange>,
}

pub(super) async fn handle(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let asked = parse(&request, &api)?;
    let Asked { metric, interval, zone, filter, .. } = &asked;
    let what = format!("series|{metric:?}|{interval:?}|{}|{filter:?}", zone.name());
    let question = Question { what, window: None, range: asked.range };
    Ok(answer::remembered(api.answers.answer(&question, points(&api, asked)).await?))
}

pub(super) fn describe() -> Operation {
    let metrics = METRICS.map(Metric::as_str);
    let intervals = INTERVALS.map(Interval::as_str);
    let zone = schemas::formatted("iana-time-zone", "A name of the IANA database, case-sensitive.")
        .default(Some(json!("UTC")));
    Operation::new(
        Tag::Analytics,
        "getTimeSeries",
        "One figure over time, for charts",
        "Empty intervals are included. They are cut at the zone's own minutes, hours and days; the first and the last count only \
         as far as they lie in the range. Where clocks change, a day has 23 or 25 hours. At most 10,000 points.",
    )
    .asks([
        parameters::required(parameters::choice("metric", "Which figure; visitors are distinct.", metrics, None), "visitors"),
        parameters::required(parameters::choice("interval", "How long a point is.", intervals, None), "hour"),
    ])
    .asks(parameters::closed_range())
    .asks([
        parameters::event_type(),
        parameters::page("page", "Only views of this page."),
        parameters::query("timezone", "Whose clock cuts the intervals.", zone),
    ])
    .answers::<Answer>(
        200,
        "The series.",
        json!({
            "metric": "visitors", "interval": "hour", "timezone": "Europe/Berlin",
            "from": "2025-05-26T13:00:00.000000Z", "to": "2025-05-26T15:00:00.000000Z",
            "points": [
                { "start": "2025-05-26T13:00:00.000000Z", "value": 0 },
                { "start": "2025-05-26T14:00:00.000000Z", "value": 2 }
            ]
        }),
    )
    .with_header(200, "Age", answer::age_header())
}

async fn points(api: &Api, asked: Asked) -> Result<Vec<u8>, Problem> {
    let (from, to) = (asked.range.from(), asked.range.to());
    // The first and the last interval count only as far as they lie in the range.
    let within = |point: &TimeRange| TimeRange::new(point.from().max(from), point.to().min(to));
    let ranges: Vec<TimeRange> = asked.points.iter().filter_map(within).collect();
    let values = api.analytics.series(asked.metric, asked.filter, ranges).await?;
    let points = asked.points.iter().zip(values).map(|(point, value)| Point { start: point.from(), value });
    answer::to_json(&Answer {
        metric: asked.metric.as_str(),
        interval: asked.interval.as_str(),
        timezone: asked.zone.name(),
        from,
        to,
        points: points.collect(),
    })
}

fn parse(request: &HttpRequest, api: &Api) -> Result<Asked, Problem> {
    let known = ["metric", "interval", "from", "to", "event_type", "page", "timezone"];
    let mut params = Params::of(request, &known);
    for name in ["metric", "interval"] {
        if !params.has(name) {
            params.error(name, Code::Required, "is required");
        }
    }
    let metric = params.choice("metric", &METRICS.map(|metric| (metric.as_str(), metric)));
    let interval = params.choice("interval", &INTERVALS.map(|interval| (interval.as_str(), interval)));
    let range = params.closed_range();
    let event_type = params.take("event_type");
    let page = params.page("page", &api.ingest.rules().pages);
    let name = params.take("timezone").unwrap_or_else(|| "UTC".to_owned());
    let zone = TimeZone::parse(&name);
    if zone.is_none() {
        params.error(
            "timezone",
            Code::UnknownTimeZone,
            "is a name of the IANA time zone database, such as Europe/Berlin",
        );
    }
    let mut asked = None;
    if let (Some(metric), Some(interval), Some(range), Some(zone)) = (metric, interval, range, zone) {
        match intervals(range, interval, zone, POINTS_MAX) {
            Ok(points) => {
                let filter = SeriesFilter { event_type, page };
                asked = Some(Asked { metric, interval, zone, range, filter, points });
            }
            Err(_) => {
                params.error("interval", Code::OutOfRange, format!("gives more than {POINTS_MAX} points"));
            }
        }
    }
    params.done(asked)
}
