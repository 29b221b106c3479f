package tui

import "github.com/sallyport/sallyport/tui/widget"

var mssqlLanguage = language{
	name:   "T-SQL",
	colour: widget.HighlightSQL,
	quote:  [2]string{"[", "]"},
	notes: []string{
		"SQL Server: one statement at a time, told by its words; a word that begins a statement stands nowhere else, but in brackets. GO is no statement.",
		"Enforced: class, tables, masks of plain statements. Reads run in a transaction that is rolled back, which does not undo xp_ procedures, linked servers and sequences.",
		"This kind was never run against a real SQL Server: what the gate knows of it is its documentation.",
	},
	words: append(widget.SQLWords(), "apply", "declare", "exec", "identity", "merge", "nolock", "nvarchar", "option",
		"output", "percent", "pivot", "top", "try_convert", "unpivot"),
}
