//! A browser's request in, who looks and what stands around every page out; problems in, their pages out.

use crate::app::App;
use crate::dashboard::chrome::{Area, Chrome, Counts, Flash, Theme, Viewer};
use crate::dashboard::pages::ErrorPage;
use crate::http::{Auth, Visitor, add_cookie};
use crate::identity::{Caller, Permission, Principal};
use crate::problem::Problem;
use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use counterplay_runtime::store::{LetterFilter, RevisionState};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The cookie that carries a word over a redirect.
const FLASH: &str = "flash";
/// The cookie of the theme.
const THEME: &str = "theme";
/// Badges do not count further.
const COUNT_MAX: u32 = 100;

/// A person who looks at a page, or sends a form.
pub struct Page {
    /// The app.
    pub app: App,
    /// Who.
    pub auth: Auth,
    theme: Theme,
    here: String,
    flash: Option<Flash>,
}

/// An answer instead of a page: a redirect to the login, or the page of a problem.
#[derive(Debug)]
pub struct Oops(Response);

impl IntoResponse for Oops {
    fn into_response(self) -> Response {
        self.0
    }
}

impl FromRequestParts<App> for Page {
    type Rejection = Oops;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Page, Oops> {
        let here = parts
            .uri
            .path_and_query()
            .map_or("/", |p| p.as_str())
            .to_owned();
        let jar = CookieJar::from_headers(&parts.headers);
        let theme = theme(&jar);
        let visitor = Visitor::from_request_parts(parts, app).await;
        match visitor {
            Ok(Visitor(Some(principal))) => Ok(Page {
                app: app.clone(),
                auth: Auth(principal),
                theme,
                here,
                flash: flash(&jar),
            }),
            Ok(Visitor(None)) => {
                // After the login a form would not be sent again; its page is.
                let next = match parts.method.is_safe() {
                    true => here.as_str(),
                    false => "/",
                };
                let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
                Err(Oops(
                    Redirect::to(&format!("/login?next={next}")).into_response(),
                ))
            }
            Err(problem) => {
                let chrome = stranger(app, theme, here, "Something did not work");
                Err(Oops(error(chrome, &problem)))
            }
        }
    }
}

/// The theme that a browser has chosen.
pub fn theme(jar: &CookieJar) -> Theme {
    jar.get(THEME)
        .map_or(Theme::System, |c| Theme::named(c.value()))
}

/// The cookie that keeps a theme for a year.
pub fn theme_cookie(theme: Theme, secure: bool) -> String {
    let mut cookie = Cookie::new(THEME, theme.name());
    cookie.set_path("/");
    cookie.set_same_site(SameSite::Lax);
    cookie.set_http_only(true);
    cookie.set_secure(secure);
    let mut text = cookie.to_string();
    text.push_str("; Max-Age=31536000");
    text
}

fn flash(jar: &CookieJar) -> Option<Flash> {
    let value = percent_decode_str(jar.get(FLASH)?.value())
        .decode_utf8()
        .ok()?
        .into_owned();
    let (kind, text) = value.split_once(' ')?;
    Some(Flash {
        problem: kind == "problem",
        text: text.to_owned(),
    })
}

/// What stands around the pages of somebody who is not logged in.
pub fn stranger(app: &App, theme: Theme, here: String, title: &str) -> Chrome {
    Chrome {
        viewer: None,
        theme,
        sandbox: app.settings.sandbox.is_some(),
        counts: Counts::default(),
        area: Area::Elsewhere,
        title: title.to_owned(),
        here,
        now_ms: app.clock.now_ms(),
        flash: None,
        paused: Vec::new(),
        clock: None,
        store: None,
    }
}

impl Page {
    /// Who looks.
    pub fn who(&self) -> &Principal {
        &self.auth.0
    }

    /// What forms of the session carry.
    pub fn csrf(&self) -> &str {
        match &self.auth.0.caller {
            Caller::Person { csrf, .. } => csrf,
            _ => "",
        }
    }

    /// The path and query of the page.
    pub fn here(&self) -> &str {
        &self.here
    }

    /// What stands around the page.
    pub async fn chrome(&self, area: Area, title: impl Into<String>) -> Chrome {
        let who = self.who();
        Chrome {
            viewer: Some(Viewer {
                name: who.name.clone(),
                email: who.id.clone(),
                roles: who.roles.clone(),
                csrf: self.csrf().to_owned(),
            }),
            counts: self.counts().await.unwrap_or_else(|problem| {
                tracing::warn!(detail = problem.detail, "the badges cannot be counted");
                Counts::default()
            }),
            flash: self.flash.clone(),
            paused: self.paused().await,
            clock: self.clock().await,
            store: self.app.hindrance(),
            ..stranger(&self.app, self.theme, self.here.clone(), &title.into()).with_area(area)
        }
    }

