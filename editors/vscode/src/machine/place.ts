// A place in a text and what was edited in, where the same place is now out.

export interface Position {
  line: number;
  character: number;
}

export interface Change {
  range: { start: Position; end: Position };
  text: string;
}

const isBefore = (a: Position, b: Position) => a.line < b.line || (a.line === b.line && a.character < b.character);

/** Follows a place through one edit. What was replaced around it leaves it at the edit's start. */
export function follow(place: Position, { range, text }: Change): Position {
  if (isBefore(place, range.start)) {
    return place;
  }
  if (isBefore(place, range.end)) {
    return { line: range.start.line, character: range.start.character };
  }
  const lines = text.split(/\r\n|\r|\n/);
  const last = lines[lines.length - 1]!.length;
  const added = lines.length - 1;
  const endCharacter = added === 0 ? range.start.character + last : last;
  return {
    line: place.line - range.end.line + range.start.line + added,
    character: place.line === range.end.line ? place.character - range.end.character + endCharacter : place.character,
  };
}
