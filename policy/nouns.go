package policy

import (
	"slices"
	"time"
)

// Identity is a person or machine proved by an OIDC token. Two identities are
// the same person exactly when issuer and subject are equal; e-mail and name
// are for display and change hands over time.
type Identity struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
	Email   string `json:"email,omitempty"`
	Name    string `json:"name,omitempty"`
	// Groups are matched whole and case-sensitively.
	Groups []string `json:"groups,omitempty"`
	// SignedIn is when the provider last saw this person.
	SignedIn time.Time `json:"signed_in,omitzero"`
	// Method is how this connection proved it: "device" or "key".
	Method string `json:"method,omitempty"`
}

// Same reports whether both are the same person: equal issuer and subject.
func (i Identity) Same(o Identity) bool {
	return i.Subject != "" && i.Issuer == o.Issuer && i.Subject == o.Subject
}

// InAny reports whether the identity is a member of one of the groups.
func (i Identity) InAny(groups []string) bool {
	return slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(i.Groups, g) })
}

// Display is the name to show people: e-mail, else name, else subject.
func (i Identity) Display() string {
	switch {
	case i.Email != "":
		return i.Email
	case i.Name != "":
		return i.Name
	}
	return i.Subject
}

// Resource is one thing that can be reached, as policy sees it.
type Resource struct {
	Name   string            `json:"name"`
	Kind   string            `json:"kind"`
	Labels map[string]string `json:"labels,omitempty"`
	// Revision identifies the configuration of this resource: it changes when
	// anything that decides where an operation goes changes. Approvals bind to it.
	Revision string `json:"revision,omitempty"`
}

// Production reports whether the resource is labelled env=prod or env=production.
func (r Resource) Production() bool {
	return r.Labels["env"] == "prod" || r.Labels["env"] == "production"
}

// Action is what kind of thing is asked of a resource.
type Action string

const (
	ActionSQL   Action = "sql"   // one SQL statement
	ActionExec  Action = "exec"  // one command, no terminal
	ActionShell Action = "shell" // an interactive session on a PTY
)

// Table is a relation that a statement names.
type Table struct {
	Schema string    `json:"schema,omitempty"`
	Name   string    `json:"name"`
	Kind   TableKind `json:"kind"`
	Write  bool      `json:"write,omitempty"`
}

// TableKind says what a relation is. Only plain and partitioned tables hold
// just what their own columns say; anything else may reach other tables.
type TableKind uint8

const (
	TableUnknown TableKind = iota
	TablePlain
	TablePartitioned
	TableView // views, materialised views
	TableForeign
)

// Facts is what parsing an operation tells. The zero value is the safest:
// class Unknown and opaque in effect.
type Facts struct {
	Class Class `json:"class"`
	// Verb is the leading word in capitals: SELECT, DELETE, DROP TABLE.
	Verb string `json:"verb,omitempty"`
	// Destructive marks unbounded or structural loss; Why says what made it so,
	// or why the class is what it is, in words for people.
	Destructive bool   `json:"destructive,omitempty"`
	Why         string `json:"why,omitempty"`
	// Tables are the relations named anywhere in the statement.
	Tables []Table `json:"tables,omitempty"`
	// Functions are the functions called, lower case, with schema if it was given.
	Functions []string `json:"functions,omitempty"`
	// Opaque means that the statement may reach more than Tables says (a
	// function that is not known to be harmless, dynamic SQL, a view, ...).
	Opaque bool `json:"opaque,omitempty"`
	// Copies means that the statement's rows go somewhere else than the result,
	// or are produced by a form whose result carries no column origin: COPY,
	// EXPLAIN ANALYZE, DO, CALL, PREPARE, DECLARE, CREATE AS, SELECT INTO,
	// INSERT ... SELECT. Named in Form. Denied over a masked table.
	Copies bool   `json:"copies,omitempty"`
	Form   string `json:"form,omitempty"`
	// Statements is how many statements the text holds.
	Statements int `json:"statements,omitempty"`
}
