//! `counterplay user` and `counterplay token`: people and tokens of a store in, changed or listed out,
//! without a browser.

use crate::args::{
    ListArgs, PasswordArgs, PersonArgs, StoreArgs, TenantArgs, TokenArgs, TokenCommand,
    TokenCreateArgs, TokenRevokeArgs, UserAddArgs, UserArgs, UserCommand,
};
use crate::error::{Failure, OK, Outcome};
use crate::lookup;
use crate::out::{self, BAD, GOOD, NAME, PLAIN, QUIET, WARN, paint};
use crate::table::{Cell, table};
use anstyle::Style;
use counterplay_compiler::near;
use counterplay_machine::duration::format_time_ms;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_server::identity::{
    ApiToken, Identity, IdentityError, LONGEST, NewAccount, NewApiToken, Person, Principal, Role,
    Scope,
};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, Read};
use std::sync::Arc;

/// Carries out `counterplay user`.
///
/// # Errors
/// When it is refused or the store cannot be used.
pub async fn user(args: UserArgs) -> Outcome {
    match args.command {
        UserCommand::Add(args) => add(args).await,
        UserCommand::List(args) => people(args).await,
        UserCommand::ResetPassword(args) => reset(args).await,
        UserCommand::Disable(args) => set_disabled(args, true).await,
        UserCommand::Enable(args) => set_disabled(args, false).await,
    }
}

/// Carries out `counterplay token`.
///
/// # Errors
/// When it is refused or the store cannot be used.
pub async fn token(args: TokenArgs) -> Outcome {
    match args.command {
        TokenCommand::Create(args) => create(args).await,
        TokenCommand::List(args) => tokens(args).await,
        TokenCommand::Revoke(args) => revoke(args).await,
    }
}

async fn add(args: UserAddArgs) -> Outcome {
    let identity = open(&args.store)?;
    let roles = args.role.iter().map(|r| role(r));
    let account = NewAccount {
        name: args.name.unwrap_or_else(|| args.email.trim().to_owned()),
        email: args.email,
        roles: roles.collect::<Result<BTreeSet<_>, _>>()?,
        scope: scope(args.tenants),
    };
    let given = given_password(args.password_stdin)?;
    let made_up = given.is_none();
    let made = identity
        .create_person(&Principal::console(), account, given)
        .await
        .map_err(refused)?;
    out::line(format!(
        "{}: {} may log in",
        paint(GOOD, "added"),
        made.person.email
    ))?;
    tell_password(made_up, &made.password)
}

async fn people(args: ListArgs) -> Outcome {
    let identity = open(&args.store)?;
    let people = identity.people(&Principal::console()).await;
    let people = people.map_err(refused)?;
    if args.json {
        out::line(Json::from_iter(people.iter().map(person_json)))?;
        return Ok(OK);
    }
    if people.is_empty() {
        out::line("nobody may log in yet; `counterplay user add` lets somebody in")?;
        return Ok(OK);
    }
    let rows: Vec<Vec<Cell>> = people
        .iter()
        .map(|p| {
            let (state, style) = if p.disabled {
                ("disabled", WARN)
            } else {
                ("", PLAIN)
            };
            vec![
                (p.email.clone(), NAME),
                (p.name.clone(), PLAIN),
                (role_names(&p.roles), PLAIN),
                (tenants(&p.scope), PLAIN),
                (state.to_owned(), style),
            ]
        })
        .collect();
    out::text(table(&["ADDRESS", "NAME", "ROLES", "TENANTS", ""], &rows))?;
    Ok(OK)
}

async fn reset(args: PasswordArgs) -> Outcome {
    let identity = open(&args.store)?;
    let by = Principal::console();
    let person = identity.person_by_email(&by, &args.email).await;
    let person = person.map_err(refused)?;
    let given = given_password(args.password_stdin)?;
    let made_up = given.is_none();
    let reset = identity.reset_password(&by, person.num, given).await;
    let reset = reset.map_err(refused)?;
    out::line(format!(
        "{}: {} has another password, and their sessions have ended",
        paint(GOOD, "reset"),
        reset.person.email
    ))?;
    tell_password(made_up, &reset.password)
}

async fn set_disabled(args: PersonArgs, disabled: bool) -> Outcome {
    let identity = open(&args.store)?;
    let by = Principal::console();
    let person = identity.person_by_email(&by, &args.email).await;
    let person = person.map_err(refused)?;
    let changed = identity.set_disabled(&by, person.num, disabled).await;
    let changed = changed.map_err(refused)?;
    let (what, then) = if changed.disabled {
        ("disabled", "may not log in, and their sessions have ended")
    } else {
        ("enabled", "may log in")
    };
    out::line(format!("{}: {} {then}", paint(GOOD, what), changed.email))?;
    Ok(OK)
}

async fn create(args: TokenCreateArgs) -> Outcome {
    let identity = open(&args.store)?;
    let new = NewApiToken {
        name: args.name,
        role: role(&args.role)?,
        scope: scope(args.tenants),
        days: args.days,
    };
    let made = identity.create_token(&Principal::console(), new).await;
    let made = made.map_err(refused)?;
    out::line(format!(
        "{}: {}, {} in {}, until {}",
        paint(GOOD, "created"),
        made.token.name,
        made.token.role.map_or("", Role::name),
        tenants(&made.token.scope),
        format_time_ms(made.token.expires_ms / 1_000 * 1_000)
    ))?;
    out::line(&made.secret)?;
    out::note(paint(
        QUIET,
        "this is shown once; keep it where the program finds it",
    ));
    Ok(OK)
}

