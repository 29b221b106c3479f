package config

import _ "embed"

//go:embed template.yaml
var template string

// Template is a commented configuration to begin with: one provider, one
// PostgreSQL, one mask, a role that asks for approval. It does not pass until
// its placeholders are filled in; the errors of Parse say where they stand.
func Template() string { return template }
