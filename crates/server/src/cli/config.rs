//! `footfall config`: the effective configuration, in the form of a configuration file.

use crate::config::Config;

/// Prints every setting with its effective value; those that are unset as comments.
pub(crate) fn show(config: &Config) {
    let mut settings = config.effective.clone();
    settings.sort();
    let mut last = String::new();
    for (name, value) in &settings {
        let (section, key) = name.split_once('.').unwrap_or(("", name));
        if section != last {
            println!("{}[{section}]", if last.is_empty() { "" } else { "\n" });
            section.clone_into(&mut last);
        }
        if value.is_empty() {
            println!("# {key} =");
        } else {
            println!("{key} = {}", serde_json::Value::from(value.as_str()));
        }
    }
}
