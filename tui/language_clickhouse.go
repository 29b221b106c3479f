package tui

import "github.com/sallyport/sallyport/tui/widget"

var clickhouseLanguage = language{
	colour:   widget.HighlightSQL,
	database: true,
	quote:    [2]string{"`", "`"},
	words: append(widget.SQLWords(), "any", "array", "asof", "engine", "final", "global", "optimize", "prewhere",
		"sample", "settings", "system", "ttl"),
}
