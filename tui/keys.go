package tui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// bind makes a binding: the keys, and how the help and the footer show it.
func bind(shown, does string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(shown, does))
}

// keys is every binding there is; footers and the help page are drawn from it.
var keys = struct {
	Help, F1, Quit, Leave, SignOut, Tab1, Tab2, Tab3, Next, Prev, Back, Enter, Refresh, Yes, No key.Binding

	Palette, Favour, Last                                                       key.Binding
	Move, Page, Ends, Filter, Type, More                                        key.Binding
	CopyCode, CopyURL, ToggleQR, Remember, Retry, Cancel                        key.Binding
	Run, Stop, History, Focus, Complete, Schema, LeaveSQL, Recall, Explain      key.Binding
	Cells, Cell, Record, Grid, Rows, ToEnd, Sideways, Editor, Withdraw, Request key.Binding
	Masks, Unmask                                                               key.Binding
	Approve, Deny, Scroll, Send, Go                                             key.Binding
	Pause, Seek, Op, Speed, Idle, Start, End                                    key.Binding
	Own, Search, Watch, EndIt, Find, Again, Link, Write                         key.Binding
	Types, Describe, Logs, Shell, Events, Follow, Wrap                          key.Binding
	Whole, Previous                                                             key.Binding
	Send2, Requests, Fold, FoldAll, Headers, RawText                            key.Binding
}{
	Help:    bind("?", "help", "?"),
	F1:      bind("f1", "help", "f1"),
	Quit:    bind("q", "quit", "q"),
	Leave:   bind("ctrl+c", "quit", "ctrl+c"),
	SignOut: bind("Q", "sign out", "Q"),
	Tab1:    bind("1", "resources", "1", "alt+1"),
	Tab2:    bind("2", "approvals", "2", "alt+2"),
	Tab3:    bind("3", "transcripts", "3", "alt+3"),
	Next:    bind("]", "next tab", "]", "alt+]"),
	Prev:    bind("[", "previous tab", "[", "alt+["),
	Back:    bind("esc", "back", "esc"),
	Enter:   bind("enter", "open", "enter"),
	Palette: bind(":", "actions", ":", "alt+:"),
	Refresh: bind("ctrl+r", "reload", "ctrl+r"),
	Yes:     bind("y", "yes", "y", "Y", "enter"),
	No:      bind("n", "no", "n", "N", "esc", "ctrl+c", "q"),

	Move:   bind("↑/↓ j/k", "move", "up", "down", "j", "k"),
	Page:   bind("pgup/pgdn", "page", "pgup", "pgdown"),
	Ends:   bind("g/G home/end", "first, last", "home", "end", "g", "G"),
	Filter: bind("/", "filter", "/"),
	More:   bind("tab", "more", "tab"),
	Type:   bind("letters", "filter as you type"),
	Favour: bind("f", "favourite", "f"),
	Last:   bind("-", "last resource", "-"),

	CopyCode: bind("c", "copy code", "c"),
	CopyURL:  bind("u", "copy address", "u"),
	ToggleQR: bind("s", "QR code", "s"),
	Remember: bind("r", "remember key", "r", "space"),
	Retry:    bind("enter", "new code", "enter", "n"),
	Cancel:   bind("q", "cancel", "q", "esc", "ctrl+c"),

	Run:      bind("; enter", "run", "ctrl+j"),
	Stop:     bind("ctrl+c", "clear, cancel", "ctrl+c"),
	History:  bind("ctrl+r", "history", "ctrl+r"),
	Focus:    bind("tab", "result", "tab"),
	Complete: bind("tab", "complete", "tab"),
	Schema:   bind("ctrl+t", "tables", "ctrl+t", "f2"),
	LeaveSQL: bind("ctrl+d", "leave", "ctrl+d"),
	Explain:  bind("f5", "why", "f5"),
	Recall:   bind("↑", "previous statement", "up"),

	Cells:    bind("↑↓←→", "move", "up"),
	Cell:     bind("enter", "whole cell", "enter"),
	Record:   bind("x", "record view", "x"),
	Grid:     bind("x", "grid", "x"),
	Rows:     bind("←/→", "row", "left", "right", "n", "p"),
	ToEnd:    bind("G", "to the end", "G"),
	Sideways: bind("←/→", "sideways", "left", "right"),
	Editor:   bind("esc", "editor", "esc", "i"),
	Masks:    bind("m", "why masked", "m"),
	Unmask:   bind("u", "ask to see it", "u"),
	Withdraw: bind("esc", "withdraw", "esc", "ctrl+c"),
	Request:  bind("enter", "ask for approval", "enter"),

	Approve: bind("a", "approve", "a"),
	Deny:    bind("d", "deny", "d"),
	Scroll:  bind("pgup/pgdn", "scroll statement", "pgup", "pgdown", "ctrl+u", "ctrl+d"),
	Send:    bind("enter", "send", "enter"),
	Go:      bind("enter", "go on", "enter"),

	Pause: bind("space", "pause", "space"),
	Seek:  bind("←/→", "10 s", "left", "right"),
	Op:    bind("n/p", "operation", "n", "p"),
	Speed: bind("+/-", "speed", "+", "-", "="),
	Idle:  bind("i", "skip idle", "i"),
	Start: bind("g", "start", "g", "home"),
	End:   bind("G", "end", "G", "end"),

	Types:    bind(":", "other types", ":"),
	Describe: bind("d", "describe", "d"),
	Logs:     bind("l", "logs", "l"),
	Shell:    bind("s", "shell", "s"),
	Events:   bind("e", "events", "e"),
	Follow:   bind("f", "follow", "f"),
	Wrap:     bind("w", "wrap", "w"),
	Whole:    bind("a", "whole log", "a"),
	Previous: bind("p", "previous", "p"),

	Search: bind("/", "search", "/"),
	Watch:  bind("w", "watch", "w"),
	EndIt:  bind("x", "end session", "x"),
	Find:   bind("/", "find", "/"),
	Again:  bind("N", "find next", "N"),
	Own:    bind("o", "what the gate did", "o"),
	Link:   bind("y", "copy link", "y"),
	Write:  bind("m", "note", "m"),

	Send2:    bind("enter ctrl+j", "send", "ctrl+j"),
	Requests: bind("ctrl+t", "saved requests", "ctrl+t", "f2"),
	Fold:     bind("enter", "fold", "enter", "space", "left", "right"),
	FoldAll:  bind("z/Z", "fold all", "z", "Z"),
	Headers:  bind("h", "header fields", "h"),
	RawText:  bind("r", "raw text", "r"),
}

// pressed reports whether the key is the binding's.
func pressed(k tea.KeyPressMsg, b key.Binding) bool {
	s := k.String()
	for _, want := range b.Keys() {
		if s == want {
			return true
		}
	}
	return false
}

// typed returns the text of a printable key without modifiers but shift.
func typed(k tea.KeyPressMsg) (string, bool) {
	return k.Text, k.Text != "" && k.Mod&^tea.ModShift == 0
}

// tabKey goes to tab i.
func tabKey(i int) key.Binding { return [...]key.Binding{keys.Tab1, keys.Tab2, keys.Tab3}[i] }
