package server

// topic is what there is to say of a kind of target, or of something that several
// kinds have: how it is reached, what the gate enforces there, and what it does not.
// cmd/sallyport has the test that every kind has one.
type topic struct {
	Name     string   `json:"topic"`
	Title    string   `json:"title"`
	Reached  []string `json:"reached_by,omitempty"`
	Enforced []string `json:"enforced,omitempty"`
	Not      []string `json:"not,omitempty"`
}

// Topics are the words that `help` knows beside the verbs.
func Topics() []string {
	var names []string
	for _, t := range topics {
		names = append(names, t.Name)
	}
	return names
}

var (
	bySQL     = []string{"the screens: enter on it opens the workspace", "sql RESOURCE 'STATEMENT'", "why RESOURCE 'STATEMENT'"}
	byLineage = "masks by lineage: every value of an answer is traced to its columns, through joins, views and functions; a masked column may not decide which rows there are, nor their order, unless its mask says so"
)

// topics is the literal list: the kinds, then the rest.
var topics = []topic{
	{"postgres", "PostgreSQL", bySQL, []string{
		"class, tables and columns of each statement, by PostgreSQL's own grammar; reads in a read-only transaction; row and time limits; approvals",
		byLineage,
		"what is not understood whole runs with a second login that has no right to a masked column, where there is one; else it is refused where masks are",
	}, []string{"COPY of masked tables, other search_paths"}},
	{"mysql", "MySQL and MariaDB", bySQL, []string{"as postgres, by TiDB's grammar", byLineage},
		[]string{"no second login: what is not understood and may reach masked data is refused", "tried on MariaDB only, not on MySQL"}},
	{"sqlite", "SQLite", bySQL, []string{"as postgres, by SQLite's own authorizer and a parser", byLineage},
		[]string{"no second login", "no full-text tables where columns are masked"}},
	{"mssql", "SQL Server", bySQL, []string{
		"class and tables of each statement by its words, row and time limits, approvals; masks of plain statements of tables",
		"what is judged a read is rolled back, which undoes nothing outside of tables",
	}, []string{
		"subqueries, WITH, views and procedures are refused where columns are masked",
		"It was never tried against a real SQL Server.",
	}},
	{"clickhouse", "ClickHouse", bySQL, []string{"class, tables, masks of plain columns, row and time limits, approvals; reads with readonly = 1, so that the server refuses writes itself"},
		[]string{"there is no parser of its dialect: what is not simple is refused where columns are masked", "no estimates, no progress", "tried on version 18.16 only"}},
	{"redis", "Redis and Valkey", bySQL, []string{"one command at a time, by a table of all commands of Redis 7.0; masks by key and field; approvals, row and time limits"},
		[]string{"no read-only mode at the server", "no transactions, subscriptions, other databases; scripts and modules' commands are of class unknown", "names of keys are masked by detectors only", "not tried on Valkey"}},
	{"mongodb", "MongoDB", bySQL, []string{"one command at a time: class, collections, masks by paths of fields, row and time limits, approvals"},
		[]string{"no JavaScript, transactions, change streams", "tried on FerretDB only, which speaks its protocol, not on MongoDB"}},
	{"ssh", "hosts", []string{"the screens: enter on it is a shell", "shell HOST (ssh -t)", "exec HOST -- COMMAND", "sftp and scp: help files", "ssh -L: help forwards"}, []string{
		"exec: each command of the line by what bash would run, also behind sudo, xargs and sh -c; a program that is not known is of class unknown",
		"its output must be text, unless the rule says binary: what cannot be read cannot be masked",
		"the host's key: an unknown or changed one is a refusal with both fingerprints",
	}, []string{
		"what is typed into a shell is recorded completely, but not judged: there is no honest way to do that",
		"agent and X11 forwarding only where the rule says so",
		"commands of hosts without a shell like bash are of class unknown",
	}},
	{"kubernetes", "Kubernetes clusters", []string{"the screens: namespaces, pods, logs, a shell", "kube CLUSTER -- get pods -n NAMESPACE", "scp BASTION:CLUSTER/NAMESPACE/POD/CONTAINER/path: help files", "ssh -L PORT:POD.NAMESPACE.CLUSTER:PORT: help forwards"}, []string{
		"each API request by verb, resource, namespace and name, exec and attach as what they are",
		"Secrets: their values never show, to nobody",
	}, []string{"a command without a terminal may outlive its session in the pod", "cp as a line (use scp), proxy, top, edit, explain, diff"}},
	{"http", "HTTP services", []string{"the screens: enter on it composes requests", "http RESOURCE METHOD PATH"}, []string{
		"each request by method, path and body; a redirect anew; answers masked by JSON path and detectors",
		"the credential is the gate's: it cannot be typed, and an echo of it does not show",
	}, []string{"what a POST does only the service knows", "no uploads of files, no websockets", "binary answers need a rule that says binary"}},
	{"command", "declared commands", []string{"the screens: enter on it shows a form", "run COMMAND [NAME=VALUE ...] [--dry-run]"}, []string{
		"the declared argv, which no shell reads, with values that fit their types; output masked",
	}, []string{"what the program does is its owner's to say (class)", "a process that leaves its group on purpose is not ended with it"}},
	{"files", "files of hosts and of containers", []string{"sftp BASTION: the top folder lists hosts and clusters", "scp FILE BASTION:HOST/path (without -O)"}, []string{
		"each operation (read, write, delete, list, stat, rename, mkdir, links) by the path that the target says it is",
		"size and SHA-256 of what was moved are on record; the content is not kept",
	}, []string{"a file is not masked on its way: where detectors are on, a download ends at the first thing that they would mask", "a yes is for the operation and the path, not for the content"}},
	{"forwards", "ports of hosts and of pods", []string{"ssh -L 8080:HOST:8080 BASTION, for what the host declares under forwards"},
		[]string{"which port, for whom: the rule must allow forward and say binary"},
		[]string{"what goes through is counted and hashed, neither judged nor masked", "remote forwards (-R) are refused, always"}},
	{"masks", "what is hidden", []string{"m on a cell tells which mask hides it; why RESOURCE lists them", "sql RESOURCE 'STATEMENT' --unmask email --reason TEXT asks to see columns of one answer in clear"},
		[]string{"what you see and what is recorded are masked apart; the record has the strictest mask, whoever looks", "what a mask fails on is withheld"},
		[]string{"no detector finds what was encoded first, or a value drawn by moving the cursor"}},
}

