//! Letting people in, changing them, and never locking everybody out.

use crate::support::{PASSWORD, World, account, client, scope};
use counterplay_server::identity::{DemoPerson, IdentityError, Principal, Role, Scope};
use counterplay_server::problem::Problem;

fn console() -> Principal {
    Principal::console()
}

#[tokio::test]
async fn an_empty_store_gets_one_administrator_and_its_password_works() {
    let world = World::new();
    let first = world
        .identity
        .first_administrator(None)
        .await
        .expect("made");
    let first = first.expect("there was nobody");
    assert_eq!(first.email, "admin@localhost");
    let login = world
        .try_log_in("admin@localhost", &first.password)
        .await
        .expect("in");
    assert_eq!(login.principal.roles, [Role::Administrator].into());
    assert_eq!(login.principal.scope, Scope::All);
    assert!(!world.holds(&first.password));
    assert!(!format!("{first:?}").contains(&first.password));
    let second = world
        .identity
        .first_administrator(Some("ben@msp.example"))
        .await;
    assert!(second.expect("asked").is_none());
}

#[tokio::test]
async fn several_processes_make_one_first_administrator() {
    let world = World::new();
    let tries: Vec<_> = (0..8)
        .map(|n| {
            let identity = world.identity.clone();
            let email = format!("admin{n}@msp.example");
            tokio::spawn(async move { identity.first_administrator(Some(&email)).await })
        })
        .collect();
    let mut made = 0;
    for one in tries {
        made += usize::from(one.await.expect("joined").expect("asked").is_some());
    }
    assert_eq!(made, 1);
    assert_eq!(
        world
            .identity
            .people(&console())
            .await
            .expect("listed")
            .len(),
        1
    );
}

#[tokio::test]
async fn a_person_gets_a_password_once_and_an_address_is_taken_in_any_case() {
    let world = World::new();
    let dana = account("Dana@msp.example", &[Role::Approver], scope(&["acme"]));
    let made = world
        .identity
        .create_person(&console(), dana.clone(), None)
        .await
        .expect("made");
    assert!(!world.holds(&made.password));
    assert!(!format!("{made:?}").contains(&made.password));
    world
        .try_log_in("dana@msp.example", &made.password)
        .await
        .expect("in");
    let mut twice = dana;
    twice.email = "DANA@MSP.example".into();
    let refused = world.identity.create_person(&console(), twice, None).await;
    let refused = refused.expect_err("taken");
    assert!(matches!(refused, IdentityError::Taken(_)), "{refused:?}");
    assert_eq!(Problem::from(refused).status, 409);
    let found = world
        .identity
        .person_by_email(&console(), "dAnA@msp.example")
        .await;
    assert_eq!(found, Ok(made.person));
}

#[tokio::test]
async fn people_who_make_no_sense_are_refused_with_a_way_out() {
    let world = World::new();
    let mut nameless = account("a@b.example", &[Role::Viewer], Scope::All);
    nameless.name = " ".into();
    for (person, says) in [
        (
            account("no address", &[Role::Viewer], Scope::All),
            "dana.kim@msp.example",
        ),
        (nameless, "name is empty"),
        (account("a@b.example", &[], Scope::All), "at least one role"),
        (
            account("a@b.example", &[Role::Source], Scope::All),
            "for tokens",
        ),
        (
            account("a@b.example", &[Role::Viewer], scope(&[])),
            "at least one",
        ),
    ] {
        let refused = world.identity.create_person(&console(), person, None).await;
        let refused = refused.expect_err(says);
        assert!(refused.to_string().contains(says), "{refused}");
        assert_eq!(Problem::from(refused).status, 422);
    }
    let fine = account("a@b.example", &[Role::Viewer], Scope::All);
    let weak = world
        .identity
        .create_person(&console(), fine, Some("password1234".into()))
        .await;
    assert!(matches!(weak, Err(IdentityError::Weak(_))), "{weak:?}");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new();
    let ana = world
        .person("ana@msp.example", &[Role::Administrator], Scope::All)
        .await;
    // None of these could let anybody in everywhere.
    world
        .person("ben@msp.example", &[Role::Administrator], scope(&["acme"]))
        .await;
    world
        .person("cleo@msp.example", &[Role::Operator], Scope::All)
        .await;
    let dora = world
        .person("dora@msp.example", &[Role::Administrator], Scope::All)
        .await;
    let by = console();
    world
        .identity
        .set_disabled(&by, dora.num, true)
        .await
        .expect("one is left");
    let viewer = [Role::Viewer].into();
    let admin = [Role::Administrator].into();
    for refused in [
        world.identity.set_disabled(&by, ana.num, true).await,
        world
            .identity
            .change_person(&by, ana.num, "Ana", &viewer, &Scope::All)
            .await,
        world
            .identity
            .change_person(&by, ana.num, "Ana", &admin, &scope(&["acme"]))
            .await,
    ] {
        assert_eq!(refused, Err(IdentityError::LastAdministrator));
    }
    world.log_in("ana@msp.example").await;
    let renamed = world
        .identity
        .change_person(&by, ana.num, "Ana O.", &admin, &Scope::All)
        .await;
    assert_eq!(renamed.expect("still one").name, "Ana O.");
    world
        .identity
        .set_disabled(&by, dora.num, false)
        .await
        .expect("two again");
    world
        .identity
        .set_disabled(&by, ana.num, true)
        .await
        .expect("one is left");
}

