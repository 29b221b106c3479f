package tui

import "github.com/sallyport/sallyport/tui/widget"

var clickhouseLanguage = language{
	colour: widget.HighlightSQL,
	words: append(widget.SQLWords(), "any", "array", "asof", "engine", "final", "global", "optimize", "prewhere",
		"sample", "settings", "system", "ttl"),
}
