//! What was stored about people, at size: mails to many domains and to few, users in segments, users' activity by window. Asked
//! through the ports of a store in this process, so that neither HTTP nor JSON is among the figures.

pub mod mails;
pub mod metrics;
pub mod options;
pub mod segments;
pub mod sheet;

use std::error::Error;

use options::{Options, Part};
use sheet::Sheet;

/// Measures one part on a store of its own. Whether all that was checked is right.
///
/// # Errors
/// When the store can't be had or fails.
pub async fn measure(part: Part, options: &Options) -> Result<bool, Box<dyn Error>> {
    let mut sheet = Sheet::begin(&part.title(options));
    match part {
        Part::MailsMany => mails::many(options, &mut sheet).await?,
        Part::MailsFew => mails::few(options, &mut sheet).await?,
        Part::Segments => segments::measure(options, &mut sheet).await?,
        Part::Metrics => metrics::measure(options, &mut sheet).await?,
    }
    Ok(sheet.is_right())
}
