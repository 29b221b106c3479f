package policy

// Roles and Masking are the two policy sections of the configuration.
type Roles []Role

// Masking is the list of masks.
type Masking []Mask

// Role binds groups to resources and says what they may do there. It speaks for
// an identity that is a member of one of its groups (exact and case-sensitive),
// on the resources that its selector matches.
type Role struct {
	// Name is letters, digits, dot, dash and underscore, unique among roles. Its
	// rules are known as name/rule.
	Name      string   `yaml:"name"`
	Groups    []string `yaml:"groups"`
	Resources Selector `yaml:"resources"`
	Rules     []Rule   `yaml:"rules"`
	// Reveal lifts masks for this role, never for the transcript: column patterns
	// as in Mask.Columns, and names of detectors. A column pattern lifts the masked
	// patterns that it covers whole ("customers.*" lifts "customers.email"); masks
	// of which it covers a part stay as they are, so that a mask hides all that it
	// says or, for this role, nothing. One that lifts nothing is an error.
	Reveal []string `yaml:"reveal"`
	// Transcripts: "own" (default) or "all": whose transcripts this role may see.
	// "all" is about the resources of the role's selector; with names ["*"] alone,
	// also about the bastion's own transcripts.
	Transcripts string `yaml:"transcripts"`
}

// Selector picks resources: by names (globs in which * matches any run), kinds
// (any of them) and labels (all of them; the value "*" means that the label is
// there). All that are given must match. An empty selector matches nothing.
type Selector struct {
	Names  []string          `yaml:"names"`
	Kinds  []string          `yaml:"kinds"`
	Labels map[string]string `yaml:"labels"`
}

// Rule is one effect. Exactly one of Allow, Deny, Approve is set: the actions
// and classes it speaks of. Words are classes (read, write, ddl, privilege,
// dangerous, unknown: SQL statements of exactly that class), "exec" (any command
// on a host) and "shell" (an interactive session).
type Rule struct {
	Name    string   `yaml:"name"` // as a role's name; unique in its role
	Allow   []string `yaml:"allow"`
	Deny    []string `yaml:"deny"`
	Approve []string `yaml:"approve"`
	By      []string `yaml:"by"`   // approve: groups
	Need    int      `yaml:"need"` // approve: distinct people, default 1
	Wait    string   `yaml:"wait"` // approve: duration, default 15m
	Reason  string   `yaml:"reason"`
}

// Mask hides columns of resources from everybody whose role does not reveal them.
type Mask struct {
	Name      string   `yaml:"name"`
	Resources Selector `yaml:"resources"`
	// Columns are patterns [schema.]table.column; * matches any run within a part.
	// Without a schema a pattern is about that table in every schema.
	Columns []string `yaml:"columns"`
	// Method is redact (default), null or partial. Where masks overlap, the
	// strictest wins, in that order: redact, null, partial.
	Method string `yaml:"method"`
	// Detect are content detectors that run on everything else of these resources.
	Detect []string `yaml:"detect"`
}