async fn tokens(args: ListArgs) -> Outcome {
    let identity = open(&args.store)?;
    let tokens = identity.tokens(&Principal::console()).await;
    let tokens = tokens.map_err(refused)?;
    let now = SystemClock.now_ms();
    if args.json {
        out::line(Json::from_iter(tokens.iter().map(|t| token_json(t, now))))?;
        return Ok(OK);
    }
    if tokens.is_empty() {
        out::line("there are no tokens; `counterplay token create` makes one")?;
        return Ok(OK);
    }
    let rows: Vec<Vec<Cell>> = tokens
        .iter()
        .map(|t| {
            let (state, style) = state(t, now);
            vec![
                (t.name.clone(), NAME),
                (t.role.map_or("", Role::name).to_owned(), PLAIN),
                (tenants(&t.scope), PLAIN),
                (format_time_ms(t.expires_ms / 1_000 * 1_000), QUIET),
                (
                    t.used_ms.map_or_else(
                        || "never".to_owned(),
                        |ms| format_time_ms(ms / 1_000 * 1_000),
                    ),
                    QUIET,
                ),
                (state.to_owned(), style),
            ]
        })
        .collect();
    out::text(table(
        &["NAME", "ROLE", "TENANTS", "UNTIL", "LAST USED", "STATE"],
        &rows,
    ))?;
    Ok(OK)
}

async fn revoke(args: TokenRevokeArgs) -> Outcome {
    let identity = open(&args.store)?;
    let by = Principal::console();
    let tokens = identity.tokens(&by).await.map_err(refused)?;
    // Of the tokens that had a name at most one is not revoked and not expired.
    let mut named = tokens
        .iter()
        .filter(|t| t.name.eq_ignore_ascii_case(args.name.trim()));
    let latest = named.next().ok_or_else(|| no_token(&args.name, &tokens))?;
    let token = identity.revoke_token(&by, latest.num).await;
    let token = token.map_err(refused)?;
    out::line(format!(
        "{}: {} is worth nothing any more",
        paint(GOOD, "revoked"),
        token.name
    ))?;
    Ok(OK)
}

fn open(args: &StoreArgs) -> Result<Identity, Failure> {
    let store = lookup::attach(args)?;
    Identity::new(store, Arc::new(SystemClock)).map_err(refused)
}

/// A refusal, and the exit code that it has.
fn refused(error: IdentityError) -> Failure {
    match error {
        IdentityError::Weak(_) | IdentityError::Taken(_) | IdentityError::LastAdministrator => {
            Failure::refused(error.to_string())
        }
        other => Failure::cannot_start(other.to_string()),
    }
}

fn role(given: &str) -> Result<Role, Failure> {
    let names = Role::ALL.map(Role::name);
    Role::named(given).ok_or_else(|| {
        let hint = match near::best(given, names) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("the roles are {}", names.join(", ")),
        };
        Failure::cannot_start(format!("there is no role \"{given}\"; {hint}"))
    })
}

fn scope(args: TenantArgs) -> Scope {
    Scope::of((!args.all_tenants).then_some(args.tenant))
}

/// The password from standard input, where that is asked for. Never from an argument: those are seen by
/// everyone on the machine and kept in the shell's history.
fn given_password(asked: bool) -> Result<Option<String>, Failure> {
    if !asked {
        return Ok(None);
    }
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::cannot_start(
            "the terminal would show the password; send it in with a pipe or from a file, or leave out --password-stdin to have one made up",
        ));
    }
    let mut line = String::new();
    stdin
        .lock()
        .take(LONGEST as u64 + 2)
        .read_line(&mut line)
        .map_err(|e| Failure::cannot_start(format!("standard input cannot be read: {e}")))?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    Ok(Some(password.to_owned()))
}

/// A password that was made up goes to standard output, the remark about it does not.
fn tell_password(made_up: bool, password: &str) -> Outcome {
    if made_up {
        out::line(password)?;
        out::note(paint(
            QUIET,
            "this password is shown once; the person can change it when logged in",
        ));
    }
    Ok(OK)
}

fn no_token(name: &str, tokens: &[ApiToken]) -> Failure {
    let hint = match near::best(name, tokens.iter().map(|t| t.name.as_str())) {
        Some(near) => format!("did you mean {near}?"),
        None => "`counterplay token list` lists them".to_owned(),
    };
    Failure::cannot_start(format!("there is no token {name}; {hint}"))
}

fn role_names(roles: &BTreeSet<Role>) -> String {
    let names: Vec<&str> = roles.iter().map(|r| r.name()).collect();
    names.join(", ")
}

fn tenants(scope: &Scope) -> String {
    scope
        .names()
        .map_or_else(|| "every tenant".to_owned(), |names| names.join(", "))
}

fn state(token: &ApiToken, now_ms: i64) -> (&'static str, Style) {
    if token.revoked_ms.is_some() {
        ("revoked", BAD)
    } else if token.is_good(now_ms) {
        ("good", GOOD)
    } else {
        ("expired", WARN)
    }
}

fn person_json(person: &Person) -> Json {
    json!({
        "email": person.email,
        "name": person.name,
        "roles": person.roles,
        "tenants": person.scope.names(),
        "disabled": person.disabled,
        "created": format_time_ms(person.created_ms),
        "changed": format_time_ms(person.changed_ms),
    })
}

fn token_json(token: &ApiToken, now_ms: i64) -> Json {
    json!({
        "name": token.name,
        "role": token.role,
        "tenants": token.scope.names(),
        "state": state(token, now_ms).0,
        "created_by": token.created_by,
        "created": format_time_ms(token.created_ms),
        "expires": format_time_ms(token.expires_ms),
        "used": token.used_ms.map(format_time_ms),
        "revoked": token.revoked_ms.map(format_time_ms),
    })
}
