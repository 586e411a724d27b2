//! What browsers load from the service: the dashboard, the API's page, and the tracker that sites include. Data alone: how it is served
//! is for the shell to decide.
//!
//! `build.rs` compresses it. Where the page wasn't built (`make dashboard`), a page that says how to stands in its place;
//! the tracker and the API's page need no build.

/// A file as it is served.
#[derive(Debug)]
pub struct Asset {
    /// The file.
    pub bytes: &'static [u8],
    /// The file as gzip, where that is worth it.
    pub gzip: Option<&'static [u8]>,
    /// The file as brotli, where that is worth it.
    pub brotli: Option<&'static [u8]>,
    /// What it is, for `Content-Type`.
    pub content_type: &'static str,
    /// Changes with the content. Without quotes, and the same for all encodings.
    pub etag: &'static str,
    /// Its name changes with its content, so that it may be kept for ever.
    pub is_immutable: bool,
    /// It is the page itself, and not something that it loads.
    pub is_page: bool,
}

/// Every file with the path it is served at, sorted by it.
static ASSETS: &[(&str, Asset)] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What is served at a path, such as `/` or `/tracker.js`.
pub fn asset(path: &str) -> Option<&'static Asset> {
    let found = ASSETS.binary_search_by_key(&path, |(known, _)| known).ok()?;
    Some(&ASSETS[found].1)
}

/// All paths that something is served at.
pub fn paths() -> impl Iterator<Item = &'static str> {
    ASSETS.iter().map(|(path, _)| *path)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_always_there_is_found_and_nothing_else_is() {
        for path in ["/", "/docs", "/favicon.svg", "/theme.js", "/tracker.js"] {
            assert!(asset(path).is_some_and(|asset| !asset.bytes.is_empty()), "{path}");
        }
        for path in ["", "/index.html", "/tracker", "/assets/", "/assets/../tracker.js", "tracker.js"] {
            assert!(asset(path).is_none(), "{path}");
        }
    }

    #[test]
    fn all_forms_of_a_file_have_the_same_content() {
        for path in paths() {
            let asset = asset(path).unwrap();
            let mut unpacked = Vec::new();
            if let Some(gzip) = asset.gzip {
                flate2::read::GzDecoder::new(gzip).read_to_end(&mut unpacked).unwrap();
                assert_eq!(unpacked, asset.bytes, "{path}");
            }
            unpacked.clear();
            if let Some(mut brotli) = asset.brotli {
                brotli::BrotliDecompress(&mut brotli, &mut unpacked).unwrap();
                assert_eq!(unpacked, asset.bytes, "{path}");
            }
            assert_eq!(asset.is_immutable, path.starts_with("/assets/"), "{path}");
        }
    }

    #[test]
    fn pages_load_only_what_is_there() {
        for path in ["/", "/docs"] {
            let page = std::str::from_utf8(asset(path).unwrap().bytes).unwrap();
            let loaded = page.split(['"', '\'']).filter(|text| text.starts_with("/assets/"));
            let missing: Vec<&str> = loaded.filter(|path| asset(path).is_none()).collect();
            assert_eq!(missing, Vec::<&str>::new(), "{path}");
        }
    }

    #[test]
    fn the_tracker_is_small() {
        let tracker = asset("/tracker.js").unwrap();
        let gzip = tracker.gzip.unwrap().len();
        assert!(gzip < 2_048, "{gzip} bytes");
        assert!(!tracker.bytes.starts_with(b"//"));
    }
}
