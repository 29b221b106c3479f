package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// written is how a text stands in the file: where it begins, and in which of
// YAML's forms, so that a place in the text can be found in the file.
type written struct {
	place
	form token.Type
}

// writtenAt is how a scalar stands in the file.
func writtenAt(n ast.Node) (written, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		t := s.GetToken()
		return written{place{t.Position.Line, t.Position.Column}, t.Type}, true
	case *ast.LiteralNode:
		return written{place{s.Start.Position.Line, s.Start.Position.Column}, s.Start.Type}, true
	}
	return written{}, false
}

// within is where the character at line and column of the text stands. In a text
// that YAML folds or escapes in ways that few use, it may be off by some.
func (w written) within(lines []string, line, column int) (int, int) {
	switch w.form {
	case token.LiteralType:
		at := w.line + line
		return at, indentOf(lines, w.line) + column
	case token.FoldedType:
		return folded(lines, w.line+1, indentOf(lines, w.line), column)
	case token.SingleQuoteType, token.DoubleQuoteType:
		return w.line, w.column + escaped(lines, w, column)
	}
	return w.line, w.column + column - 1
}

// indentOf is the indentation of the block that begins behind the line.
func indentOf(lines []string, line int) int {
	for _, l := range lines[min(line, len(lines)):] {
		if text := strings.TrimLeft(l, " "); strings.TrimSpace(text) != "" {
			return len(l) - len(text)
		}
	}
	return 0
}

// folded finds a column of a text whose lines were put together with spaces.
func folded(lines []string, line, indent, column int) (int, int) {
	for line <= len(lines) {
		l := strings.TrimRight(lines[line-1], "\r")
		n := len([]rune(l[min(indent, len(l)):]))
		if column <= n+1 || line == len(lines) {
			break
		}
		column -= n + 1
		line++
	}
	return line, indent + column
}

// escaped is how far behind the opening quote the column stands: what YAML
// escapes takes two places.
func escaped(lines []string, w written, column int) int {
	if w.line > len(lines) {
		return column
	}
	raw := []rune(lines[w.line-1])
	at := w.column // behind the quote, counted from 0
	for n := 1; n < column && at < len(raw); n++ {
		if w.form == token.SingleQuoteType && raw[at] == '\'' || w.form == token.DoubleQuoteType && raw[at] == '\\' {
			at++
		}
		at++
	}
	return at - w.column + 1
}
