package tui

import "github.com/sallyport/sallyport/tui/widget"

var mssqlLanguage = language{
	name:   "T-SQL",
	colour: widget.HighlightSQL,
	quote:  [2]string{"[", "]"},
	words: append(widget.SQLWords(), "apply", "declare", "exec", "identity", "merge", "nolock", "nvarchar", "option",
		"output", "percent", "pivot", "top", "try_convert", "unpivot"),
}
