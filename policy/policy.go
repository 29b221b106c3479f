package policy

// Roles and Masking are the two policy sections of the configuration.
type Roles []Role

// Masking is the list of masks.
type Masking []Mask

// Role binds people to resources and says what they may do there. It speaks for
// an identity that is a member of one of its groups and has the claims that it
// names, on the resources that its selector matches, while its condition holds.
type Role struct {
	// Name is letters, digits, dot, dash and underscore, unique among roles. Its
	// rules are known as name/rule.
	Name string `yaml:"name"`
	// Groups: the role is for members of any of them, matched whole and
	// case-sensitively. Groups, claims or both are needed; where both are given, both
	// must match.
	Groups []string `yaml:"groups"`
	// Claims: the role is for identities whose claims have, for every name given
	// here, one of the values. The names are those of sign_in.claims.
	Claims map[string][]string `yaml:"claims"`
	// Resources are the resources that the role is about.
	Resources Selector `yaml:"resources"`
	// When is a condition (CEL) that must hold too. Of a role that reveals or shows
	// transcripts it cannot speak of the operation.
	When string `yaml:"when"`
	// Rules are what the role allows, denies and has approved.
	Rules []Rule `yaml:"rules"`
	// Limits hold for the rules that do not give their own, field by field.
	Limits Bounds `yaml:"limits"`
	// Results holds for the rules that do not give their own.
	Results string `yaml:"results"`
	// Reveal lifts masks for this role, never for the transcript: column patterns
	// as in Mask.Columns, paths as in Mask.Paths, and names of detectors. A path lifts
	// the one that is written the same. A column pattern lifts the masked
	// patterns that it covers whole ("customers.*" lifts "customers.email"); masks
	// of which it covers a part stay as they are, so that a mask hides all that it
	// says or, for this role, nothing. One that lifts nothing is an error.
	Reveal []string `yaml:"reveal"`
	// Transcripts: "own" (default) or "all": whose transcripts this role may see.
	// "all" is about the resources of the role's selector; with names ["*"] alone,
	// also about the bastion's own transcripts.
	Transcripts string `yaml:"transcripts"`
	// ReplayReason: who sees a transcript of somebody else by "transcripts: all"
	// must say why, and that is on record. Where several roles show it, one that
	// asks is enough.
	ReplayReason bool `yaml:"replay_reason"`
	// EndSessions: may end live sessions of others on the resources of the role.
	// Only with "transcripts: all": who ends a session must be able to see it.
	EndSessions bool `yaml:"end_sessions"`
	// Place is where the role stands, file:line, where that is known.
	Place string `yaml:"-"`
}

// Selector picks resources: by names (globs in which * matches any run), kinds
// (any of them) and labels (all of them; the value "*" means that the label is
// there). All that are given must match. An empty selector matches nothing.
type Selector struct {
	// Names are globs, of which one must match; * matches any run.
	Names []string `yaml:"names"`
	// Kinds are kinds of resources, of which one must match.
	Kinds []string `yaml:"kinds"`
	// Labels must all be there with these values; "*" is any value.
	Labels map[string]string `yaml:"labels"`
}

