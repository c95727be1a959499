//! Logging in, staying in, getting out.

use crate::support::{DAY, HOUR, MINUTE, PASSWORD, START, World, client, scope};
use counterplay_server::identity::{
    Caller, Credential, IdentityError, Permission, Principal, Role, Scope, csrf,
};
use counterplay_server::problem::Problem;

#[tokio::test]
async fn a_person_logs_in_by_an_address_in_any_case() {
    let world = World::new();
    world
        .person("Dana.Kim@msp.example", &[Role::Approver], scope(&["acme"]))
        .await;
    let login = world.log_in("  DANA.kim@MSP.example ").await;
    assert_eq!(login.expires_ms, START + DAY);
    let who = world
        .identity
        .check(&Credential::Cookie(login.cookie.clone()))
        .await
        .expect("checked");
    assert_eq!(who, login.principal);
    assert_eq!(who.id, "dana.kim@msp.example");
    assert!(who.is_person() && who.may_in(Permission::Approve, "acme"));
    assert!(!who.may_in(Permission::Approve, "globex"));
    let Caller::Person { csrf: token, .. } = &who.caller else {
        panic!("{who:?}");
    };
    assert!(csrf::matches(token, token) && *token != login.cookie);
    let other = world.log_in("dana.kim@msp.example").await;
    assert_ne!(other.cookie, login.cookie);
    assert_ne!(other.principal.caller, who.caller, "a token of its own");
}

#[tokio::test]
async fn a_refusal_does_not_tell_what_is_wrong() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let gone = world
        .person("gone@msp.example", &[Role::Viewer], Scope::All)
        .await;
    world
        .identity
        .set_disabled(&Principal::console(), gone.num, true)
        .await
        .expect("disabled");
    let mut told = Vec::new();
    for (email, password) in [
        ("ana@msp.example", "paper lantern eight"),
        ("ana@msp.example", ""),
        ("nobody@msp.example", PASSWORD),
        ("gone@msp.example", PASSWORD),
        ("not an address", PASSWORD),
        ("", PASSWORD),
    ] {
        let refused = world.try_log_in(email, password).await.expect_err(email);
        assert!(
            matches!(refused, IdentityError::Unauthorized(_)),
            "{refused:?}"
        );
        told.push(Problem::from(refused));
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].status, 401);
}

#[tokio::test]
async fn a_session_that_is_not_used_ends() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let login = world.log_in("ana@msp.example").await;
    world.pass(8 * HOUR - 1);
    assert!(!world.over(&login.cookie).await);
    world.pass(8 * HOUR - 1);
    assert!(!world.over(&login.cookie).await, "its use was noted");
    world.pass(8 * HOUR);
    assert!(world.over(&login.cookie).await);
}

#[tokio::test]
async fn a_session_ends_after_a_day_however_it_is_used() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let login = world.log_in("ana@msp.example").await;
    for _ in 0..23 {
        world.pass(HOUR);
        assert!(!world.over(&login.cookie).await);
    }
    world.pass(HOUR - 1);
    assert!(!world.over(&login.cookie).await);
    world.pass(1);
    assert!(world.over(&login.cookie).await);
    assert_eq!(world.identity.sweep_sessions().await, Ok(1));
    assert_eq!(world.identity.sweep_sessions().await, Ok(0));
}

#[tokio::test]
async fn the_use_of_a_session_is_written_once_a_minute_at_most() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let login = world.log_in("ana@msp.example").await;
    let before = world.store.commits();
    for _ in 0..20 {
        assert!(!world.over(&login.cookie).await);
    }
    assert_eq!(world.store.commits(), before);
    world.pass(MINUTE);
    for _ in 0..20 {
        assert!(!world.over(&login.cookie).await);
    }
    assert_eq!(world.store.commits(), before + 1);
}

#[tokio::test]
async fn another_cookie_is_nobodys() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let login = world.log_in("ana@msp.example").await;
    let mut tampered = login.cookie.clone();
    let last = if tampered.pop() == Some('A') {
        'B'
    } else {
        'A'
    };
    tampered.push(last);
    let long = login.cookie.repeat(100);
    for cookie in [
        tampered.as_str(),
        &login.cookie[1..],
        "",
        "' OR 1=1 --",
        &long,
    ] {
        assert!(world.over(cookie).await, "{cookie}");
    }
    assert!(!world.over(&login.cookie).await);
}

#[tokio::test]
async fn logging_out_ends_this_session_only() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let one = world.log_in("ana@msp.example").await;
    let two = world.log_in("ana@msp.example").await;
    world.identity.log_out(&one.cookie).await.expect("out");
    world
        .identity
        .log_out(&one.cookie)
        .await
        .expect("still out");
    assert!(world.over(&one.cookie).await);
    assert!(!world.over(&two.cookie).await);
}

#[tokio::test]
async fn whoever_is_disabled_is_out_at_once_and_comes_back_by_logging_in() {
    let world = World::new();
    let ana = world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let login = world.log_in("ana@msp.example").await;
    let console = Principal::console();
    let set = |disabled| world.identity.set_disabled(&console, ana.num, disabled);
    assert!(set(true).await.expect("disabled").disabled);
    assert!(world.over(&login.cookie).await);
    assert!(!set(false).await.expect("enabled").disabled);
    assert!(world.over(&login.cookie).await);
    world.log_in("ana@msp.example").await;
}

