/// The target of all spans by which requests are followed through the service, so that they can be told from others. They cost
/// nothing where nobody follows requests.
pub const SPANS: &str = "footfall::spans";

/// The name of the span of a flush, which belongs to the first of the appends that it is for, and is linked to all of them.
pub const FLUSH_SPAN: &str = "flush";
