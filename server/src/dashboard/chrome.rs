//! Who looks, and where they are; what every page shows around its content.

use super::assets;
use super::icons;
use super::text::Markup;
use super::ui;
use crate::identity::{Permission, Role};
use counterplay_machine::declare::Impact;
use counterplay_machine::deployment::Mode;
use std::collections::BTreeSet;

/// Light, dark, or as the system has it; kept in the cookie `theme`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The value of the cookie and of the form field `theme`.
    pub fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The theme of a cookie; anything else is [`Theme::System`].
    pub fn named(name: &str) -> Theme {
        match name {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::System,
        }
    }
}

/// The part of the dashboard that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// `/`.
    Overview,
    /// `/playbooks`.
    Playbooks,
    /// `/runs`.
    Runs,
    /// `/approvals`.
    Approvals,
    /// `/deploys`.
    Deploys,
    /// `/audit`.
    Audit,
    /// `/dead-letters`.
    Letters,
    /// `/people`.
    People,
    /// `/sources`.
    Sources,
    /// `/account`.
    Account,
    /// None of them, such as the login.
    Elsewhere,
}

/// What waits, as badges of the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Approvals that the person may answer.
    pub approvals: u64,
    /// Runs that are held.
    pub held: u64,
    /// Deploys that wait for a second person.
    pub deploys: u64,
    /// Dead letters that nobody has settled.
    pub letters: u64,
}

/// The person who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The name for people.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// The roles.
    pub roles: BTreeSet<Role>,
    /// What forms must carry, in the field `csrf`.
    pub csrf: String,
}

/// A short word at the top of a page after something was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// Whether it went wrong.
    pub problem: bool,
    /// What happened.
    pub text: String,
}

/// A link of the navigation.
pub struct NavItem {
    /// Where it leads.
    pub href: &'static str,
    /// The icon's name.
    pub icon: &'static str,
    /// The word.
    pub label: &'static str,
    /// How many things wait there; 0 shows nothing.
    pub count: u64,
    /// What the number counts, for screen readers.
    pub counted: &'static str,
    /// Whether the page belongs to it.
    pub active: bool,
}

/// What every page shows around its content.
#[derive(Clone, Debug)]
pub struct Chrome {
    /// Who looks; `None` before the login.
    pub viewer: Option<Viewer>,
    /// Light or dark.
    pub theme: Theme,
    /// Whether everything is made up.
    pub sandbox: bool,
    /// What waits.
    pub counts: Counts,
    /// Where the page belongs.
    pub area: Area,
    /// The page's title.
    pub title: String,
    /// The path and query of this page, to which a change of theme returns.
    pub here: String,
    /// The time that relative times count from, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// What the last form did.
    pub flash: Option<Flash>,
    /// What is paused, in words, the widest first.
    pub paused: Vec<String>,
    /// Why timers wait, where they do.
    pub clock: Option<String>,
    /// Why nothing can be written to the store, where that is so.
    pub store: Option<String>,
}

impl Chrome {
    /// Whether the viewer may do something, for some tenant.
    pub fn may(&self, permission: Permission) -> bool {
        self.viewer
            .as_ref()
            .is_some_and(|v| v.roles.iter().any(|r| r.allows(permission)))
    }

    /// Start, cancel, resume, set modes.
    pub fn may_operate(&self) -> bool {
        self.may(Permission::Operate)
    }

    /// Decide on deploys.
    pub fn may_deploy(&self) -> bool {
        self.may(Permission::Deploy)
    }

    /// People and tokens.
    pub fn may_administer(&self) -> bool {
        self.may(Permission::Administer)
    }

    /// The hidden field of every form.
    pub fn csrf(&self) -> &str {
        self.viewer.as_ref().map_or("", |v| v.csrf.as_str())
    }

    /// The roles in words.
    pub fn roles(&self) -> String {
        let names: Vec<&str> = self
            .viewer
            .iter()
            .flat_map(|v| v.roles.iter().map(|r| r.name()))
            .collect();
        names.join(", ")
    }

    /// The links that the viewer may follow.
    pub fn nav(&self) -> Vec<NavItem> {
        let c = self.counts;
        [
            (
                Area::Overview,
                "/",
                "home",
                "Overview",
                0,
                "",
                Permission::View,
            ),
            (
                Area::Approvals,
                "/approvals",
                "approval",
                "Approvals",
                c.approvals,
                "wait for you",
                Permission::View,
            ),
            (
                Area::Runs,
                "/runs",
                "run",
                "Runs",
                c.held,
                "held",
                Permission::View,
            ),
            (
                Area::Playbooks,
                "/playbooks",
                "book",
                "Playbooks",
                0,
                "",
                Permission::View,
            ),
            (
                Area::Deploys,
                "/deploys",
                "deploy",
                "Deploys",
                c.deploys,
                "wait for a second person",
                Permission::View,
            ),
            (
                Area::Letters,
                "/dead-letters",
                "letter",
                "Dead letters",
                c.letters,
                "not settled",
                Permission::View,
            ),
            (
                Area::Sources,
                "/sources",
                "health",
                "Sources",
                0,
                "",
                Permission::View,
            ),
            (
                Area::Audit,
                "/audit",
                "audit",
                "Audit",
                0,
                "",
                Permission::Audit,
            ),
            (
                Area::People,
                "/people",
                "people",
                "People and tokens",
                0,
                "",
                Permission::Administer,
            ),
        ]
        .into_iter()
        .filter(|(.., permission)| self.may(*permission))
        .map(|(area, href, icon, label, count, counted, _)| NavItem {
            href,
            icon,
            label,
            count,
            counted,
            active: area == self.area,
        })
        .collect()
    }

    /// See [`icons::icon`].
    pub fn icon(&self, name: &str) -> Markup {
        icons::icon(name)
    }

    /// See [`icons::logo`].
    pub fn logo(&self) -> Markup {
        icons::logo()
    }

    /// See [`ui::time`].
    pub fn time(&self, at_ms: &i64) -> Markup {
        ui::time(*at_ms, self.now_ms)
    }

    /// See [`ui::time_full`].
    pub fn time_full(&self, at_ms: &i64) -> Markup {
        ui::time_full(*at_ms, self.now_ms)
    }

    /// See [`ui::status_pill`].
    pub fn status(&self, status: &str) -> Markup {
        ui::status_pill(status)
    }

    /// See [`ui::impact_pill`].
    pub fn impact(&self, impact: &Impact) -> Markup {
        ui::impact_pill(*impact)
    }

    /// See [`ui::mode_pill`].
    pub fn mode(&self, mode: &Mode) -> Markup {
        ui::mode_pill(*mode)
    }

    /// The address of an asset, which changes with its content.
    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}