#[tokio::test]
async fn two_administrators_cannot_remove_each_other_at_the_same_time() {
    let world = World::new();
    let ana = world
        .person("ana@msp.example", &[Role::Administrator], Scope::All)
        .await;
    let ben = world
        .person("ben@msp.example", &[Role::Administrator], Scope::All)
        .await;
    let by = console();
    let (one, two) = tokio::join!(
        world.identity.set_disabled(&by, ana.num, true),
        world.identity.set_disabled(&by, ben.num, true),
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test]
async fn a_reset_password_replaces_the_old_one_and_ends_sessions() {
    let world = World::new();
    let ana = world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let login = world.log_in("ana@msp.example").await;
    let reset = world
        .identity
        .reset_password(&console(), ana.num, None)
        .await
        .expect("reset");
    assert!(world.over(&login.cookie).await);
    assert!(world.try_log_in("ana@msp.example", PASSWORD).await.is_err());
    world
        .try_log_in("ana@msp.example", &reset.password)
        .await
        .expect("in");
    let none = world.identity.reset_password(&console(), 99, None).await;
    assert!(matches!(none, Err(IdentityError::NotFound(_))), "{none:?}");
}

#[tokio::test]
async fn an_administrator_of_some_tenants_rules_there_only() {
    let world = World::new();
    let by = world
        .person(
            "ana@msp.example",
            &[Role::Administrator],
            scope(&["acme", "globex"]),
        )
        .await;
    let ana = world.log_in("ana@msp.example").await.principal;
    let mine = world
        .person("ben@msp.example", &[Role::Viewer], scope(&["acme"]))
        .await;
    let viewer = [Role::Viewer].into();
    for theirs in [scope(&["initech"]), scope(&["acme", "initech"]), Scope::All] {
        let refused = world
            .identity
            .create_person(
                &ana,
                account("new@msp.example", &[Role::Viewer], theirs.clone()),
                None,
            )
            .await;
        assert!(
            matches!(refused, Err(IdentityError::Forbidden(_))),
            "{refused:?}"
        );
        let refused = world
            .identity
            .change_person(&ana, mine.num, "Ben", &viewer, &theirs)
            .await;
        assert!(
            matches!(refused, Err(IdentityError::Forbidden(_))),
            "{refused:?}"
        );
    }
    for (n, theirs) in [scope(&["initech"]), scope(&["acme", "initech"]), Scope::All]
        .into_iter()
        .enumerate()
    {
        let email = format!("other{n}@msp.example");
        let other = world.person(&email, &[Role::Viewer], theirs).await;
        let acme = scope(&["acme"]);
        for refused in [
            world.identity.set_disabled(&ana, other.num, true).await,
            world.identity.person_by_email(&ana, &email).await,
            world
                .identity
                .change_person(&ana, other.num, "X", &viewer, &acme)
                .await,
            world
                .identity
                .reset_password(&ana, other.num, None)
                .await
                .map(|c| c.person),
        ] {
            assert!(
                matches!(refused, Err(IdentityError::NotFound(_))),
                "{refused:?}"
            );
        }
        world
            .identity
            .log_in(&email, PASSWORD, client(2))
            .await
            .expect("left as they were");
    }
    let seen = world.identity.people(&ana).await.expect("listed");
    assert_eq!(seen, [by, mine]);
}

#[tokio::test]
async fn people_are_for_administrators() {
    let world = World::new();
    let roles = [Role::Viewer, Role::Operator, Role::Approver, Role::Author];
    let ana = world.person("ana@msp.example", &roles, Scope::All).await;
    let by = world.log_in("ana@msp.example").await.principal;
    let new = account("new@msp.example", &[Role::Viewer], Scope::All);
    let all = [Role::Administrator].into();
    for refused in [
        world
            .identity
            .create_person(&by, new, None)
            .await
            .map(|c| c.person),
        world
            .identity
            .change_person(&by, ana.num, "Ana", &all, &Scope::All)
            .await,
        world.identity.set_disabled(&by, ana.num, true).await,
        world
            .identity
            .reset_password(&by, ana.num, None)
            .await
            .map(|c| c.person),
        world.identity.person_by_email(&by, "ana@msp.example").await,
    ] {
        assert!(
            matches!(refused, Err(IdentityError::Forbidden(_))),
            "{refused:?}"
        );
    }
    assert!(matches!(
        world.identity.people(&by).await,
        Err(IdentityError::Forbidden(_))
    ));
}

#[tokio::test]
async fn demo_people_are_as_given_and_stay_logged_in() {
    let world = World::new();
    let dana = DemoPerson {
        email: "Dana@msp.example".into(),
        name: "Dana Kim".into(),
        roles: [Role::Approver].into(),
        scope: scope(&["acme"]),
        password: PASSWORD.into(),
    };
    let people = [dana.clone()];
    world.identity.ensure_people(&people).await.expect("made");
    let login = world.log_in("dana@msp.example").await;
    let before = world.store.commits();
    world.identity.ensure_people(&people).await.expect("there");
    assert_eq!(world.store.commits(), before, "nothing to do");
    assert!(!world.over(&login.cookie).await);
    let changed = DemoPerson {
        roles: [Role::Operator].into(),
        password: "another lantern".into(),
        ..dana
    };
    world
        .identity
        .ensure_people(&[changed])
        .await
        .expect("changed");
    assert!(world.over(&login.cookie).await);
    let again = world
        .try_log_in("dana@msp.example", "another lantern")
        .await;
    assert_eq!(again.expect("in").principal.roles, [Role::Operator].into());
    assert_eq!(
        world
            .identity
            .people(&console())
            .await
            .expect("listed")
            .len(),
        1
    );
}