// Rule is one effect. Exactly one of Allow, Deny, Approve is set: the words that
// it speaks of. Words are classes (read, write, ddl, privilege, dangerous,
// unknown: operations of exactly that class, whatever their action) and actions
// (sql, exec, http, kubernetes, file: operations of that action of every class but
// unknown; shell: an interactive session, which has no class; unmask: to see
// masked columns of one statement, which must be allowed by itself, in clear).
type Rule struct {
	// Name is as a role's; unique in its role.
	Name string `yaml:"name"`
	// Allow lists what may run.
	Allow []string `yaml:"allow"`
	// Deny lists what may not run, whatever else allows it.
	Deny []string `yaml:"deny"`
	// Approve lists what may run once others have said yes.
	Approve []string `yaml:"approve"`
	// Paths narrow the rule to operations on files in these places: absolute patterns
	// in which ** is any number of directories, also none, and * any run of characters
	// within a name (/var/log/**, /srv/*/releases). They are matched against the
	// target's own paths, after links are resolved. An allow rule matches where all
	// that the operation concerns is matched; deny and approve rules where any of it is.
	Paths []string `yaml:"paths"`
	// Files narrow the rule to these operations on files: read, write, delete, list,
	// stat. An allow rule that lists any of them lets stat, too.
	Files []string `yaml:"files"`
	// When is a condition (CEL) without which the rule does not match. One that
	// cannot be computed matches in deny and approve rules, and not in allow rules.
	When string `yaml:"when"`
	// By are the groups whose members may say yes. Only with approve.
	By []string `yaml:"by"`
	// Need is how many distinct people must say yes; default 1. Only with approve.
	Need int `yaml:"need"`
	// Wait is how long a request waits for its answer, default 15m. Only with approve.
	Wait string `yaml:"wait"`
	// Lasts is how long a yes holds once it is given; default: until the wait is
	// over. Only with approve.
	Lasts string `yaml:"lasts"`
	// AskReason: a request must say why. Only with approve.
	AskReason bool `yaml:"ask_reason"`
	// Reason is what people are told about the rule.
	Reason string `yaml:"reason"`
	// Limits are the terms of what the rule grants. Not with deny.
	Limits Bounds `yaml:"limits"`
	// Results says what the transcript keeps of answers: full (default: rows and
	// output, masked) or digest (counts and checksums). Not with deny.
	Results string `yaml:"results"`
	// Binary: what a command puts out may also be something else than text: archives,
	// images, programs. Detectors read that too, but they are made for text. A file that
	// is no text from its beginning passes as it is, since it cannot be masked on its
	// way. Not with deny.
	Binary bool `yaml:"binary"`
	// AgentForwarding: a shell or command may use the person's SSH agent, if they offer
	// it: to list its keys and to sign with them, each on record. Who rules the host can
	// sign in by them elsewhere while it lasts. Not with deny.
	AgentForwarding bool `yaml:"agent_forwarding"`
	// X11Forwarding: programs of a shell or command may draw on the person's display, if
	// they offer it. Who rules the host can read what is typed there. Not with deny.
	X11Forwarding bool `yaml:"x11_forwarding"`
	// Place is where the rule stands, file:line, where that is known.
	Place string `yaml:"-"`
}

// Bounds is how Limits are written. A field that is left out is the role's, and
// where the role has none, no limit; 0 is no limit either, also against the role.
type Bounds struct {
	// Rows bounds the rows of one answer.
	Rows *int64 `yaml:"rows"`
	// Bytes bounds the values of one answer.
	Bytes *int64 `yaml:"bytes"`
	// Statement bounds the time of one operation at the target.
	Statement string `yaml:"statement"`
	// Session bounds a session's whole life.
	Session string `yaml:"session"`
	// Idle ends a session in which nothing is asked or typed.
	Idle string `yaml:"idle"`
	// Sessions bounds how many sessions a person has on the resource at a time.
	Sessions *int `yaml:"sessions"`
}

// Mask hides columns or JSON values of resources from everybody whose role does not reveal them.
type Mask struct {
	// Name is as a role's, unique among masks.
	Name string `yaml:"name"`
	// Resources are the resources that the mask is about.
	Resources Selector `yaml:"resources"`
	// Columns are patterns [schema.]table.column; * matches any run within a part.
	// Without a schema a pattern is about that table in every schema.
	Columns []string `yaml:"columns"`
	// Paths are places in JSON documents, of http and kubernetes: $.items[*].email,
	// $.**.password. What is below is masked, too. Where a resource has one, an answer
	// that is no JSON is withheld. Of redis they are places in values that begin as a
	// JSON document does.
	Paths []string `yaml:"paths"`
	// Method is redact (default: a fixed text), null (nothing), hash (a keyed hash,
	// equal for equal values), token (a made-up value of the same shape, equal for
	// equal values) or partial (the last digits of a long number). Where masks
	// overlap, the strictest wins, in that order. A number shows as null under all
	// but token, and what is neither text nor number under every method.
	Method string `yaml:"method"`
	// Predicates says what a statement may ask about the columns without seeing
	// them (WHERE, JOIN, GROUP BY, ORDER BY): deny (default), equality or allow.
	// Where masks overlap, the strictest wins, in that order. Each lets one guess
	// values: equality by trying them, which a budget bounds.
	Predicates string `yaml:"predicates"`
	// Budget is how many values of each of the columns a person may try on a resource
	// within a time, where predicates permit that, in all sessions together; a
	// statement without values to try counts as one. Default 100; 0 is any number.
	Budget *int64 `yaml:"budget"`
	// Within is the time over which a budget counts, default 24h. What was tried is
	// kept in memory: a restart of the bastion counts anew.
	Within string `yaml:"within"`
	// Rows is the most rows that an answer may have that shows one of the columns,
	// masked, or that is chosen by one. Default any number.
	Rows *int64 `yaml:"rows"`
	// Group is, where predicates permit more than showing, the least number of rows
	// that an answer about rows chosen by one of the columns may be about: nothing but
	// count(*) of one table, with what it is grouped by, and without groups of fewer
	// rows. Default none: rows themselves may be chosen.
	Group *int64 `yaml:"group"`
	// Detect are content detectors that run on everything else of these resources.
	Detect []string `yaml:"detect"`
}
