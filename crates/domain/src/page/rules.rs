//! The query's share of a page's identity: which parameters only say where a visitor came from.

/// Which query parameters a page's identity leaves out.
///
/// A parameter's name is what stands before its first `=`, compared as sent: case-sensitively, without decoding, less
/// spaces at its end.
#[derive(Clone, Debug)]
pub struct PageRules {
    /// The names by their first byte: most parameters are kept without comparing a name.
    names: Vec<Vec<Name>>,
    drops_all: bool,
}

#[derive(Clone, Debug)]
struct Name {
    text: Box<str>,
    is_prefix: bool,
}

impl PageRules {
    /// The tracking parameters of the common advertising and mail services (docs/api.md, "Page visits").
    pub const DEFAULT_TRACKING: &[&str] = &[
        "utm_*",
        "gclid",
        "gbraid",
        "wbraid",
        "dclid",
        "fbclid",
        "msclkid",
        "twclid",
        "ttclid",
        "li_fat_id",
        "mc_cid",
        "mc_eid",
        "igshid",
    ];

    /// Rules that drop the named parameters. A name that ends in `*` stands for all that start with what is before
    /// the `*`, so `*` alone drops the query whole; a `*` elsewhere is an ordinary character. Spaces around a name do
    /// not count, and blank names are ignored.
    pub fn new<I: IntoIterator<Item = S>, S: Into<String>>(parameters: I) -> Self {
        let mut rules = Self { names: vec![Vec::new(); 256], drops_all: false };
        for parameter in parameters {
            let parameter = parameter.into();
            let parameter = parameter.trim();
            let (text, is_prefix) =
                parameter.strip_suffix('*').map_or((parameter, false), |text| (text, true));
            match text.as_bytes().first() {
                Some(&first) => rules.names[usize::from(first)].push(Name { text: text.into(), is_prefix }),
                None => rules.drops_all |= is_prefix,
            }
        }
        rules
    }

    /// Whether a page without a query is all that is left of any page.
    pub(super) fn drops_all(&self) -> bool {
        self.drops_all
    }

    /// Whether the text from here on, up to the first `&` or its end, is a parameter to drop.
    pub(super) fn drops(&self, text: &str) -> bool {
        let Some(&first) = text.as_bytes().first() else { return self.drops_all };
        // Most that share the first byte differ soon after, and then need no search for their end.
        let mut names = self.names[usize::from(first)].iter().filter(|name| text.starts_with(&*name.text));
        self.drops_all || names.any(|name| name.is_of(text))
    }

    /// Appends `?` and the query less what is dropped; nothing where nothing is left.
    pub(super) fn push_query(&self, normal: &mut String, query: &str) {
        let question_mark = normal.len();
        let mut separator = '?';
        for parameter in query.trim_end_matches(' ').split('&') {
            if !self.drops(parameter) {
                normal.push(separator);
                normal.push_str(parameter);
                separator = '&';
            }
        }
        normal.truncate(normal.trim_end_matches(' ').len());
        if normal.len() == question_mark + 1 {
            normal.truncate(question_mark);
        }
    }
}

impl Name {
    /// Whether the parameter that the text starts with is meant.
    fn is_of(&self, text: &str) -> bool {
        let end = text.bytes().position(|byte| matches!(byte, b'=' | b'&')).unwrap_or(text.len());
        // Spaces at the end of a query are dropped, so a name must mean the same with them and without.
        let sent = text[..end].trim_end_matches(' ');
        if self.is_prefix { sent.starts_with(&*self.text) } else { *sent == *self.text }
    }
}

impl Default for PageRules {
    /// Drops [`PageRules::DEFAULT_TRACKING`].
    fn default() -> Self {
        Self::new(Self::DEFAULT_TRACKING.iter().copied())
    }
}
