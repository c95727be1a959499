//! `counterplay deploy`, as a CI uses it: a folder's files at a real service, with what is said and the exit codes.

use counterplay_tests::service::Service;
use counterplay_tests::{outside, root};
use std::path::Path;
use std::process::Command;

const GUARDS: &str =
    "use microsoft.intune\n\nguard \"Few wipes\" {\n  limit intune.wipe to 5 per 1h\n}\n";

/// The tour, as a folder.
fn project(folder: &Path) {
    let from = root().join("examples/tour");
    std::fs::create_dir_all(folder.join("playbooks")).expect("a folder");
    for file in [
        "counterplay.toml",
        "playbooks/contain_account.play",
        "playbooks/lost_device.play",
    ] {
        std::fs::copy(from.join(file), folder.join(file)).expect("copied");
    }
}

struct Ci<'s> {
    service: &'s Service,
    folder: &'s Path,
    token: String,
}

impl Ci<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(outside::counterplay());
        command
            .args(["deploy", "--url", &self.service.url])
            .args(arguments)
            .current_dir(self.folder)
            .env_remove("COUNTERPLAY_TOKEN")
            .env("NO_COLOR", "1");
        command
    }

    /// With the token in its variable.
    fn deploy(&self, arguments: &[&str]) -> (Option<i32>, String) {
        ended(
            self.command(arguments)
                .env("COUNTERPLAY_TOKEN", &self.token),
        )
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.join("playbooks").join(file), text).expect("written");
    }
}

fn ended(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("it starts");
    (output.status.code(), outside::printed(&output))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_deployed_from_a_folder() {
    let service = Service::start(&["--sandbox", "--accept-deploys"]);
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path());
    let ci = Ci {
        service: &service,
        folder: folder.path(),
        token: service.token("author").await,
    };
    let (code, said) = ci.deploy(&[]);
    assert_eq!(
        said.trim(),
        "nothing differs from what is deployed, revision 1"
    );
    assert_eq!(code, Some(0));

    // Guards alone, which no playbook's address takes.
    ci.write("guards.play", GUARDS);
    let (code, said) = ci.deploy(&["--summary", "Not more than five"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        said.trim(),
        "deployed: revision 2 runs\nWhat changes\n  new: the guard “Few wipes” limits `intune.wipe` to 5 per 1h"
    );

    // It loosens something: somebody else decides.
    std::fs::remove_file(folder.path().join("playbooks/guards.play")).expect("removed");
    let (code, said) = ci.deploy(&[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.starts_with("waits: revision 3 needs a second person\n"),
        "{said}"
    );
    assert!(
        said.contains(
            "Why it waits\n  the guard “Few wipes” would no longer limit `intune.wipe` as it does\n"
        ),
        "{said}"
    );
    assert!(
        said.trim().ends_with(&format!("{}/deploys/3", service.url)),
        "{said}"
    );
    let (code, said) = ci.deploy(&["--json"]);
    assert_eq!(code, Some(3), "{said}");
    let answer: serde_json::Value = serde_json::from_str(&said).expect("one object");
    assert_eq!(answer["state"], "waiting");

    // With errors nothing is sent.
    ci.write("guards.play", &GUARDS.replace("intune.wipe", "intune.wip"));
    let (code, said) = ci.deploy(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("intune.wip") && said.contains("nothing was sent"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_why() {
    let service = Service::start(&["--sandbox", "--accept-deploys"]);
    let folder = tempfile::tempdir().expect("a folder");
    project(folder.path());
    let mut ci = Ci {
        service: &service,
        folder: folder.path(),
        token: service.token("viewer").await,
    };
    ci.write("guards.play", GUARDS);
    let (code, said) = ended(&mut ci.command(&[]));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("COUNTERPLAY_TOKEN") && said.contains("--token-file"),
        "{said}"
    );
    let (code, said) = ci.deploy(&[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("this needs the role author or administrator"),
        "{said}"
    );
    ci.token = "cp_nobody".into();
    let (code, said) = ci.deploy(&[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("does not know the token"), "{said}");

    // A token crosses no network in clear, and what is no service is not taken for one.
    let elsewhere = |url: &str| {
        let mut command = Command::new(outside::counterplay());
        let command = command
            .args(["deploy", "--url", url])
            .current_dir(folder.path());
        ended(command.env("COUNTERPLAY_TOKEN", "cp_x"))
    };
    let (code, said) = elsewhere("http://counterplay.msp.example");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("in clear"), "{said}");
    let (code, said) = elsewhere("http://127.0.0.1:1");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot be reached"), "{said}");
    let (code, said) = elsewhere(&service.outside());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("is it") && said.contains("address"), "{said}");

    // A file with the token does as well.
    let path = folder.path().join("token");
    std::fs::write(&path, format!("{}\n", service.token("administrator").await)).expect("written");
    let (code, said) = ended(&mut ci.command(&["--token-file", "token"]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("deployed: revision 2 runs"), "{said}");
}
