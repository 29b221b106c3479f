package tui

import "github.com/sallyport/sallyport/tui/widget"

// languages are those of the editor, by kind, where they are not SQL.
var languages = map[string]func([]rune) []widget.Token{
	"redis": widget.HighlightRedis,
}

// editorTitles name the editor by kind, where it is not SQL's.
var editorTitles = map[string]string{"redis": "Command"}

// kindNotes say of a kind what its workspace takes, and what is enforced there and what
// not.
var kindNotes = map[string][]string{
	"redis": {
		`Redis: one command a statement, as in redis-cli: hgetall user:17, set note "two words\x00". A key is a table, its fields are columns; what has none is value, and score.`,
		"Enforced: which command it is and which keys it names; masks by key and field. Over a masked key only commands run that answer with whole values.",
		"Not there: transactions, subscriptions, other databases; scripts and commands of modules are unknown, and denied unless a rule says unknown. The server has no read-only mode for one command.",
	},
}
