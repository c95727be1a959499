//! A copy of a store that is being worked on: whole, and good to go on with.

mod support;

use counterplay_runtime::engine::Until;
use counterplay_runtime::store::{BackupError, Store};
use support::{World, alert, project};

#[tokio::test]
async fn a_copy_goes_on_where_the_store_stood() {
    let world = World::new(project::respond());
    let engine = world.engine().await;
    engine.accept(alert(5, "u1")).await.expect("accepted");
    engine.run(Until::Asked).await.expect("driven");
    let to = world.folder.path().join("copy.db");
    // The engine holds the store meanwhile, and goes on.
    let made = engine.store().back_up(&to).await.expect("a copy");
    assert_eq!((made.runs, made.open_runs), (1, 1));
    engine.accept(alert(5, "u2")).await.expect("accepted");
    engine.run(Until::Asked).await.expect("driven");
    let again = engine.store().back_up(&to).await;
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");

    let copy = Store::open(&to).expect("it opens");
    let approvals = copy.approvals().await.expect("readable");
    assert_eq!(approvals.len(), 1, "as it was then");
    assert!(
        copy.verify_audit(None)
            .await
            .expect("readable")
            .iter()
            .all(|r| r.first_broken.is_none())
    );
    drop(copy);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&to)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
    let left = std::fs::read_dir(world.folder.path()).expect("a folder");
    let left = left
        .filter_map(Result::ok)
        .map(|e| e.file_name().to_string_lossy().into_owned());
    let parts: Vec<String> = left.filter(|name| name.contains(".part")).collect();
    assert!(parts.is_empty(), "{parts:?}");
    let nowhere = world.folder.path().join("no/such/copy.db");
    let refused = engine.store().back_up(&nowhere).await;
    assert!(
        matches!(refused, Err(BackupError::NoFolder(_))),
        "{refused:?}"
    );
}
