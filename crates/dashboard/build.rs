//! Compresses what browsers load and writes the table of it that `src/lib.rs` includes.
//!
//! The page is what was built in `web/` (`make dashboard`); where nothing was, a page that says so. Neither Node.js nor
//! the network is needed here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where Vite puts the page, below this crate.
const BUILT_PAGE: &str = "web/dist/page";
/// Its folder, which is in the repository: Cargo runs this again each time for a path that isn't there.
const BUILT: &str = "web/dist";
/// Where the API's page is served.
const DOCS: &str = "/docs";
/// The page's colours and its remembered theme, which the API's page has, too.
const TOKENS: &str = "web/src/styles/tokens.css";
const THEME: &str = "web/public/theme.js";

fn main() -> io::Result<()> {
    for path in ["build.rs", "tracker", "fallback", "docs", TOKENS, THEME, BUILT] {
        println!("cargo:rerun-if-changed={path}");
    }
    let mut files = BTreeMap::new();
    let page = Path::new(BUILT_PAGE);
    if page.join("index.html").is_file() {
        collect(page, page, &mut files)?;
    } else {
        fallback(&mut files)?;
    }
    docs(&mut files)?;
    files.insert("/tracker.js".to_owned(), without_comments(&fs::read_to_string("tracker/tracker.js")?));

    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("Cargo sets OUT_DIR"))?);
    let mut table = String::from("&[\n");
    for (number, (path, bytes)) in files.iter().enumerate() {
        write_asset(&mut table, &out, number, path, bytes)?;
    }
    table.push_str("]\n");
    fs::write(out.join("assets.rs"), table)
}

/// Every file of a folder, by the path that it is served at.
fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root).map_err(io::Error::other)?;
            let name =
                name.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", path.display())))?;
            files.insert(served_at(name), fs::read(&path)?);
        }
    }
    Ok(())
}

fn served_at(name: &str) -> String {
    if name == "index.html" { "/".to_owned() } else { format!("/{name}") }
}

/// The page for a build without one. Its style sheet is named after its content, as the real page's are.
fn fallback(files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    let style = fs::read("fallback/style.css")?;
    let style_path = format!("/assets/fallback-{:016x}.css", hash(&style));
    let page = fs::read_to_string("fallback/index.html")?.replace("/style.css", &style_path);
    files.insert("/".to_owned(), page.into_bytes());
    files.insert(style_path, style);
    files.insert("/favicon.svg".to_owned(), fs::read("fallback/favicon.svg")?);
    Ok(())
}

/// The API's page. It needs no build of the page, so that every service has it.
fn docs(files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    let style = fs::read_to_string(TOKENS)? + &fs::read_to_string("docs/style.css")?;
    let script = without_comments(&fs::read_to_string("docs/docs.js")?);
    let style_path = format!("/assets/docs-{:016x}.css", hash(style.as_bytes()));
    let script_path = format!("/assets/docs-{:016x}.js", hash(&script));
    let page = fs::read_to_string("docs/index.html")?;
    let page = page.replace("/docs.css", &style_path).replace("/docs.js", &script_path);
    files.insert(DOCS.to_owned(), page.into_bytes());
    files.insert(style_path, style.into_bytes());
    files.insert(script_path, script);
    files.insert("/theme.js".to_owned(), fs::read(THEME)?);
    Ok(())
}

/// The script less its lines of comment and its indentation; else it stays readable. Its strings end where they begin.
fn without_comments(script: &str) -> Vec<u8> {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.flat_map(|line| line.bytes().chain([b'\n'])).collect()
}

/// Writes an asset's forms as files, and its line in the table.
fn write_asset(table: &mut String, out: &Path, number: usize, path: &str, bytes: &[u8]) -> io::Result<()> {
    let include = |name: &str, form: &[u8]| -> io::Result<String> {
        fs::write(out.join(name), form)?;
        Ok(format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))"))
    };
    let compressed = |name: &str, form: &[u8]| -> io::Result<String> {
        // What doesn't become a good deal smaller (images, fonts) isn't worth decoding.
        let is_worth_it = form.len() + form.len() / 10 < bytes.len();
        if is_worth_it { Ok(format!("Some({})", include(name, form)?)) } else { Ok("None".to_owned()) }
    };
    let plain = include(&format!("{number}"), bytes)?;
    let gzip = compressed(&format!("{number}.gz"), &gzip(bytes)?)?;
    let brotli = compressed(&format!("{number}.br"), &brotli(bytes)?)?;
    let (content_type, etag) = (content_type(path)?, format!("{:016x}", hash(bytes)));
    let (is_immutable, is_page) = (path.starts_with("/assets/"), is_page(path));
    writeln!(
        table,
        "    ({path:?}, Asset {{ bytes: {plain}, gzip: {gzip}, brotli: {brotli}, content_type: {content_type:?}, \
         etag: {etag:?}, is_immutable: {is_immutable}, is_page: {is_page} }}),"
    )
    .map_err(io::Error::other)
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &parameters)?;
    Ok(compressed)
}

fn is_page(path: &str) -> bool {
    path == "/" || path == DOCS
}

fn content_type(path: &str) -> io::Result<&'static str> {
    let extension = if is_page(path) { "html" } else { path.rsplit('.').next().unwrap_or_default() };
    Ok(match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        // Better found now than in a browser that won't load it.
        _ => {
            return Err(io::Error::other(format!("no content type is known for {path}: add it to build.rs")));
        }
    })
}

/// Tells versions of a file apart. Without a key, so that every build of the same content has the same one.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