// verbNotes are what a verb's help says behind its flags.
var verbNotes = map[string]string{
	"ls":          "Its words for a script: --json has name, kind, labels, description, and why one is unavailable.",
	"sql":         "The answer goes to stdout as a table, one object a line, or CSV; how many rows, what was masked and notices go to stderr.\nWhat the gate enforces there: `help` with the resource's kind, as `ls` shows it.",
	"exec":        "Quote twice what the target's shell is to read: exec web-1 -- 'ls *.log | wc -l'. stdin is the command's.\n--json and the other flags stand before the command. `help ssh` says what is judged.",
	"shell":       "The terminal is the target's, exact: there is no --json. `replay ID` has what happened, `replay ID --json` for scripts.\nIn it: enter, then ctrl-] leads back.",
	"run":         "`why COMMAND` tells what would be done with it. Wrong names and values are told with what would fit.",
	"kube":        "Options of the bastion stand before CLUSTER or before --; those behind are kubectl's. -it needs ssh -t.\n`help kubernetes` says what is judged.",
	"http":        "`help http` says what is judged.",
	"approvals":   "A yes binds to the exact bytes, the resource, its configuration and the masks; it is one run, and never one's own.\nTo ask, run what needs it, with --reason TEXT: it waits, and runs when somebody says yes.",
	"approve":     "It prints on stderr what it says yes to; nobody can change that in between.",
	"watch":       "It prints what is recorded, masked as it is kept. ctrl-c leaves it.",
	"transcripts": "Words in quotes are a phrase. A hit begins with ID@EVENT, which `replay` takes.",
	"logout":      "All that is open by this key ends at once.",
}