    /// Why timers wait.
    async fn clock(&self) -> Option<String> {
        let hold = self.app.engine.store().time_hold().await;
        let hold = hold.unwrap_or_else(|error| {
            tracing::warn!("whether timers wait cannot be read: {error}");
            None
        });
        hold.map(|hold| hold.to_string())
    }

    /// What is paused, in words.
    async fn paused(&self) -> Vec<String> {
        let pauses = crate::api::pauses::seen(&self.app, &self.auth).await;
        let pauses = pauses.unwrap_or_else(|problem| {
            tracing::warn!(detail = problem.detail, "what is paused cannot be read");
            Vec::new()
        });
        let said = pauses.into_iter().map(|p| match p.why {
            Some(why) => format!("{} (by {}: {why})", p.scope, p.by),
            None => format!("{} (by {})", p.scope, p.by),
        });
        said.collect()
    }

    async fn counts(&self) -> Result<Counts, Problem> {
        let store = self.app.engine.store();
        let tenants = self.auth.tenants();
        let approvals = store.approvals_within(tenants.clone()).await?;
        let mine = approvals
            .iter()
            .filter(|a| crate::api::approvals::may_answer(&self.auth, a))
            .count();
        let held = store.open_counts(tenants.clone()).await?.held;
        let letters = LetterFilter {
            tenants,
            open: true,
            limit: Some(COUNT_MAX),
            ..LetterFilter::default()
        };
        let letters = store.letter_page(letters).await?.items.len();
        let deploys = match self.who().may(Permission::Deploy) {
            true => store
                .revisions(None, COUNT_MAX)
                .await?
                .iter()
                .filter(|r| r.state == RevisionState::Waiting)
                .count(),
            false => 0,
        };
        Ok(Counts {
            approvals: mine as u64,
            held: u64::try_from(held).unwrap_or(0),
            deploys: deploys as u64,
            letters: letters as u64,
        })
    }

    /// A page's answer; a word that was carried over a redirect is said once.
    pub fn show(&self, page: &impl Template) -> Response {
        let mut response = render(StatusCode::OK, page);
        if self.flash.is_some() {
            add_cookie(&mut response, &format!("{FLASH}=; Path=/; Max-Age=0"));
        }
        response
    }

    /// Back to a page, on which a word is said.
    pub fn back(&self, to: &str, word: &str) -> Response {
        self.redirect(to, "done", word)
    }

    /// Back to a page, on which it is said what went wrong.
    pub fn back_with_problem(&self, to: &str, problem: &Problem) -> Response {
        self.redirect(to, "problem", &problem.detail)
    }

    fn redirect(&self, to: &str, kind: &str, word: &str) -> Response {
        let mut response = Redirect::to(to).into_response();
        // Cookies are small; a browser drops one that is not.
        let word: String = word.chars().take(600).collect();
        let value = format!("{kind} {word}");
        let value = utf8_percent_encode(&value, NON_ALPHANUMERIC);
        let secure = if self.app.cookies().is_secure() {
            "; Secure"
        } else {
            ""
        };
        add_cookie(
            &mut response,
            &format!("{FLASH}={value}; Path=/; Max-Age=30; HttpOnly; SameSite=Lax{secure}"),
        );
        response
    }

    /// The page of a problem.
    pub async fn oops(&self, problem: Problem) -> Oops {
        let chrome = self.chrome(Area::Elsewhere, problem.title.clone()).await;
        Oops(error(chrome, &problem))
    }

    /// A result, or the page of its problem.
    ///
    /// # Errors
    /// The page.
    pub async fn or_oops<T, E: Into<Problem>>(&self, result: Result<T, E>) -> Result<T, Oops> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(self.oops(error.into()).await),
        }
    }
}

impl Chrome {
    fn with_area(mut self, area: Area) -> Chrome {
        self.area = area;
        self
    }
}

/// A template as an answer.
pub fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be made");
            Problem::internal().into_response()
        }
    }
}

fn error(chrome: Chrome, problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = ErrorPage {
        chrome,
        status: problem.status,
        title: problem.title.clone(),
        detail: problem.detail.clone(),
        way_out: Some(("/".into(), "Go to the overview".into())),
    };
    render(status, &page)
}

/// The page for an address that has none.
pub fn nothing_here() -> Response {
    let problem = Problem::not_found(
        "there is no page at this address; a link may be of a run or playbook that is gone",
    );
    let chrome = Chrome {
        viewer: None,
        theme: Theme::System,
        sandbox: false,
        counts: Counts::default(),
        area: Area::Elsewhere,
        title: problem.title.clone(),
        here: "/".into(),
        now_ms: 0,
        flash: None,
        paused: Vec::new(),
        clock: None,
        store: None,
    };
    error(chrome, &problem)
}
