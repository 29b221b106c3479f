package main

import (
	"bytes"
	"io"
)

// libraryLog is where libraries write by package log. net/http quotes there what a
// target says without being asked: no mask has seen it, so it does not stand in a log.
type libraryLog struct{ to io.Writer }

func (l libraryLog) Write(b []byte) (int, error) {
	shown := b
	if i := bytes.Index(b, []byte(" starting with ")); i >= 0 && bytes.Contains(b[:i], []byte("Unsolicited response")) {
		shown = append(bytes.Clone(b[:i]), '\n')
	}
	if _, err := l.to.Write(shown); err != nil {
		return 0, err
	}
	return len(b), nil
}
