//! What the project file names: teams, tenants, groups and connections.

use super::{Find, Kind, Suggestion};
use counterplay_compiler::db;
use counterplay_machine::deployment::Deployment;

impl Find<'_> {
    fn deployment(&self) -> Option<&Deployment> {
        let workspace = &self.snapshot.workspace;
        let config = &db::config(&workspace.db, workspace.project).0;
        config.as_ref().map(|file| &file.deployment)
    }

    /// The names of the project's teams.
    pub(super) fn team_names(&self) -> Vec<String> {
        self.deployment()
            .map_or(Vec::new(), |d| d.teams.keys().cloned().collect())
    }

    /// The teams, with what has to stand before each.
    pub(super) fn teams(&mut self, prefix: &str) {
        let Some(deployment) = self.deployment() else {
            return;
        };
        let items: Vec<Suggestion> = deployment
            .teams
            .iter()
            .map(|(name, team)| {
                Suggestion::new(format!("{prefix}{name}"), Kind::Project, 0)
                    .detail(team.members.join(", "))
            })
            .collect();
        self.items.extend(items);
    }

    /// The tenants.
    pub(super) fn tenants(&mut self) {
        let Some(deployment) = self.deployment() else {
            return;
        };
        let items: Vec<Suggestion> = deployment
            .tenants
            .iter()
            .map(|(name, tenant)| {
                Suggestion::new(name, Kind::Project, 0).detail(tenant.domains.join(", "))
            })
            .collect();
        self.items.extend(items);
    }

    /// The groups of tenants.
    pub(super) fn groups(&mut self) {
        let Some(deployment) = self.deployment() else {
            return;
        };
        let mut items = Vec::new();
        for (tenant, settings) in &deployment.tenants {
            for group in &settings.groups {
                items.push(
                    Suggestion::new(group, Kind::Project, 0)
                        .detail(format!("among others {tenant}")),
                );
            }
        }
        self.items.extend(items);
    }

    /// The webhooks.
    pub(super) fn webhooks(&mut self) {
        let Some(deployment) = self.deployment() else {
            return;
        };
        let items: Vec<Suggestion> = deployment
            .webhooks
            .iter()
            .map(|(name, webhook)| {
                Suggestion::new(name, Kind::Project, 0).detail(format!("of {}", webhook.tenant))
            })
            .collect();
        self.items.extend(items);
    }

    /// The connections, or the calls of one.
    pub(super) fn connections(&mut self, of: Option<&str>) {
        if of.is_some() {
            for (method, rest) in [
                ("get", "(\"/${1:path}\")"),
                ("post", "(\"/${1:path}\", json: { ${2} })"),
                ("patch", "(\"/${1:path}\", json: { ${2} })"),
                ("put", "(\"/${1:path}\", json: { ${2} })"),
                ("delete", "(\"/${1:path}\")"),
                (
                    "send",
                    "(to: ${1:to}, subject: ${2:subject}, body: ${3:body})",
                ),
            ] {
                let item = Suggestion::new(method, Kind::Function, 0);
                self.items.push(if self.context.called {
                    item
                } else {
                    item.insert(format!("{method}{rest}"))
                });
            }
            return;
        }
        let items: Vec<Suggestion> = self
            .snapshot
            .index()
            .connections
            .values()
            .map(|def| {
                Suggestion::new(&def.name.text, Kind::Module, 0)
                    .detail("a connection")
                    .of(def)
            })
            .collect();
        self.items.extend(items);
    }
}
