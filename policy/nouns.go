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
	// Claims are the other claims of the token that the configuration asks for, by
	// name; a claim that is no list has one value.
	Claims map[string][]string `json:"claims,omitempty"`
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

	// ActionForward is a connection through a host to what it declares to reach.
	ActionForward Action = "forward"

	// ActionUnmask is to see masked columns of one statement's answer in clear. It is
	// judged besides the statement, and opens nothing by itself.
	ActionUnmask Action = "unmask"

	ActionHTTP       Action = "http"       // one HTTP request
	ActionKubernetes Action = "kubernetes" // one call of the Kubernetes API
	ActionFile       Action = "file"       // one operation on files: read, write, rename
)

// Table is a relation that a statement names.
type Table struct {
	Schema string    `json:"schema,omitempty"`
	Name   string    `json:"name"`
	Kind   TableKind `json:"kind"`
	Write  bool      `json:"write,omitempty"`
}

// Column is a column of a base relation, as the catalog names it.
type Column struct {
	Schema string `json:"schema,omitempty"`
	Table  string `json:"table"`
	Name   string `json:"name"`
}

// Command is one simple command found in a shell command line, wherever it
// stands: in a pipeline, a subshell, a substitution, behind sudo or xargs.
type Command struct {
	Name  string   `json:"name"` // base name of the program
	Args  []string `json:"args,omitempty"`
	Class Class    `json:"class"`
}

// HTTPRequest is what an HTTP request asks for, normalised (RFC 9110, RFC 3986).
type HTTPRequest struct {
	Method      string `json:"method"`
	Host        string `json:"host,omitempty"`
	Path        string `json:"path"`
	Query       string `json:"query,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Size        int64  `json:"size,omitempty"` // bytes of the body
}

// KubernetesCall is a call of the Kubernetes API in that API's own words.
type KubernetesCall struct {
	Verb        string `json:"verb"`
	Group       string `json:"group,omitempty"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource,omitempty"`
	Namespace   string `json:"namespace,omitempty"`
	Name        string `json:"name,omitempty"`
	// Port is that of a pod which a port-forward leads to.
	Port int64 `json:"port,omitempty"`
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
	// Reads and Writes are base columns read anywhere in the statement and changed
	// by it, where the kind can tell.
	Reads  []Column `json:"reads,omitempty"`
	Writes []Column `json:"writes,omitempty"`
	// Functions are the functions called, lower case, with schema if it was given.
	Functions []string `json:"functions,omitempty"`
	// Estimate is how many rows the target's planner expects the statement to
	// touch; nil where it was not asked.
	Estimate *int64 `json:"estimate,omitempty"`
	// Commands are the simple commands of a shell command line.
	Commands   []Command       `json:"commands,omitempty"`
	HTTP       *HTTPRequest    `json:"http,omitempty"`
	Kubernetes *KubernetesCall `json:"kubernetes,omitempty"`
	// Files are the files and directories that the operation concerns, each judged by
	// itself; Class is the worst of theirs.
	Files []FileAccess `json:"files,omitempty"`
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

// Session is what policy knows of the access in which something is asked.
type Session struct {
	// From is the address that the requester connects from.
	From string `json:"from,omitempty"`
	// Opened is when the session began; zero while it is being opened.
	Opened time.Time `json:"opened,omitzero"`
	// Operations is how many operations were asked before in this session.
	Operations int64 `json:"operations,omitempty"`
}

// Limits bound an operation or a session; a zero field is no limit.
type Limits struct {
	Rows      int64         `json:"rows,omitempty"`
	Bytes     int64         `json:"bytes,omitempty"`
	Statement time.Duration `json:"statement,omitempty"` // one operation at the target
	Session   time.Duration `json:"session,omitempty"`   // a session's whole life
	Idle      time.Duration `json:"idle,omitempty"`      // without anything asked or typed
	Sessions  int           `json:"sessions,omitempty"`  // at the same time, per person and resource
}
