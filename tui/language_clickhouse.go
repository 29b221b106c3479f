package tui

import "github.com/sallyport/sallyport/tui/widget"

var clickhouseLanguage = language{
	colour:   widget.HighlightSQL,
	database: true,
	quote:    [2]string{"`", "`"},
	notes: []string{
		"ClickHouse: one statement at a time, without FORMAT and SETTINGS.",
		"Enforced: class, tables, masks of plain columns of a simple SELECT; reads run with readonly at the server. What has no simple shape is refused where columns are masked.",
		"Not there: estimates, progress, counts of changed rows. Tried with version 18.16 alone.",
	},
	words: append(widget.SQLWords(), "any", "array", "asof", "engine", "final", "global", "optimize", "prewhere",
		"sample", "settings", "system", "ttl"),
}