#[tokio::test]
async fn another_password_ends_the_other_sessions() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    world
        .person("ben@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let here = world.log_in("ana@msp.example").await;
    let there = world.log_in("ana@msp.example").await;
    let bens = world.log_in("ben@msp.example").await;
    let change = async |present: &str, new: &str| {
        world
            .identity
            .change_password(&here.cookie, present, new, client(1))
            .await
    };
    let new = "a quite different one";
    assert!(matches!(
        change("wrong", new).await,
        Err(IdentityError::Forbidden(_))
    ));
    assert!(matches!(
        change(PASSWORD, "short").await,
        Err(IdentityError::Weak(_))
    ));
    assert!(matches!(
        change(PASSWORD, PASSWORD).await,
        Err(IdentityError::Weak(_))
    ));
    assert!(!world.over(&there.cookie).await);
    change(PASSWORD, new).await.expect("changed");
    assert!(!world.over(&here.cookie).await);
    assert!(world.over(&there.cookie).await);
    assert!(!world.over(&bens.cookie).await);
    assert!(world.try_log_in("ana@msp.example", PASSWORD).await.is_err());
    world.try_log_in("ana@msp.example", new).await.expect("in");
}

#[tokio::test]
async fn roles_count_as_they_are_now() {
    let world = World::new();
    let ana = world
        .person("ana@msp.example", &[Role::Viewer], scope(&["acme"]))
        .await;
    let login = world.log_in("ana@msp.example").await;
    assert!(!login.principal.may(Permission::Operate));
    world
        .identity
        .change_person(
            &Principal::console(),
            ana.num,
            "Ana Ortiz",
            &[Role::Operator].into(),
            &scope(&["globex"]),
        )
        .await
        .expect("changed");
    let now = world
        .identity
        .check_session(&login.cookie)
        .await
        .expect("in");
    assert_eq!(now.name, "Ana Ortiz");
    assert!(now.may_in(Permission::Operate, "globex"));
    assert!(!now.may_in(Permission::Operate, "acme"));
}

#[tokio::test]
async fn guessing_makes_the_pauses_grow_even_for_the_right_password() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    for _ in 0..5 {
        let refused = world.try_log_in("ana@msp.example", "wrong").await;
        assert!(matches!(refused, Err(IdentityError::Unauthorized(_))));
    }
    let refused = world
        .try_log_in("ANA@msp.example", PASSWORD)
        .await
        .expect_err("a pause");
    assert_eq!(refused, IdentityError::TooMany { retry_after_s: 5 });
    let problem = Problem::from(refused);
    assert_eq!((problem.status, problem.retry_after_s), (429, Some(5)));
    world
        .identity
        .log_in("ana@msp.example", PASSWORD, client(2))
        .await
        .expect("another address is not locked out");
    world.pass(5_000);
    assert!(world.try_log_in("ana@msp.example", "wrong").await.is_err());
    let refused = world
        .try_log_in("ana@msp.example", PASSWORD)
        .await
        .expect_err("a pause");
    assert_eq!(refused, IdentityError::TooMany { retry_after_s: 10 });
    world.pass(10_000);
    world.log_in("ana@msp.example").await;
}

#[tokio::test]
async fn attempts_at_the_same_time_do_not_get_around_the_limit() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let tries: Vec<_> = (0..20)
        .map(|n| {
            let identity = world.identity.clone();
            tokio::spawn(async move {
                identity
                    .log_in("ana@msp.example", &format!("guess {n}"), client(1))
                    .await
            })
        })
        .collect();
    let mut judged = 0;
    for one in tries {
        if let Err(IdentityError::Unauthorized(_)) = one.await.expect("joined") {
            judged += 1;
        }
    }
    assert_eq!(judged, 5);
}

#[tokio::test]
async fn guessing_the_present_password_in_a_stolen_session_is_slowed_down_too() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let login = world.log_in("ana@msp.example").await;
    let mut last = None;
    for n in 0..6 {
        last = world
            .identity
            .change_password(
                &login.cookie,
                &format!("guess {n}"),
                "another one of mine",
                client(9),
            )
            .await
            .err();
    }
    assert_eq!(last, Some(IdentityError::TooMany { retry_after_s: 5 }));
}

#[tokio::test]
async fn the_store_holds_neither_passwords_nor_cookies() {
    let world = World::new();
    world
        .person("ana@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let login = world.log_in("ana@msp.example").await;
    let Caller::Person { csrf, .. } = &login.principal.caller else {
        panic!("a person");
    };
    assert!(
        world.holds("ana@msp.example"),
        "the search finds what is there"
    );
    assert!(world.holds("$argon2id$"));
    for secret in [PASSWORD, &login.cookie, csrf] {
        assert!(!world.holds(secret), "{secret}");
    }
}

#[tokio::test]
async fn no_credential_is_told_how_to_get_one() {
    let world = World::new();
    let none = world
        .identity
        .check(&Credential::None)
        .await
        .expect_err("nobody");
    assert!(none.to_string().contains("Authorization: Bearer"), "{none}");
    let odd = Credential::Malformed("the Authorization header is not plain text");
    let odd = world.identity.check(&odd).await.expect_err("nobody");
    assert_eq!(Problem::from(odd).status, 401);
}
