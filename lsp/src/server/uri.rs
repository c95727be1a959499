//! The protocol's addresses in, the compiler's paths out, and back.

use crate::snapshot::is_library;
use std::path::Path;
use std::str::FromStr;
use tower_lsp::ls_types::Uri;

/// The path of an address: of a file its path, of anything else (`std:/…`, `untitled:…`) the address itself.
pub(crate) fn path_of(uri: &Uri) -> String {
    let text = uri.as_str();
    if text.starts_with("file:")
        && let Some(path) = uri.to_file_path()
    {
        return path.display().to_string();
    }
    // Some editors only take a name with `://` for an address.
    match text.strip_prefix("std:///") {
        Some(rest) => format!("std:/{rest}"),
        None => text.to_owned(),
    }
}

/// The address of a path.
pub(crate) fn uri_of(path: &str) -> Option<Uri> {
    if !is_library(path) && Path::new(path).is_absolute() {
        return Uri::from_file_path(path);
    }
    Uri::from_str(path).ok()
}
