//! Where the credential lies that opens a store of secrets in, the credential out. Read each time, so that whoever
//! replaces it needs no restart.

use super::{SecretValue, open_to_others};
use counterplay_machine::secret_store::HeldAt;
use std::path::Path;

/// The credential, or in words why there is none.
pub(super) fn read(held: &HeldAt, folder: &Path) -> Result<SecretValue, String> {
    let text = match held {
        HeldAt::Variable(name) => std::env::var(name)
            .map_err(|_| format!("the environment variable {name} is not set"))?,
        HeldAt::File(path) => {
            let path = folder.join(path);
            let shown = path.display();
            let unreadable = |error| format!("{shown} cannot be read: {error}");
            let metadata = std::fs::metadata(&path).map_err(unreadable)?;
            if let Some(mode) = open_to_others(&metadata) {
                return Err(format!(
                    "{shown} can be read by others (mode {mode:03o}); make it yours alone: chmod 600 {shown}"
                ));
            }
            std::fs::read_to_string(&path).map_err(unreadable)?
        }
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(match held {
            HeldAt::Variable(name) => format!("the environment variable {name} is empty"),
            HeldAt::File(path) => format!("{} is empty", folder.join(path).display()),
        });
    }
    Ok(SecretValue::new(text))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_credential_in_a_file_is_ours_alone() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("token");
        let held = HeldAt::File("token".into());
        assert!(read(&held, folder.path()).is_err_and(|why| why.contains("cannot be read")));
        std::fs::write(&path, "the-token\n")?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        assert!(read(&held, folder.path()).is_err_and(|why| why.contains("chmod 600")));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        assert_eq!(read(&held, folder.path())?.expose(), "the-token");
        std::fs::write(&path, "\n")?;
        assert!(read(&held, folder.path()).is_err_and(|why| why.ends_with("is empty")));
        Ok(())
    }
}
