//! The state of a project at one moment, as the features look at it; places of items become places of files.

use counterplay_compiler::db::{self, FileItem, SourceFile};
use counterplay_compiler::index::Index;
use counterplay_compiler::item::CompiledItem;
use counterplay_compiler::span::{Place, Span};
use counterplay_compiler::syntax::ParsedItem;
use counterplay_compiler::syntax::lexical::Lexeme;
use counterplay_compiler::workspace::Workspace;
use std::ops::Range;
use std::sync::Arc;

/// A project at one moment. A change of the project waits until all snapshots are gone.
#[derive(Clone)]
pub struct Snapshot {
    /// The project.
    pub workspace: Workspace,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The file's path, or `std:/…`.
    pub path: String,
    /// Its bytes.
    pub range: Range<usize>,
}

/// An item of a file, with what was found out about it.
pub struct At<'s> {
    /// The item.
    pub item: FileItem<'s>,
    /// Its syntax; `offset` is where it begins.
    pub parsed: &'s ParsedItem,
    /// What it means.
    pub compiled: &'s CompiledItem,
}

impl At<'_> {
    /// A span of the item as bytes of the file.
    pub fn range(&self, span: Span) -> Range<usize> {
        range_of(self.parsed, span)
    }
}

/// A span of an item as bytes of its file.
pub fn range_of(item: &ParsedItem, span: Span) -> Range<usize> {
    let start = item.offset as usize;
    start + span.start as usize..start + span.end as usize
}

impl Snapshot {
    /// The file of a path.
    pub fn file(&self, path: &str) -> Option<SourceFile> {
        self.workspace.file(path)
    }

    /// A file's path.
    pub fn path(&self, file: SourceFile) -> &Arc<str> {
        file.path(&self.workspace.db)
    }

    /// A file's text.
    pub fn text(&self, file: SourceFile) -> &Arc<str> {
        file.text(&self.workspace.db)
    }

    /// The text of a path; of the project file, too.
    pub fn text_of(&self, path: &str) -> Option<Arc<str>> {
        counterplay_compiler::render::SourceLookup::text(&self.workspace, path)
    }

    /// A file's tokens.
    pub fn lexemes(&self, file: SourceFile) -> &[Lexeme] {
        db::lexemes(&self.workspace.db, file)
    }

    /// All names of the project.
    pub fn index(&self) -> &Index {
        db::names(&self.workspace.db, self.workspace.project)
    }

    /// The project's files, those of the library that it uses included.
    pub fn files(&self) -> impl Iterator<Item = SourceFile> + '_ {
        let (database, project) = (&self.workspace.db, self.workspace.project);
        let files = project.files(database).iter().copied();
        files.filter(move |file| db::is_part(database, project, *file))
    }

    /// The items of a file.
    pub fn items(&self, file: SourceFile) -> impl Iterator<Item = At<'_>> {
        let (database, project) = (&self.workspace.db, self.workspace.project);
        let parsed = &db::parse(database, file).items;
        let items = db::items(database, file).iter().zip(parsed);
        items.map(move |(item, parsed)| At {
            item: *item,
            parsed,
            compiled: db::check_item(database, project, *item),
        })
    }

    /// The item that holds a byte; its end belongs to it.
    pub fn item_at(&self, file: SourceFile, offset: usize) -> Option<At<'_>> {
        let (database, project) = (&self.workspace.db, self.workspace.project);
        let parsed = &db::parse(database, file).items;
        let index = parsed
            .partition_point(|item| item.offset as usize <= offset)
            .checked_sub(1)?;
        let found = parsed.get(index)?;
        if offset > (found.offset + found.len) as usize {
            return None;
        }
        let item = *db::items(database, file).get(index)?;
        Some(At {
            item,
            parsed: found,
            compiled: db::check_item(database, project, item),
        })
    }

    /// Where a place of an item stands in its file.
    pub fn locate(&self, place: &Place) -> Option<Location> {
        let offset =
            counterplay_compiler::render::SourceLookup::offset(&self.workspace, &place.anchor)?;
        let start = (offset + place.span.start) as usize;
        let end = (offset + place.span.end) as usize;
        Some(Location {
            path: place.anchor.file.to_string(),
            range: start..end.max(start),
        })
    }
}

/// Whether a path is of the standard library.
pub fn is_library(path: &str) -> bool {
    path.starts_with("std:/")
}
