//! API tokens: made, used, ended.

use crate::support::{DAY, MINUTE, START, World, scope};
use counterplay_server::identity::{
    ApiToken, Caller, CreatedToken, Credential, IdentityError, NewApiToken, Permission, Principal,
    Role, Scope,
};

fn new(name: &str, role: Role, scope: Scope) -> NewApiToken {
    NewApiToken {
        name: name.to_owned(),
        role,
        scope,
        days: 90,
    }
}

impl World {
    async fn token(&self, token: NewApiToken) -> Result<CreatedToken, IdentityError> {
        self.identity
            .create_token(&Principal::console(), token)
            .await
    }

    async fn only_token(&self) -> ApiToken {
        let tokens = self.identity.tokens(&Principal::console()).await;
        tokens.expect("listed").remove(0)
    }

    async fn is_good(&self, secret: &str) -> bool {
        match self.identity.check_token(secret).await {
            Ok(_) => true,
            Err(IdentityError::Unauthorized(_)) => false,
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_token_does_what_its_role_allows_in_its_tenants() {
    let world = World::new();
    let made = world
        .token(new("siem-prod", Role::Source, scope(&["acme"])))
        .await
        .expect("made");
    assert!(made.secret.starts_with("cp_"));
    let who = world
        .identity
        .check(&Credential::Bearer(made.secret.clone()))
        .await
        .expect("good");
    assert_eq!(who.id, "token:siem-prod");
    assert_eq!(
        who.caller,
        Caller::Token {
            num: made.token.num
        }
    );
    assert!(!who.is_person());
    assert!(who.may_in(Permission::Deliver, "acme"));
    assert!(!who.may_in(Permission::Deliver, "globex"));
    assert!(!who.may(Permission::View));
    assert_eq!(who.scope.only(), Some("acme"));
    assert!(world.holds("siem-prod"), "the search finds what is there");
    assert!(!world.holds(&made.secret));
    assert!(!world.holds(&made.secret["cp_".len()..]));
    assert!(!format!("{made:?}").contains(&made.secret));
}

#[tokio::test]
async fn a_token_ends_in_time_and_when_it_is_revoked() {
    let world = World::new();
    let one = world
        .token(new("one", Role::Viewer, Scope::All))
        .await
        .expect("made");
    let two = world
        .token(new("two", Role::Viewer, Scope::All))
        .await
        .expect("made");
    assert_eq!(one.token.expires_ms, START + 90 * DAY);
    let console = Principal::console();
    let revoked = world.identity.revoke_token(&console, two.token.num).await;
    assert_eq!(revoked.expect("revoked").revoked_ms, Some(START));
    assert!(!world.is_good(&two.secret).await);
    world.pass(90 * DAY - 1);
    assert!(world.is_good(&one.secret).await);
    world.pass(1);
    assert!(!world.is_good(&one.secret).await);
    let again = world.identity.revoke_token(&console, two.token.num).await;
    assert_eq!(again.expect("revoked").revoked_ms, Some(START), "as before");
    let none = world.identity.revoke_token(&console, 99).await;
    assert!(matches!(none, Err(IdentityError::NotFound(_))));
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_refused() {
    let world = World::new();
    let made = world
        .token(new("one", Role::Viewer, Scope::All))
        .await
        .expect("made");
    let bare = made.secret.trim_start_matches("cp_").to_owned();
    let long = format!("cp_{}", "a".repeat(100_000));
    let cut = made.secret[..made.secret.len() - 1].to_owned();
    for secret in [bare.as_str(), &cut, &long, "", "cp_", "cp_' OR 1=1 --"] {
        assert!(!world.is_good(secret).await, "{secret}");
    }
}

#[tokio::test]
async fn the_last_use_is_noted_once_a_minute_at_most() {
    let world = World::new();
    let made = world
        .token(new("one", Role::Viewer, Scope::All))
        .await
        .expect("made");
    assert_eq!(world.only_token().await.used_ms, None);
    assert!(world.is_good(&made.secret).await);
    assert_eq!(world.only_token().await.used_ms, Some(START));
    let before = world.store.commits();
    world.pass(MINUTE - 1);
    assert!(world.is_good(&made.secret).await);
    assert_eq!(world.store.commits(), before);
    world.pass(1);
    assert!(world.is_good(&made.secret).await);
    assert_eq!(world.only_token().await.used_ms, Some(START + MINUTE));
}

#[tokio::test]
async fn tokens_that_make_no_sense_are_refused_with_a_way_out() {
    let world = World::new();
    let days = |days| NewApiToken {
        days,
        ..new("one", Role::Viewer, Scope::All)
    };
    for (token, says) in [
        (new("a b", Role::Viewer, Scope::All), "siem-prod"),
        (new("one", Role::Approver, Scope::All), "only people can"),
        (new("one", Role::Source, Scope::All), "one tenant"),
        (
            new("one", Role::Source, scope(&["acme", "globex"])),
            "one tenant",
        ),
        (new("one", Role::Viewer, scope(&[])), "at least one"),
        (days(0), "1 to 365 days"),
        (days(366), "1 to 365 days"),
    ] {
        let refused = world.token(token).await.expect_err(says);
        assert!(matches!(refused, IdentityError::Invalid(_)), "{refused:?}");
        assert!(refused.to_string().contains(says), "{refused}");
    }
}

#[tokio::test]
async fn a_name_is_free_again_when_its_token_has_ended() {
    let world = World::new();
    let one = world
        .token(new("siem", Role::Viewer, Scope::All))
        .await
        .expect("made");
    let taken = world.token(new("SIEM", Role::Viewer, Scope::All)).await;
    assert!(matches!(taken, Err(IdentityError::Taken(_))), "{taken:?}");
    let console = Principal::console();
    world
        .identity
        .revoke_token(&console, one.token.num)
        .await
        .expect("revoked");
    let two = world
        .token(new("siem", Role::Viewer, Scope::All))
        .await
        .expect("made");
    assert_ne!(one.token.num, two.token.num);
    world.pass(90 * DAY);
    world
        .token(new("siem", Role::Viewer, Scope::All))
        .await
        .expect("made");
}

#[tokio::test]
async fn an_administrator_of_some_tenants_sees_and_makes_tokens_there_only() {
    let world = World::new();
    world
        .person(
            "ana@msp.example",
            &[Role::Administrator],
            scope(&["acme", "globex"]),
        )
        .await;
    let ana = world.log_in("ana@msp.example").await.principal;
    let everywhere = world
        .token(new("all", Role::Viewer, Scope::All))
        .await
        .expect("made");
    let elsewhere = world
        .token(new("initech", Role::Viewer, scope(&["initech", "acme"])))
        .await
        .expect("made");
    for scope in [Scope::All, scope(&["initech"]), scope(&["acme", "initech"])] {
        let refused = world
            .identity
            .create_token(&ana, new("mine", Role::Viewer, scope))
            .await;
        assert!(
            matches!(refused, Err(IdentityError::Forbidden(_))),
            "{refused:?}"
        );
    }
    let mine = world
        .identity
        .create_token(&ana, new("mine", Role::Administrator, scope(&["acme"])))
        .await
        .expect("made");
    assert_eq!(mine.token.created_by, "ana@msp.example");
    let seen = world.identity.tokens(&ana).await.expect("listed");
    assert_eq!(seen, [mine.token]);
    for other in [everywhere, elsewhere] {
        let refused = world.identity.revoke_token(&ana, other.token.num).await;
        assert!(
            matches!(refused, Err(IdentityError::NotFound(_))),
            "{refused:?}"
        );
        assert!(world.is_good(&other.secret).await);
    }
}

#[tokio::test]
async fn tokens_are_for_administrators() {
    let world = World::new();
    let roles = [Role::Viewer, Role::Operator, Role::Approver, Role::Author];
    world.person("ana@msp.example", &roles, Scope::All).await;
    let ana = world.log_in("ana@msp.example").await.principal;
    let made = world
        .identity
        .create_token(&ana, new("one", Role::Viewer, Scope::All))
        .await;
    assert!(matches!(made, Err(IdentityError::Forbidden(_))));
    assert!(matches!(
        world.identity.tokens(&ana).await,
        Err(IdentityError::Forbidden(_))
    ));
    let revoked = world.identity.revoke_token(&ana, 1).await;
    assert!(matches!(revoked, Err(IdentityError::Forbidden(_))));
}
