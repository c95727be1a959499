//! A name in, an embedded file and its address out. Addresses hold a digest of the content, so browsers may keep
//! the files for ever.

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets");

/// What answers with an asset say about keeping it: for a year, without asking again.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// The content security policy of every page: nothing from elsewhere, no code and no styles in the page itself.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; \
     base-uri 'none'";

/// An embedded file.
#[derive(Clone, Debug)]
pub struct Asset {
    /// The content.
    pub bytes: &'static [u8],
    /// The media type.
    pub content_type: &'static str,
    /// The entity tag, quotes included.
    pub etag: String,
}

struct Known {
    address: String,
    asset: Asset,
}

/// By name, such as `app.css`.
static KNOWN: LazyLock<BTreeMap<String, Known>> = LazyLock::new(|| {
    let mut folders = vec![&FILES];
    let mut known = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            let (Some(name), Some(content_type)) = (
                file.path().file_name().and_then(|n| n.to_str()),
                media_type(file.path().extension().and_then(|e| e.to_str())),
            ) else {
                continue;
            };
            let digest: String = Sha256::digest(file.contents())
                .iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
            known.insert(
                name.to_owned(),
                Known {
                    address: format!("/assets/{stem}.{digest}.{ending}"),
                    asset: Asset {
                        bytes: file.contents(),
                        content_type,
                        etag: format!("\"{digest}\""),
                    },
                },
            );
        }
    }
    known
});

fn media_type(ending: Option<&str>) -> Option<&'static str> {
    Some(match ending? {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        _ => return None,
    })
}

/// The address of a file by its name: `/assets/app.0123456789abcdef.css`; the plain one for an unknown name.
pub fn address(name: &str) -> String {
    match KNOWN.get(name) {
        Some(known) => known.address.clone(),
        None => format!("/assets/{name}"),
    }
}

/// The file of an address's last part, such as `app.0123456789abcdef.css`. One of an older version is not there.
pub fn find(last: &str) -> Option<Asset> {
    KNOWN
        .values()
        .find(|known| known.address.strip_prefix("/assets/") == Some(last))
        .map(|known| known.asset.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_is_found_by_its_address() {
        for name in ["app.css", "live.js", "htmx.min.js", "favicon.svg"] {
            let address = address(name);
            let last = address.strip_prefix("/assets/").expect("a folder");
            let asset = find(last).expect(name);
            assert!(!asset.bytes.is_empty());
            assert!(last.contains(asset.etag.trim_matches('"')));
        }
        assert!(find("app.css").is_none(), "addresses carry a digest");
        assert!(find("README.md").is_none());
    }
}
